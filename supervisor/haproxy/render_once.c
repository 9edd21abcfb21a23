#include "supervisor/haproxy/render_once.h"

#include "common/file.h"
#include "common/log.h"
#include "common/program_paths.h"
#include "supervisor/addresses/backend_addresses.h"
#include "supervisor/addresses/resolve_program.h"
#include "supervisor/haproxy/capacity.h"
#include "supervisor/haproxy/haproxy_facts.h"
#include "supervisor/haproxy/render.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWERS_SECONDS = 2 };

static void install_for_render(const struct settings *settings, const char *certs,
			       struct served_pair *pairs)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store =
	    store_look(settings->letsencrypt_dir, settings->acme_server, &err);

	if (store == NULL)
		log_warn("%s", err.text);
	for (size_t i = 0; store != NULL && i < settings->domain_count; i++) {
		const char *name = settings->domains[i];

		if (served_pair_install_from(store, name, certs, time(NULL), &pairs[i], &err) < 0)
			log_warn("[%s] %s", name, err.text);
	}
	store_close(store);
}

/* The files that HAProxy needs beside its configuration's folder in RUN_DIR are made in the
 * folder itself. */
static int make_folders_for_render(const char *folder, char **certs, char **chroot,
				   struct error *err)
{
	char *absolute;
	int rc = -1;

	if (file_make_dirs(folder, 0755, err) != 0)
		return -1;
	absolute = realpath(folder, NULL);
	if (absolute == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "%s", folder);
	*certs = file_join(absolute, "certs");
	*chroot = file_join(absolute, "chroot");
	if (*certs == NULL || *chroot == NULL)
		error_no_memory(err);
	else if (file_make_dirs(*certs, 0700, err) == 0 && file_make_dirs(*chroot, 0755, err) == 0)
		rc = 0;
	if (strlen(absolute) > SETTINGS_RUN_DIR_LONGEST)
		log_warn("%s has more than %d bytes: HAProxy refuses paths of sockets as long as "
			 "those in it, and with them the configuration; choose a shorter one to "
			 "run it",
			 absolute, SETTINGS_RUN_DIR_LONGEST);
	free(absolute);
	return rc;
}

/* A name that DNS does not answer in time becomes a server that is down. */
static struct backend_addresses *find_addresses(const struct settings *settings, struct error *err)
{
	struct backend_addresses *addresses = backend_addresses_new(settings, err);
	struct program_paths programs = {0};
	struct error trouble = ERROR_INIT;

	if (addresses == NULL || backend_addresses_count(addresses) == 0)
		return addresses;
	if (program_paths_find(&programs, &trouble) != 0 ||
	    resolve_once(programs.resolve, settings, addresses, ANSWERS_SECONDS, &trouble) != 0)
		log_warn("the addresses of backends are not known: %s", trouble.text);
	for (size_t i = 0; i < backend_addresses_count(addresses); i++)
		if (!backend_addresses_at(addresses, i)->known)
			log_warn("backend %s has no address: its server is written as down",
				 backend_addresses_at(addresses, i)->name);
	program_paths_clear(&programs);
	return addresses;
}

int render_once(const struct settings *settings, const char *folder, struct error *err)
{
	struct served_pair *pairs = calloc(settings->domain_count, sizeof(*pairs));
	char *certs = NULL, *chroot = NULL;
	struct backend_addresses *addresses = NULL;
	struct haproxy_facts facts = {0};
	int rc = -1;

	if (pairs == NULL) {
		error_no_memory(err);
		goto out;
	}
	if (haproxy_facts_find(settings->haproxy, &facts, err) != 0 ||
	    capacity_check(settings, facts.open_files, err) != 0 ||
	    make_folders_for_render(folder, &certs, &chroot, err) != 0)
		goto out;
	addresses = find_addresses(settings, err);
	if (addresses == NULL)
		goto out;
	install_for_render(settings, certs, pairs);
	const struct render_input input = {
	    .settings = settings,
	    .haproxy = &facts,
	    .pairs = pairs,
	    .addresses = addresses,
	    .certs_folder = certs,
	    .chroot = chroot,
	};
	rc = render_write(&input, folder, err);
out:
	haproxy_facts_clear(&facts);
	backend_addresses_free(addresses);
	free(pairs);
	free(certs);
	free(chroot);
	return rc;
}
