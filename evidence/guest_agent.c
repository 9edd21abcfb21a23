#include "evidence/guest_agent.h"

#include "common/file.h"
#include "common/http.h"
#include "common/json.h"
#include "evidence/hex.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	INFO_TIMEOUT_MS = 10000,
	/* The quoting enclave sits behind a queue on the host. */
	QUOTE_TIMEOUT_MS = 30000,
	URL_MAX = 256,
	COMPLAINT_MAX = 300, /* of the agent's own words, in messages */
};

static const struct {
	const char *name;
	const char *info_path;
	const char *quote_path;
} apis[] = {
    [GUEST_API_DSTACK] = {"dstack", "/Info", "/GetQuote"},
    [GUEST_API_TAPPD] = {"tappd", "/prpc/Tappd.Info", "/prpc/Tappd.RawQuote"},
};

int guest_agent_find(const char *dstack_socket, const char *tappd_socket, struct guest_agent *agent,
		     struct error *err)
{
	if (file_exists(dstack_socket))
		*agent = (struct guest_agent){GUEST_API_DSTACK, dstack_socket};
	else if (file_exists(tappd_socket))
		*agent = (struct guest_agent){GUEST_API_TAPPD, tappd_socket};
	else
		return error_set(err, EXIT_UNREACHABLE,
				 "there is no guest agent: neither %s (DSTACK_SOCKET) nor %s "
				 "(TAPPD_SOCKET) exists; mount one of them into the container",
				 dstack_socket, tappd_socket);
	return 0;
}

const char *guest_agent_api_name(const struct guest_agent *agent)
{
	return apis[agent->api].name;
}

/* ---- asking */

/* The agent explains itself in {"error": "..."}; anything else is shown as it came. */
static int refuse_status(const struct http_response *response, const char *path, struct error *err)
{
	struct error ignored = ERROR_INIT;
	AUTO_JSON cJSON *answer =
	    json_parse(buffer_text(&response->body), response->body.length, "answer", &ignored);
	const char *complaint = json_string(answer, "error");
	bool busy = response->status == 408 || response->status == 429 || response->status == 503;

	if (complaint == NULL)
		complaint = buffer_text(&response->body);
	error_set(err, busy ? EXIT_TRY_LATER : EXIT_FAILED,
		  "the guest agent answered %s with HTTP status %ld: %.*s", path, response->status,
		  COMPLAINT_MAX, complaint[0] == '\0' ? "(empty)" : complaint);
	err->retry_after = response->retry_after;
	return -1;
}

/* `response` holds a JSON object, which is returned too; NULL with err otherwise. */
static cJSON *ask(const struct guest_agent *agent, const char *path, const char *query,
		  long timeout_ms, struct http_response *response, struct error *err)
{
	char url[URL_MAX];
	struct http_request request = {
	    .url = url,
	    .unix_socket = agent->socket,
	    .timeout_ms = timeout_ms,
	    .body_max = GUEST_ANSWER_MAX,
	};

	snprintf(url, sizeof(url), "http://localhost%s%s", path, query);
	if (http_perform(&request, response, err) != 0) {
		error_wrap(err, "the guest agent");
		return NULL;
	}
	if (response->status != 200) {
		refuse_status(response, path, err);
		return NULL;
	}
	cJSON *answer = json_parse(buffer_text(&response->body), response->body.length,
				   "the guest agent's answer", err);
	if (answer != NULL && !cJSON_IsObject(answer)) {
		error_set(err, EXIT_FAILED, "the guest agent's answer to %s is no JSON object",
			  path);
		json_free(&answer);
	}
	return answer;
}

/* ---- identity */

static int copy_id(const cJSON *info, const char *name, char out[GUEST_ID_MAX + 1],
		   struct error *err)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(info, name);
	const char *value = cJSON_GetStringValue(member);

	out[0] = '\0';
	if (member == NULL || cJSON_IsNull(member))
		return 0;
	if (value == NULL)
		return error_set(err, EXIT_FAILED, "the guest agent's %s is no string", name);
	if (strlen(value) > GUEST_ID_MAX || !hex_is_valid(value))
		return error_set(err, EXIT_FAILED,
				 "the guest agent's %s is \"%.*s\"; at most %d hex digits were "
				 "expected",
				 name, GUEST_ID_MAX, value, GUEST_ID_MAX);
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

int guest_agent_identity(const struct guest_agent *agent, struct guest_identity *identity,
			 struct error *err)
{
	struct http_response response = {0};
	AUTO_JSON cJSON *info =
	    ask(agent, apis[agent->api].info_path, "", INFO_TIMEOUT_MS, &response, err);

	http_response_free(&response);
	if (info == NULL)
		return -1;
	if (copy_id(info, "app_id", identity->app_id, err) != 0 ||
	    copy_id(info, "instance_id", identity->instance_id, err) != 0 ||
	    copy_id(info, "compose_hash", identity->compose_hash, err) != 0 ||
	    copy_id(info, "os_image_hash", identity->os_image_hash, err) != 0)
		return -1;
	if (identity->app_id[0] == '\0')
		return error_set(err, EXIT_FAILED, "the guest agent gives no app_id");
	return 0;
}

/* ---- quote */

static int check_report_data(const unsigned char *bytes, size_t length, const char *wanted,
			     struct error *err)
{
	char found[2 * QUOTE_REPORT_DATA_SIZE + 1];
	struct quote quote;

	if (quote_parse(bytes, length, &quote, err) != 0)
		return -1;
	hex_encode(quote.report_data, QUOTE_REPORT_DATA_SIZE, found);
	if (strcmp(found, wanted) != 0)
		return error_set(err, EXIT_FAILED,
				 "the quote's REPORTDATA is %s, but %s was asked for", found,
				 wanted);
	return 0;
}

static int check_quote(const cJSON *answer, const char *report_data, struct error *err)
{
	const char *text = json_string(answer, "quote");

	if (text == NULL || text[0] == '\0')
		return error_set(err, EXIT_FAILED, "there is no quote in it");
	size_t length = strlen(text);
	AUTO_FREE unsigned char *bytes = malloc(length / 2 + 1);
	if (bytes == NULL)
		return error_no_memory(err);
	if (hex_decode(text, length, bytes) != 0)
		return error_set(err, EXIT_FAILED, "its quote is not hexadecimal");
	return check_report_data(bytes, length / 2, report_data, err);
}

int guest_agent_quote(const struct guest_agent *agent,
		      const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		      struct buffer *answer, struct error *err)
{
	struct http_response response = {0};
	char wanted[2 * QUOTE_REPORT_DATA_SIZE + 1];
	char query[URL_MAX];
	int result = -1;

	hex_encode(report_data, QUOTE_REPORT_DATA_SIZE, wanted);
	snprintf(query, sizeof(query), "?report_data=%s", wanted);
	AUTO_JSON cJSON *parsed =
	    ask(agent, apis[agent->api].quote_path, query, QUOTE_TIMEOUT_MS, &response, err);
	if (parsed == NULL)
		goto out;
	if (check_quote(parsed, wanted, err) != 0) {
		error_wrap(err, "the guest agent's answer to %s", apis[agent->api].quote_path);
		goto out;
	}
	buffer_append(answer, response.body.data, response.body.length);
	result = buffer_check(answer, "the guest agent's answer", err);
out:
	http_response_free(&response);
	return result;
}
