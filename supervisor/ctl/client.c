#include "supervisor/ctl/client.h"

#include "common/http.h"
#include "common/json.h"
#include "supervisor/control/control_api.h"

#include <stdio.h>

/* A reload of 10,000 routes, checked first, takes a while. */
enum { REQUEST_TIMEOUT_MS = 120000, URL_MAX = 8 * 1024 };

static int fail(const struct http_response *response, const cJSON *json, struct error *err)
{
	const char *sentence = json == NULL ? NULL : json_string(json, CONTROL_ERROR);
	enum exit_code code = EXIT_FAILED;

	if (response->status == 404)
		code = EXIT_USAGE_ERROR;
	else if (response->status == 429 || response->status == 503)
		code = EXIT_TRY_LATER;
	if (sentence == NULL)
		return error_set(err, code, "ingressd answered with status %ld", response->status);
	return error_set(err, code, "%s", sentence);
}

cJSON *ctl_request(const char *socket_path, const char *method, const char *path, struct error *err)
{
	char url[URL_MAX];
	struct http_request request = {
	    .method = method,
	    .url = url,
	    .unix_socket = socket_path,
	    .timeout_ms = REQUEST_TIMEOUT_MS,
	    .body_max = CONTROL_ANSWER_MAX,
	};
	struct http_response response;
	cJSON *json = NULL;

	snprintf(url, sizeof(url), "http://localhost%s", path);
	if (http_perform(&request, &response, err) != 0) {
		error_wrap(err, "ingressd does not answer at %s", socket_path);
		http_response_free(&response);
		return NULL;
	}
	json =
	    json_parse(buffer_text(&response.body), response.body.length, "ingressd's answer", err);
	if (response.status / 100 != 2) {
		fail(&response, json, err);
		cJSON_Delete(json);
		json = NULL;
	}
	http_response_free(&response);
	return json;
}
