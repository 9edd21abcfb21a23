#include "supervisor/control/control_reply.h"

#include "common/json.h"
#include "common/log.h"
#include "supervisor/control/control_api.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void control_reply_json(struct evhttp_request *request, int status, const char *reason,
			const cJSON *json)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	struct error err = ERROR_INIT;
	char *text = json_print(json, false, &err);

	if (text == NULL) {
		evhttp_send_error(request, HTTP_INTERNAL, "out of memory");
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "application/json");
	evbuffer_add_printf(body, "%s\n", text);
	free(text);
	evhttp_send_reply(request, status, reason, NULL);
}

void control_reply_error(struct evhttp_request *request, int status, const char *reason,
			 const char *sentence)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, CONTROL_ERROR, sentence);
	control_reply_json(request, status, reason, json);
	cJSON_Delete(json);
}

void control_reply_ok(struct evhttp_request *request, int status)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, CONTROL_OK, true);
	control_reply_json(request, status, status == 202 ? "Accepted" : "OK", json);
	cJSON_Delete(json);
}

bool control_is_method(struct evhttp_request *request, enum evhttp_cmd_type method,
		       const char *name)
{
	if (evhttp_request_get_command(request) == method)
		return true;
	evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", name);
	control_reply_error(request, 405, "Method Not Allowed", "this path takes another method");
	return false;
}

void control_reply_failure(struct evhttp_request *request, const struct error *err)
{
	char seconds[16];

	switch (err->code) {
	case EXIT_USAGE_ERROR:
		control_reply_error(request, 404, "Not Found", err->text);
		break;
	case EXIT_TRY_LATER:
		snprintf(seconds, sizeof(seconds), "%u", err->retry_after);
		evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After",
				  seconds);
		control_reply_error(request, 429, "Too Many Requests", err->text);
		break;
	default:
		control_reply_error(request, 500, "Failed", err->text);
	}
}

void control_log_asker(struct evhttp_request *request, const char *what)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (getsockopt(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), SOL_SOCKET,
		       SO_PEERCRED, &peer, &size) == 0)
		log_info("%s: asked for by process %d of user %u", what, (int)peer.pid,
			 (unsigned)peer.uid);
}

bool control_read_query(struct evhttp_request *request, struct evkeyvalq *query)
{
	const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));

	if (evhttp_parse_query_str(text == NULL ? "" : text, query) == 0)
		return true;
	control_reply_error(request, 400, "Bad Request", "the query cannot be read");
	return false;
}
