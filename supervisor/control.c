#include "supervisor/control.h"

#include "common/file.h"
#include "common/json.h"
#include "supervisor/domains.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADERS_MAX = 8192, BODY_MAX = 1024, CLIENT_TIMEOUT = 60, BACKLOG = 128 };

/* A request that waits for HAProxy; `request` becomes NULL when its client goes away. */
struct pending {
	LIST_ENTRY(pending) link;
	struct evhttp_request *request;
};

struct control {
	struct control_options options;
	struct evhttp *http;
	char *path;
	LIST_HEAD(, pending) pending;
};

/* ---- answers */

static void reply_json(struct evhttp_request *request, int status, const char *reason,
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

static void reply_error(struct evhttp_request *request, int status, const char *reason,
			const char *sentence)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", sentence);
	reply_json(request, status, reason, json);
	cJSON_Delete(json);
}

static void reply_ok(struct evhttp_request *request, int status)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, "ok", true);
	reply_json(request, status, status == 202 ? "Accepted" : "OK", json);
	cJSON_Delete(json);
}

static bool is_method(struct evhttp_request *request, enum evhttp_cmd_type method, const char *name)
{
	if (evhttp_request_get_command(request) == method)
		return true;
	evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", name);
	reply_error(request, 405, "Method Not Allowed", "this path takes another method");
	return false;
}

/* ---- status */

static void on_status(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	cJSON *json;

	if (!is_method(request, EVHTTP_REQ_GET, "GET"))
		return;
	json = status_make(control->options.status);
	reply_json(request, 200, "OK", json);
	cJSON_Delete(json);
}

/* ---- reload */

static void on_client_gone(struct evhttp_connection *connection, void *arg)
{
	struct pending *pending = arg;

	(void)connection;
	pending->request = NULL;
}

static void on_applied(const struct error *err, void *arg)
{
	struct pending *pending = arg;

	if (pending->request != NULL) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL,
					      NULL);
		if (err == NULL)
			reply_ok(pending->request, 200);
		else
			reply_error(pending->request, 500, "Failed", err->text);
	}
	LIST_REMOVE(pending, link);
	free(pending);
}

static void on_reload(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	struct pending *pending;
	struct error err = ERROR_INIT;

	if (!is_method(request, EVHTTP_REQ_POST, "POST"))
		return;
	pending = calloc(1, sizeof(*pending));
	if (pending == NULL) {
		evhttp_send_error(request, HTTP_INTERNAL, "out of memory");
		return;
	}
	pending->request = request;
	LIST_INSERT_HEAD(&control->pending, pending, link);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_client_gone,
				      pending);
	if (haproxy_apply(control->options.haproxy, on_applied, pending, &err) != 0)
		on_applied(&err, pending);
}

/* ---- renew */

static void renew(struct control *control, struct evhttp_request *request,
		  const struct evkeyvalq *query)
{
	const char *domain = evhttp_find_header(query, "domain");
	const char *force = evhttp_find_header(query, "force");
	struct error err = ERROR_INIT;
	char seconds[16];

	if (domains_renew(control->options.domains, domain,
			  force != NULL && strcmp(force, "1") == 0, &err) == 0) {
		reply_ok(request, 202);
	} else if (err.code == EXIT_USAGE_ERROR) {
		reply_error(request, 404, "Not Found", err.text);
	} else {
		snprintf(seconds, sizeof(seconds), "%u", err.retry_after);
		evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After",
				  seconds);
		reply_error(request, 429, "Too Many Requests", err.text);
	}
}

static void on_renew(struct evhttp_request *request, void *arg)
{
	const char *query_text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
	struct evkeyvalq query;

	if (!is_method(request, EVHTTP_REQ_POST, "POST"))
		return;
	if (evhttp_parse_query_str(query_text == NULL ? "" : query_text, &query) != 0) {
		reply_error(request, 400, "Bad Request", "the query cannot be read");
		return;
	}
	renew(arg, request, &query);
	evhttp_clear_headers(&query);
}

static void on_unknown(struct evhttp_request *request, void *arg)
{
	(void)arg;
	reply_error(request, 404, "Not Found",
		    "there is no such path; this is ingressd's control socket, for ingressctl");
}

/* ---- the socket */

static int listen_at(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int rc;

	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	mask = umask(0177); /* 0600 from the first moment */
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc != 0 || listen(fd, BACKLOG) != 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot listen at %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static void add_paths(struct control *control)
{
	evhttp_set_max_headers_size(control->http, HEADERS_MAX);
	evhttp_set_max_body_size(control->http, BODY_MAX);
	evhttp_set_timeout(control->http, CLIENT_TIMEOUT);
	evhttp_set_cb(control->http, "/v1/status", on_status, control);
	evhttp_set_cb(control->http, "/v1/reload", on_reload, control);
	evhttp_set_cb(control->http, "/v1/renew", on_renew, control);
	evhttp_set_gencb(control->http, on_unknown, control);
}

struct control *control_new(const struct control_options *options, struct error *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int fd = -1;

	if (control == NULL) {
		error_no_memory(err);
		return NULL;
	}
	control->options = *options;
	control->path = strdup(options->socket_path);
	control->http = evhttp_new(options->base);
	if (control->path == NULL || control->http == NULL) {
		error_no_memory(err);
		goto fail;
	}
	add_paths(control);
	fd = listen_at(control->path, err);
	if (fd < 0)
		goto fail;
	if (evhttp_accept_socket(control->http, fd) != 0) { /* takes over fd */
		close(fd);
		error_no_memory(err);
		goto fail;
	}
	return control;
fail:
	control_free(control);
	return NULL;
}

void control_free(struct control *control)
{
	struct pending *pending;

	if (control == NULL)
		return;
	/* Whoever still waits is dropped with its connection. */
	while ((pending = LIST_FIRST(&control->pending)) != NULL) {
		LIST_REMOVE(pending, link);
		free(pending);
	}
	if (control->http != NULL)
		evhttp_free(control->http);
	if (control->path != NULL)
		unlink(control->path);
	free(control->path);
	free(control);
}
