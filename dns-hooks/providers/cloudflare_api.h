/* Calls of Cloudflare's API: one at a time, or a whole listing. */
#ifndef DNS_HOOKS_PROVIDERS_CLOUDFLARE_API_H
#define DNS_HOOKS_PROVIDERS_CLOUDFLARE_API_H

#include "dns-hooks/providers/cloudflare_answer.h"
#include "dns-hooks/web/web_api.h"

enum { CLOUDFLARE_URL_MAX = WEB_URL_MAX };

struct cloudflare_api;

/* Reads CLOUDFLARE_API_TOKEN and CLOUDFLARE_API_URL.  NULL with err. */
struct cloudflare_api *cloudflare_api_new(struct error *err);
void cloudflare_api_free(struct cloudflare_api *api);

/*
 * `path` begins with '/', `query` with '?' or is "".  0 when the API says success, else -1 (with
 * the API's code in `answer`, 0 if it gave none).  The caller frees `answer` in any case.
 */
int cloudflare_call(const struct cloudflare_api *api, const char *method, const char *path,
		    const char *query, const cJSON *body, struct cloudflare_answer *answer,
		    struct error *err);

/* Called for each element of a listing; -1 ends it. */
typedef int cloudflare_take(const cJSON *item, void *user, struct error *err);

/*
 * Reads every page of a listing; `filter` is a query without '?'.  Only when this returns 0 has
 * `take` seen all there is.
 */
int cloudflare_list_all(const struct cloudflare_api *api, const char *path, const char *filter,
			int page_size, cloudflare_take *take, void *user, struct error *err);

#endif
