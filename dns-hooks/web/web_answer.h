/* What the HTTP answer of a provider's API means where all of them agree; pure. */
#ifndef DNS_HOOKS_WEB_WEB_ANSWER_H
#define DNS_HOOKS_WEB_WEB_ANSWER_H

#include "common/error.h"

#include <stdbool.h>

/* What messages say of one answer. */
struct web_answer {
	const char *provider; /* "Cloudflare" */
	const char *call;     /* "POST /zones/.../dns_records" */
	long status;
	unsigned retry_after; /* seconds; 0: it did not say */
};

/*
 * Whether an id that the API told may become a segment of a path: letters, digits, "-" and "_".
 * Escaping is not enough: "..", which has nothing to escape, makes of a record's path that of its
 * zone, and of the deletion of one that of the other.  NULL is no id.
 */
bool web_id_is_usable(const char *id);

/* The exit code that goes with a status that is no success: 408 and 429 ask to wait, 5xx is
 * nobody's fault here, 401 and 403 are about credentials. */
enum exit_code web_exit_code(long status);

/*
 * "PROVIDER: CALL: HTTP status N, WORDS; it asks to wait N seconds; ADVICE", with retry_after
 * in err.  `words` (the API's own) and `advice` may be "".  Returns -1.
 */
int web_answer_refused(const struct web_answer *answer, enum exit_code code, const char *words,
		       const char *advice, struct error *err);

/*
 * For a body that cannot be read: puts provider, call and status in front of what err says of
 * it.  EXIT_UNREACHABLE, unless the status has a meaning of its own (a proxy may put HTML below
 * a 403 or 429).  Returns -1.
 */
int web_answer_unreadable(const struct web_answer *answer, struct error *err);

#endif
