#include "dns-hooks/web/web_api.h"

#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/web/web_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CALL_ATTEMPTS = 4,
	CALL_BUDGET_MS = 45000,
	CALL_TIMEOUT_MS = 15000,
	SECRETS_MAX = 8,
	/* A shorter secret would be blotted out within ordinary words, and protects nothing. */
	BLOTTED_MIN = 8,
};

static const char BEARER[] = "Authorization: Bearer ";

struct web_api {
	const char *provider;
	const char *url; /* the caller's or the environment's */
	size_t url_length;
	char *secrets[SECRETS_MAX];
	size_t secret_count;
};

struct web_api *web_api_new(const char *provider, const char *url, const char *url_variable,
			    struct error *err)
{
	struct web_api *api = calloc(1, sizeof(*api));
	const char *given = url_variable == NULL ? NULL : settings_provider_variable(url_variable);

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->provider = provider;
	api->url = given == NULL ? url : given;
	api->url_length = strlen(api->url);
	while (api->url_length > 0 && api->url[api->url_length - 1] == '/')
		api->url_length--;
	return api;
}

void web_api_free(struct web_api *api)
{
	if (api == NULL)
		return;
	for (size_t i = 0; i < api->secret_count; i++) {
		explicit_bzero(api->secrets[i], strlen(api->secrets[i]));
		free(api->secrets[i]);
	}
	free(api);
}

/* Takes over `text` (NULL: memory ran out), also when it fails. */
static const char *keep(struct web_api *api, char *text, struct error *err)
{
	if (text == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (api->secret_count == SECRETS_MAX) {
		explicit_bzero(text, strlen(text));
		free(text);
		error_set(err, EXIT_FAILED, "%s: more than %d secrets", api->provider, SECRETS_MAX);
		return NULL;
	}
	api->secrets[api->secret_count++] = text;
	return text;
}

const char *web_api_keep_secret(struct web_api *api, const char *secret, struct error *err)
{
	log_hide(secret);
	return keep(api, strdup(secret), err);
}

const char *web_api_secret(struct web_api *api, const char *name, struct error *err)
{
	struct buffer value;
	const char *kept = NULL;

	buffer_init(&value, WEB_SECRET_MAX);
	int given = settings_secret(name, &value, err);
	if (given > 0)
		kept = keep(api, strdup(buffer_text(&value)), err);
	else if (given == 0)
		error_set(err, EXIT_BAD_CONFIG, "%s is not set", name);
	if (value.data != NULL)
		explicit_bzero(value.data, value.length);
	buffer_free(&value);
	return kept;
}

const char *web_api_bearer(struct web_api *api, const char *name, struct error *err)
{
	const char *secret = web_api_secret(api, name, err);
	char *header = NULL;

	if (secret == NULL)
		return NULL;
	if (asprintf(&header, "%s%s", BEARER, secret) < 0)
		header = NULL;
	return keep(api, header, err);
}

static void blot_out(const char *secret, struct buffer *body)
{
	size_t length = strlen(secret);
	char *at = body->data;

	while (at != NULL && length >= BLOTTED_MIN) {
		at = memmem(at, body->length - (size_t)(at - body->data), secret, length);
		if (at != NULL)
			memset(at, '*', length);
	}
}

/* Once in a run: the next answers say the same. */
static void look_at_clock(const struct web_api *api, const struct http_response *response)
{
	static bool is_told;
	const char *host = strstr(api->url, "://");
	char name[DOMAIN_MAX + 1], text[WEB_CLOCK_TEXT_MAX];

	host = host == NULL ? api->url : host + 3;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, "/?"), host);
	if (is_told || !web_clock_differs(time(NULL), response->date, name, text))
		return;
	is_told = true;
	log_warn("%s", text);
}

int web_api_call(const struct web_api *api, const struct web_call *call,
		 struct http_response *response, struct error *err)
{
	char url[WEB_URL_MAX];
	const struct http_request request = {
	    .method = call->method,
	    .url = url,
	    .headers = call->headers,
	    .body = call->body,
	    .body_length = call->body == NULL ? 0 : strlen(call->body),
	    .timeout_ms = call->timeout_ms == 0 ? CALL_TIMEOUT_MS : call->timeout_ms,
	    .direct = call->direct,
	    .is_busy = call->is_busy,
	};
	int length = snprintf(url, sizeof(url), "%.*s%s%s", (int)api->url_length, api->url,
			      call->path, call->query == NULL ? "" : call->query);

	*response = (struct http_response){0};
	if (length < 0 || (size_t)length >= sizeof(url))
		return error_set(err, EXIT_BAD_CONFIG, "%s: the URL of %s %s is too long",
				 api->provider, call->method, call->path);
	if (http_perform_retrying(&request, response, call->once ? 1 : CALL_ATTEMPTS,
				  CALL_BUDGET_MS, err) != 0)
		return error_wrap(err, "%s", api->provider);
	look_at_clock(api, response);
	for (size_t i = 0; i < api->secret_count; i++)
		blot_out(api->secrets[i], &response->body);
	return 0;
}
