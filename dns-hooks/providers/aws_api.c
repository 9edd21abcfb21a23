#include "dns-hooks/providers/aws_api.h"

#include "common/settings.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct aws_api {
	const struct aws_service *service;
	char host[WEB_URL_MAX]; /* with its port */
	/* Made anew with new keys: what it knows as secret must not pile up. */
	struct web_api *web;
	const char *secret; /* the one of those keys; owned by `web` */
};

void aws_api_free(struct aws_api *api)
{
	if (api == NULL)
		return;
	web_api_free(api->web);
	free(api);
}

struct aws_api *aws_api_new(const struct aws_service *service, struct error *err)
{
	struct aws_api *api = calloc(1, sizeof(*api));
	const char *given = settings_provider_variable(service->url_variable);

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->service = service;
	const char *host = strstr(given == NULL ? service->url : given, "://");
	host = host == NULL ? "" : host + 3;
	size_t length = strcspn(host, "/?");
	if (host[length] != '\0' && strcmp(host + length, "/") != 0) {
		error_set(err, EXIT_BAD_CONFIG,
			  "%s is \"%.200s\": must be a scheme and a host only, as what is signed "
			  "are AWS's own paths",
			  service->url_variable, given);
		free(api);
		return NULL;
	}
	snprintf(api->host, sizeof(api->host), "%.*s", (int)length, host);
	return api;
}

static int use_keys(struct aws_api *api, const struct aws_keys *keys, struct error *err)
{
	if (api->secret != NULL && strcmp(api->secret, keys->secret) == 0)
		return 0;
	web_api_free(api->web);
	api->secret = NULL;
	api->web =
	    web_api_new(api->service->title, api->service->url, api->service->url_variable, err);
	if (api->web == NULL)
		return -1;
	if (keys->token != NULL && web_api_keep_secret(api->web, keys->token, err) == NULL)
		return -1;
	api->secret = web_api_keep_secret(api->web, keys->secret, err);
	return api->secret == NULL ? -1 : 0;
}

static int call_signed(const struct aws_api *api, const struct aws_keys *keys,
		       const struct aws_call *call, struct http_response *response,
		       struct error *err)
{
	const struct aws_message message = {.region = api->service->region,
					    .service = api->service->name,
					    .method = call->method,
					    .host = api->host,
					    .path = call->path,
					    .query = call->query,
					    .content_type = call->content_type,
					    .body = call->body};
	char query[WEB_URL_MAX], type[WEB_URL_MAX];
	const char *const plain[] = {type, NULL};
	struct aws_headers headers = {0};
	bool is_signed = keys->id != NULL;
	int result = is_signed ? aws_sign(&message, keys, time(NULL), &headers, err) : 0;

	*response = (struct http_response){0};
	snprintf(type, sizeof(type), "Content-Type: %s", call->content_type);
	snprintf(query, sizeof(query), "%s%s", *call->query == '\0' ? "" : "?", call->query);
	/* A signature is good for five minutes, longer than web_api_call() tries. */
	const struct web_call web_call = {.method = call->method,
					  .path = call->path,
					  .query = query,
					  .headers = is_signed ? (const char *const *)headers.lines
							       : plain,
					  .body = call->body,
					  .is_busy = aws_is_busy};
	if (result == 0)
		result = web_api_call(api->web, &web_call, response, err);
	aws_headers_free(&headers);
	return result;
}

int aws_api_call(struct aws_api *api, const struct aws_keys *keys, const struct aws_call *call,
		 struct aws_answer *answer, struct error *err)
{
	char name[WEB_URL_MAX];
	struct http_response response;

	*answer = (struct aws_answer){.service = api->service->title,
				      .denied_advice = api->service->denied_advice};
	if (use_keys(api, keys, err) != 0)
		return -1;
	if (call->name != NULL)
		snprintf(name, sizeof(name), "%s", call->name);
	else
		snprintf(name, sizeof(name), "%s %s", call->method, call->path);
	int result = call_signed(api, keys, call, &response, err);
	if (result == 0) {
		answer->status = response.status;
		answer->retry_after = response.retry_after;
		result =
		    aws_judge(answer, name, buffer_text(&response.body), response.body.length, err);
	}
	http_response_free(&response);
	return result;
}
