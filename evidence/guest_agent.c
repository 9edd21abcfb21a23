#include "evidence/guest_agent.h"

#include "common/file.h"
#include "common/hex.h"
#include "common/http.h"
#include "common/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	INFO_TIMEOUT_MS = 10000,
	/* The quoting enclave sits behind a queue on the host. */
	QUOTE_TIMEOUT_MS = 30000,
	URL_MAX = 256,
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
	cJSON *answer = guest_answer_object(response->status, &response->body, path, err);
	if (answer == NULL)
		err->retry_after = response->retry_after;
	return answer;
}

/* ---- identity */

int guest_agent_identity(const struct guest_agent *agent, struct guest_identity *identity,
			 struct error *err)
{
	struct http_response response = {0};
	AUTO_JSON cJSON *info =
	    ask(agent, apis[agent->api].info_path, "", INFO_TIMEOUT_MS, &response, err);

	http_response_free(&response);
	return info == NULL ? -1 : guest_answer_identity(info, identity, err);
}

/* ---- quote */

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
	if (guest_answer_check_quote(parsed, report_data, err) != 0) {
		error_wrap(err, "the guest agent's answer to %s", apis[agent->api].quote_path);
		goto out;
	}
	buffer_append(answer, response.body.data, response.body.length);
	result = buffer_check(answer, "the guest agent's answer", err);
out:
	http_response_free(&response);
	return result;
}
