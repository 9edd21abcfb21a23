#include "dns-hooks/leave_root.h"

#include "common/confinement.h"
#include "common/http.h"
#include "common/log.h"
#include "common/privileges.h"
#include "dns-hooks/challenge/journal_folder.h"

#include <linux/capability.h>
#include <string.h>

/* Keeps the right to open files of root and of the user that the volume belongs to.  Where there
 * is no USER_DNS to give the notes to, or the volume gives nobody anything, ingressd has said so
 * once. */
static void stay_root(const struct error *cause)
{
	log_debug("%s; going on as root, since it keeps notes there", cause->text);
	confinement_drop_capabilities(CAPABILITY(CAP_DAC_OVERRIDE), 0);
}

void leave_root(const struct settings *settings)
{
	struct error err = ERROR_INIT;

	confinement_hide_memory();
	if (settings == NULL) {
		privileges_drop_as_far_as_can_be(USER_DNS);
		return;
	}
	settings_hold_secrets(FOR_DNS);
	if (settings->acme_ca_bundle != NULL)
		http_hold_ca_bundle(settings->acme_ca_bundle);
	if (settings->doh_ca_bundle != NULL)
		http_hold_ca_bundle(settings->doh_ca_bundle);
	if (strcmp(settings->dns_provider, "exec") == 0)
		return;
	if (privileges_is_root() &&
	    journal_folder_enter(settings->letsencrypt_dir, USER_DNS, &err) != 0)
		stay_root(&err);
	else
		privileges_drop_as_far_as_can_be(USER_DNS);
}
