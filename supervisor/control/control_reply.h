/* Answers on the control socket: JSON, always. */
#ifndef SUPERVISOR_CONTROL_CONTROL_REPLY_H
#define SUPERVISOR_CONTROL_CONTROL_REPLY_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <stdbool.h>

void control_reply_json(struct evhttp_request *request, int status, const char *reason,
			const cJSON *json);
/* {"ok":true} with 200 or 202. */
void control_reply_ok(struct evhttp_request *request, int status);
/* {"error": sentence} */
void control_reply_error(struct evhttp_request *request, int status, const char *reason,
			 const char *sentence);
/* The same for what was asked for in vain: 404 for EXIT_USAGE_ERROR, 429 (with Retry-After) for
 * EXIT_TRY_LATER, else 500. */
void control_reply_failure(struct evhttp_request *request, const struct error *err);

/* False once it has answered 405. */
bool control_is_method(struct evhttp_request *request, enum evhttp_cmd_type method,
		       const char *name);
/* The parameters behind '?'; evhttp_clear_headers() by the caller.  False once it has answered
 * 400. */
bool control_read_query(struct evhttp_request *request, struct evkeyvalq *query);

/* Logs that somebody has asked for `what`, and who: "reload: asked for by process 7 of user 0". */
void control_log_asker(struct evhttp_request *request, const char *what) __attribute__((nonnull));

#endif
