/*
 * Calls of Namecheap's API: a POST form with who is asking and the command, an XML answer
 * (https://www.namecheap.com/support/api/intro/).
 *
 *   NAMECHEAP_USERNAME, NAMECHEAP_API_KEY    of an account with API access
 *   NAMECHEAP_CLIENT_IP                      the whitelisted IPv4 address that calls come from
 *   NAMECHEAP_SANDBOX                        true: the API for trying things
 *   NAMECHEAP_API_URL                        for tests
 */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_API_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_API_H

#include "dns-hooks/providers/namecheap_answer.h"

#include <stdbool.h>

struct namecheap_api;

/* NULL with err. */
struct namecheap_api *namecheap_api_new(struct error *err);
void namecheap_api_free(struct namecheap_api *api);

/* An operation begins: its calls may wait for Namecheap a bit more than the minute that its rate
 * limit counts in, all together. */
void namecheap_api_begin(struct namecheap_api *api);

/*
 * A command that only reads ("domains.dns.getHosts") about a domain ("" for none), with its
 * parameters ("&SLD=..."); repeated when the reason for a failure passes.  0 when the API says
 * success, else as namecheap_judge().  The caller frees `answer` in any case.
 */
int namecheap_ask(const struct namecheap_api *api, const char *command, const char *domain,
		  const char *parameters, struct namecheap_answer *answer, struct error *err);

/* The same for a command that writes; sent once.  After a failure it is not known whether it was
 * carried out, unless the API refused it by number (answer->number). */
int namecheap_tell(const struct namecheap_api *api, const char *command, const char *domain,
		   const char *parameters, struct namecheap_answer *answer, struct error *err);

/* After try number `attempt` (from 0) failed: waits before the next one.  False, at once, when the
 * reason does not pass, or not soon enough. */
bool namecheap_pause(const struct namecheap_api *api, unsigned attempt,
		     const struct namecheap_answer *answer, const struct error *err);

#endif
