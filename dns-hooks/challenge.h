/* certbot's manual hooks: a challenge value comes into DNS, and goes again. */
#ifndef DNS_HOOKS_CHALLENGE_H
#define DNS_HOOKS_CHALLENGE_H

#include "common/error.h"
#include "common/settings.h"

#include <stddef.h>

/*
 * `auth`: adds CERTBOT_VALIDATION at the effective name of CERTBOT_DOMAIN's challenge, and
 * returns 0 once every authoritative server has it and caches can no longer hold what was
 * there before.  On failure the value is taken back; what could not be taken back stays in
 * the journal.  With INGRESS_URGENT=1 in the environment it is not put off for what some servers
 * show, or do not: when the time is up, that is warned about.
 */
int challenge_auth(const struct settings *settings, struct error *err);

/* `cleanup`: takes out exactly that value.  One that is not noted, or gone, is fine. */
int challenge_cleanup(const struct settings *settings, struct error *err);

/* `cleanup --all`: takes out every value that is still noted, and prints what became of each. */
int challenge_cleanup_all(const struct settings *settings, struct error *err);

/* `cleanup DOMAIN...`: the same for the values of some names, with "*." or without. */
int challenge_cleanup_names(const struct settings *settings, const char *const *names, size_t count,
			    struct error *err);

#endif
