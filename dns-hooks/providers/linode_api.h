/* Calls of Linode's API: one at a time, or a whole listing. */
#ifndef DNS_HOOKS_PROVIDERS_LINODE_API_H
#define DNS_HOOKS_PROVIDERS_LINODE_API_H

#include "dns-hooks/providers/linode_answer.h"

enum { LINODE_PATH_MAX = 512 };

struct linode_api;

/* Reads LINODE_API_TOKEN and LINODE_API_URL.  NULL with err. */
struct linode_api *linode_api_new(struct error *err);
void linode_api_free(struct linode_api *api);

/*
 * 0 when the API says success, else -1 with what it said in `answer`.  The caller frees `answer`
 * in any case.  A POST whose answer is lost is not repeated: the API would make the record twice.
 */
int linode_call(const struct linode_api *api, const char *method, const char *path,
		const cJSON *body, struct linode_answer *answer, struct error *err);

/* Called for each element of a listing; -1 ends it. */
typedef int linode_take(const cJSON *item, void *user, struct error *err);

/*
 * Reads every page of a listing.  `filter` (may be NULL) is an object for the header X-Filter.
 * Only when this returns 0 has `take` seen all there is.
 */
int linode_list_all(const struct linode_api *api, const char *path, const cJSON *filter,
		    linode_take *take, void *user, struct error *err);

#endif
