#include "dns-hooks/cloudflare_api.h"

#include "common/file.h"
#include "common/http.h"
#include "common/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TOKEN_MAX = 1024,
	CALL_ATTEMPTS = 4,
	CALL_BUDGET_MS = 45000,
	CALL_TIMEOUT_MS = 15000,
	PAGES_MAX = 50,
};

static const char API[] = "https://api.cloudflare.com/client/v4";

static const char SCHEME[] = "Authorization: Bearer ";

struct cloudflare_api {
	const char *url; /* the environment's; its last slash does not count */
	char authorization[sizeof(SCHEME) + TOKEN_MAX];
};

static int read_token(struct cloudflare_api *api, struct error *err)
{
	struct buffer token;

	buffer_init(&token, TOKEN_MAX);
	int given = settings_secret("CLOUDFLARE_API_TOKEN", &token, err);
	if (given > 0)
		snprintf(api->authorization, sizeof(api->authorization), "Authorization: Bearer %s",
			 buffer_text(&token));
	if (token.data != NULL)
		explicit_bzero(token.data, token.length);
	buffer_free(&token);
	if (given == 0)
		error_set(err, EXIT_BAD_CONFIG, "CLOUDFLARE_API_TOKEN is not set");
	return given > 0 ? 0 : -1;
}

void cloudflare_api_free(struct cloudflare_api *api)
{
	if (api == NULL)
		return;
	explicit_bzero(api->authorization, sizeof(api->authorization));
	free(api);
}

struct cloudflare_api *cloudflare_api_new(struct error *err)
{
	struct cloudflare_api *api = calloc(1, sizeof(*api));
	const char *url = settings_provider_variable("CLOUDFLARE_API_URL");

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->url = url == NULL ? API : url;
	if (read_token(api, err) == 0)
		return api;
	cloudflare_api_free(api);
	return NULL;
}

static int perform(const struct cloudflare_api *api, const char *method, const char *url,
		   const char *body, struct http_response *response, struct error *err)
{
	const char *const headers[] = {api->authorization, "Accept: application/json",
				       "Content-Type: application/json", NULL};
	const struct http_request request = {
	    .method = method,
	    .url = url,
	    .headers = headers,
	    .body = body,
	    .body_length = body == NULL ? 0 : strlen(body),
	    .timeout_ms = CALL_TIMEOUT_MS,
	};

	/* Repeating a write is safe: what was made already answers "exists", what was deleted
	 * "gone". */
	return http_perform_retrying(&request, response, CALL_ATTEMPTS, CALL_BUDGET_MS, err);
}

/* What the API quotes ends up in messages; should it quote the token, that must not. */
static void hide_token(const struct cloudflare_api *api, struct buffer *body)
{
	const char *token = api->authorization + strlen(SCHEME);
	size_t length = strlen(token);
	char *at = body->data;

	while (at != NULL && length > 0) {
		at = memmem(at, body->length - (size_t)(at - body->data), token, length);
		if (at != NULL)
			memset(at, '*', length);
	}
}

int cloudflare_call(const struct cloudflare_api *api, const char *method, const char *path,
		    const char *query, const cJSON *body, struct cloudflare_answer *answer,
		    struct error *err)
{
	char url[CLOUDFLARE_URL_MAX], name[CLOUDFLARE_URL_MAX];
	AUTO_FREE char *text = body == NULL ? NULL : json_print(body, false, err);
	struct http_response response;
	size_t base = strlen(api->url);

	*answer = (struct cloudflare_answer){0};
	if (body != NULL && text == NULL)
		return -1;
	while (base > 0 && api->url[base - 1] == '/')
		base--;
	snprintf(name, sizeof(name), "%s %s", method, path);
	if (snprintf(url, sizeof(url), "%.*s%s%s", (int)base, api->url, path, query) >=
	    CLOUDFLARE_URL_MAX)
		return error_set(err, EXIT_BAD_CONFIG, "Cloudflare: the URL of %s is too long",
				 name);
	int result = perform(api, method, url, text, &response, err);
	if (result != 0) {
		error_wrap(err, "Cloudflare");
	} else {
		hide_token(api, &response.body);
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
