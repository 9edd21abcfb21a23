#include "dns-hooks/providers/linode_api.h"

#include "common/deadline.h"
#include "common/file.h"
#include "common/http.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_SIZE = 500, /* the most it gives (25 the least) */
	PAGES_MAX = 400,
	FILTER_MAX = 512,
	BUSY_ATTEMPTS = 5,
	BUSY_BUDGET_MS = 45000,
	BUSY_PAUSE_MS = 500, /* the first; then twice as long each time */
};

static const char API[] = "https://api.linode.com/v4";

struct linode_api {
	struct web_api *web;
	const char *authorization; /* owned by `web` */
};

/* One request, whatever is behind it. */
struct request {
	const char *method, *path, *query, *body;
	const char *filter; /* header line, or NULL */
};

void linode_api_free(struct linode_api *api)
{
	if (api == NULL)
		return;
	web_api_free(api->web);
	free(api);
}

struct linode_api *linode_api_new(struct error *err)
{
	struct linode_api *api = calloc(1, sizeof(*api));

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->web = web_api_new("Linode", API, "LINODE_API_URL", err);
	if (api->web != NULL)
		api->authorization = web_api_bearer(api->web, "LINODE_API_TOKEN", err);
	if (api->authorization != NULL)
		return api;
	linode_api_free(api);
	return NULL;
}

static bool is_post(const struct request *request)
{
	return strcmp(request->method, "POST") == 0;
}

static int ask(const struct linode_api *api, const struct request *request,
	       struct linode_answer *answer, struct error *err)
{
	const char *const headers[] = {api->authorization, "Accept: application/json",
				       request->body == NULL ? request->filter
							     : "Content-Type: application/json",
				       request->body == NULL ? NULL : request->filter, NULL};
	const struct web_call call = {.method = request->method,
				      .path = request->path,
				      .query = request->query,
				      .headers = headers,
				      .body = request->body,
				      .once = is_post(request)};
	struct http_response response;
	char name[LINODE_PATH_MAX];

	*answer = (struct linode_answer){0};
	snprintf(name, sizeof(name), "%s %s", request->method, request->path);
	int result = web_api_call(api->web, &call, &response, err);
	if (result == 0) {
		answer->status = response.status;
		answer->retry_after = response.retry_after;
		result = linode_judge(answer, name, buffer_text(&response.body),
				      response.body.length, err);
	}
	http_response_free(&response);
	return result;
}

/* Repeats a call that was not carried out for now. web_api_call() repeats the others; it does
 * not repeat a POST that is told to slow down, and does not know the answer "Linode busy.". */
static int ask_patiently(const struct linode_api *api, const struct request *request,
			 struct linode_answer *answer, struct error *err)
{
	deadline limit = deadline_in(BUSY_BUDGET_MS);
	long pause = BUSY_PAUSE_MS;

	for (int attempt = 1;; attempt++, pause *= 2) {
		int result = ask(api, request, answer, err);
		bool is_refused_for_now =
		    answer->busy || (is_post(request) && answer->status == 429);
		if (!is_refused_for_now || attempt == BUSY_ATTEMPTS)
			return result;
		long asked = (long)answer->retry_after * 1000;
		long wait = asked > pause ? asked : pause;
		if (wait >= deadline_left(limit))
			return result;
		linode_answer_free(answer);
		deadline_sleep(wait, limit);
	}
}

int linode_call(const struct linode_api *api, const char *method, const char *path,
		const cJSON *body, struct linode_answer *answer, struct error *err)
{
	AUTO_FREE char *text = body == NULL ? NULL : json_print(body, false, err);
	const struct request request = {.method = method, .path = path, .body = text};

	*answer = (struct linode_answer){0};
	if (body != NULL && text == NULL)
		return -1;
	return ask_patiently(api, &request, answer, err);
}

static int take_page(struct linode_listing *listing, const cJSON *json, const char *path,
		     linode_take *take, void *user, struct error *err)
{
	const cJSON *item = NULL, *data = linode_next_page(listing, json, path, err);

	if (data == NULL)
		return -1;
	cJSON_ArrayForEach(item, data)
	{
		if (take(item, user, err) != 0)
			return -1;
	}
	return 0;
}

static int list_pages(const struct linode_api *api, const char *path, const char *filter,
		      struct linode_listing *listing, linode_take *take, void *user,
		      struct error *err)
{
	char query[64];
	const struct request request = {
	    .method = "GET", .path = path, .query = query, .filter = filter};

	do {
		struct linode_answer answer;
		if (listing->page == PAGES_MAX)
			return error_set(err, EXIT_FAILED, "Linode: %s: more than %d pages", path,
					 PAGES_MAX);
		snprintf(query, sizeof(query), "?page=%lld&page_size=%d", listing->page + 1,
			 PAGE_SIZE);
		int result = ask_patiently(api, &request, &answer, err);
		if (result == 0)
			result = take_page(listing, answer.json, path, take, user, err);
		linode_answer_free(&answer);
		if (result != 0)
			return -1;
	} while (listing->page < listing->pages);
	return 0;
}

int linode_list_all(const struct linode_api *api, const char *path, const cJSON *filter,
		    linode_take *take, void *user, struct error *err)
{
	AUTO_FREE char *text = filter == NULL ? NULL : json_print(filter, false, err);
	struct linode_listing listing = {0};
	char header[FILTER_MAX];

	if (filter != NULL && text == NULL)
		return -1;
	snprintf(header, sizeof(header), "X-Filter: %s", text == NULL ? "" : text);
	int result = list_pages(api, path, text == NULL ? NULL : header, &listing, take, user, err);
	linode_listing_free(&listing);
	return result;
}
