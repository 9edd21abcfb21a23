#include "dns-hooks/providers/namecheap_api.h"

#include "common/deadline.h"
#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALL_NAME_MAX = 400,
	TRIES_MAX = 3,
	PAUSE_MS = 1000,
	RATE_PATIENCE_MS = 65000,
	RATE_PAUSE_MS = 2000,
	RATE_PAUSE_MAX_MS = 16000,
};

static const char API[] = "https://api.namecheap.com/xml.response";
static const char SANDBOX_API[] = "https://api.sandbox.namecheap.com/xml.response";

struct namecheap_api {
	struct web_api *web;
	const char *key; /* owned by `web` */
	char *user, *ip; /* escaped; owned */
	deadline patience;
};

void namecheap_api_free(struct namecheap_api *api)
{
	if (api == NULL)
		return;
	web_api_free(api->web);
	free(api->user);
	free(api->ip);
	free(api);
}

/* Escaped, allocated; NULL with err when it is not set. */
static char *plain_variable(const char *name, struct error *err)
{
	const char *value = settings_provider_variable(name);
	char *escaped = value == NULL ? NULL : http_escape(value);

	if (value == NULL)
		error_set(err, EXIT_BAD_CONFIG, "%s is not set", name);
	else if (escaped == NULL)
		error_no_memory(err);
	return escaped;
}

struct namecheap_api *namecheap_api_new(struct error *err)
{
	struct namecheap_api *api = calloc(1, sizeof(*api));

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->web = web_api_new("Namecheap",
			       settings_provider_flag("NAMECHEAP_SANDBOX") ? SANDBOX_API : API,
			       "NAMECHEAP_API_URL", err);
	if (api->web != NULL)
		api->key = web_api_secret(api->web, "NAMECHEAP_API_KEY", err);
	if (api->key != NULL)
		api->user = plain_variable("NAMECHEAP_USERNAME", err);
	if (api->user != NULL)
		api->ip = plain_variable("NAMECHEAP_CLIENT_IP", err);
	if (api->ip != NULL)
		return api;
	namecheap_api_free(api);
	return NULL;
}

void namecheap_api_begin(struct namecheap_api *api)
{
	api->patience = deadline_in(RATE_PATIENCE_MS);
}

/* ---- trying again */

static bool is_rate_limit(const struct namecheap_answer *answer)
{
	return answer->status == NAMECHEAP_STATUS_RATE_LIMIT ||
	       answer->number == NAMECHEAP_TOO_MANY_REQUESTS;
}

bool namecheap_pause(const struct namecheap_api *api, unsigned attempt,
		     const struct namecheap_answer *answer, const struct error *err)
{
	bool passes = err->code == EXIT_UNREACHABLE || err->code == EXIT_TRY_LATER;
	long pause = PAUSE_MS;

	if (is_rate_limit(answer))
		pause = attempt < 3 ? (long)RATE_PAUSE_MS << attempt : RATE_PAUSE_MAX_MS;
	else if (attempt + 1 >= TRIES_MAX)
		return false;
	if (answer->retry_after > 0)
		pause = (long)answer->retry_after * 1000;
	if (!passes || pause > deadline_left(api->patience))
		return false;
	log_info("%s: trying again in %ld s", err->text, pause / 1000);
	deadline_sleep(pause, api->patience);
	return true;
}

/* ---- one call */

static int make_form(const struct namecheap_api *api, const char *command, const char *parameters,
		     struct buffer *form, struct error *err)
{
	AUTO_FREE char *key = http_escape(api->key);

	if (key == NULL)
		return error_no_memory(err);
	buffer_printf(form, "ApiUser=%s&ApiKey=%s&UserName=%s&ClientIp=%s&Command=namecheap.%s%s",
		      api->user, key, api->user, api->ip, command, parameters);
	explicit_bzero(key, strlen(key));
	return buffer_check(form, "the request", err);
}

/* A POST, whatever the command: URLs end up in logs. */
static int call(const struct namecheap_api *api, const char *command, const char *domain,
		const struct buffer *form, bool once, struct namecheap_answer *answer,
		struct error *err)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
					      "Accept: application/xml", NULL};
	const struct web_call post = {.method = "POST",
				      .path = "",
				      .headers = headers,
				      .body = buffer_text(form),
				      .once = once};
	struct http_response response;
	char name[CALL_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s%s", command, *domain == '\0' ? "" : " of ", domain);
	*answer = (struct namecheap_answer){0};
	int result = web_api_call(api->web, &post, &response, err);
	if (result != 0) {
		error_wrap(err, "%s", name);
	} else {
		answer->status = response.status;
		answer->retry_after = response.retry_after;
		result = namecheap_judge(answer, name, buffer_text(&response.body),
					 response.body.length, err);
	}
	http_response_free(&response);
	return result;
}

static void wipe(struct buffer *form)
{
	if (form->data != NULL)
		explicit_bzero(form->data, form->length);
	buffer_free(form);
}

int namecheap_tell(const struct namecheap_api *api, const char *command, const char *domain,
		   const char *parameters, struct namecheap_answer *answer, struct error *err)
{
	struct buffer form;

	*answer = (struct namecheap_answer){0};
	buffer_init(&form, NAMECHEAP_FORM_MAX);
	int result = make_form(api, command, parameters, &form, err);
	if (result == 0)
		result = call(api, command, domain, &form, true, answer, err);
	wipe(&form);
	return result;
}

int namecheap_ask(const struct namecheap_api *api, const char *command, const char *domain,
		  const char *parameters, struct namecheap_answer *answer, struct error *err)
{
	struct buffer form;
	unsigned attempt = 0;

	*answer = (struct namecheap_answer){0};
	buffer_init(&form, NAMECHEAP_FORM_MAX);
	int result = make_form(api, command, parameters, &form, err);
	if (result == 0)
		result = call(api, command, domain, &form, false, answer, err);
	/* What web_api_call() repeats, it has repeated; it does not know the rest. */
	while (result != 0 && (is_rate_limit(answer) || answer->number != 0) &&
	       namecheap_pause(api, attempt++, answer, err)) {
		namecheap_answer_free(answer);
		result = call(api, command, domain, &form, false, answer, err);
	}
	wipe(&form);
	return result;
}
