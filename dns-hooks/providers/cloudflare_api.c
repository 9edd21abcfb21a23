#include "dns-hooks/providers/cloudflare_api.h"

#include "common/file.h"
#include "common/http.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGES_MAX = 50 };

static const char API[] = "https://api.cloudflare.com/client/v4";

struct cloudflare_api {
	struct web_api *web;
	const char *authorization; /* owned by `web` */
};

void cloudflare_api_free(struct cloudflare_api *api)
{
	if (api == NULL)
		return;
	web_api_free(api->web);
	free(api);
}

struct cloudflare_api *cloudflare_api_new(struct error *err)
{
	struct cloudflare_api *api = calloc(1, sizeof(*api));

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->web = web_api_new("Cloudflare", API, "CLOUDFLARE_API_URL", err);
	if (api->web != NULL)
		api->authorization = web_api_bearer(api->web, "CLOUDFLARE_API_TOKEN", err);
	if (api->authorization != NULL)
		return api;
	cloudflare_api_free(api);
	return NULL;
}

int cloudflare_call(const struct cloudflare_api *api, const char *method, const char *path,
		    const char *query, const cJSON *body, struct cloudflare_answer *answer,
		    struct error *err)
{
	char name[CLOUDFLARE_URL_MAX];
	AUTO_FREE char *text = body == NULL ? NULL : json_print(body, false, err);
	const char *const headers[] = {api->authorization, "Accept: application/json",
				       text == NULL ? NULL : "Content-Type: application/json",
				       NULL};
	/* Repeating a write is safe: what was made already answers "exists", what was deleted
	 * "gone". */
	const struct web_call call = {
	    .method = method, .path = path, .query = query, .headers = headers, .body = text};
	struct http_response response;

	*answer = (struct cloudflare_answer){0};
	if (body != NULL && text == NULL)
		return -1;
	snprintf(name, sizeof(name), "%s %s", method, path);
	int result = web_api_call(api->web, &call, &response, err);
	if (result == 0) {
		answer->status = response.status;
		answer->retry_after = response.retry_after;
		result = cloudflare_judge(answer, name, buffer_text(&response.body),
					  response.body.length, err);
	}
	http_response_free(&response);
	return result;
}

int cloudflare_list_all(const struct cloudflare_api *api, const char *path, const char *filter,
			int page_size, cloudflare_take *take, void *user, struct error *err)
{
	struct cloudflare_listing listing = {.total = -1};
	char query[CLOUDFLARE_URL_MAX];

	for (int page = 1; page <= PAGES_MAX; page++) {
		struct cloudflare_answer answer;
		const cJSON *result = NULL, *item = NULL;
		int failed = 0;
		snprintf(query, sizeof(query), "?%s&per_page=%d&page=%d", filter, page_size, page);
		if (cloudflare_call(api, "GET", path, query, NULL, &answer, err) == 0)
			result = cloudflare_next_page(&listing, answer.json, path, err);
		cJSON_ArrayForEach(item, result) failed = failed || take(item, user, err) != 0;
		cloudflare_answer_free(&answer);
		if (result == NULL || failed)
			return -1;
		if (listing.seen == listing.total)
			return 0;
	}
	return error_set(err, EXIT_FAILED, "Cloudflare: %s: more than %d pages", path, PAGES_MAX);
}
