#include "supervisor/control/control.h"

#include "common/file.h"
#include "supervisor/control/control_api.h"
#include "supervisor/control/control_dns.h"
#include "supervisor/control/control_reply.h"
#include "supervisor/domains/domains.h"
#include "supervisor/haproxy/haproxy.h"

#include <errno.h>
#include <event2/bufferevent.h>
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

enum {
	BODY_MAX = 1024,
	CLIENT_TIMEOUT = 60,
	BACKLOG = 128,
	WRITE_MAX = 1024 * 1024,
	RELOAD_PATIENCE = 45, /* seconds, below CLIENT_TIMEOUT: whoever asked is told something */
};

/* A request that waits for HAProxy; `request` becomes NULL when it is answered or its client goes
 * away. */
struct pending {
	LIST_ENTRY(pending) link;
	struct evhttp_request *request;
	struct event *patience;
};

struct control {
	struct control_options options;
	struct evhttp *http;
	char *path;
	LIST_HEAD(, pending) pending;
};

/* ---- status */

static void on_status(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	cJSON *json;

	if (!control_is_method(request, EVHTTP_REQ_GET, "GET"))
		return;
	json = status_make(control->options.status);
	control_reply_json(request, 200, "OK", json);
	cJSON_Delete(json);
}

/* ---- reload */

static void on_client_gone(struct evhttp_connection *connection, void *arg)
{
	struct pending *pending = arg;

	(void)connection;
	pending->request = NULL;
}

/* The request, which the caller has to answer; NULL when its client has gone. */
static struct evhttp_request *take_request(struct pending *pending)
{
	struct evhttp_request *request = pending->request;

	pending->request = NULL;
	if (request != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	return request;
}

static void free_pending(struct pending *pending)
{
	if (pending->patience != NULL)
		event_free(pending->patience);
	LIST_REMOVE(pending, link);
	free(pending);
}

static void on_applied(const struct error *err, void *arg)
{
	struct evhttp_request *request = take_request(arg);

	if (request != NULL && err == NULL)
		control_reply_ok(request, 200);
	else if (request != NULL)
		control_reply_error(request, 500, "Failed", err->text);
	free_pending(arg);
}

static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	struct evhttp_request *request = take_request(arg);

	(void)fd;
	(void)what;
	if (request != NULL)
		control_reply_error(request, 503, "Service Unavailable",
				    "HAProxy is still loading its configuration; the reload goes "
				    "on, and `ingressctl status` shows what became of it");
}

static struct pending *add_pending(struct control *control, struct evhttp_request *request)
{
	static const struct timeval patience = {RELOAD_PATIENCE, 0};
	struct pending *pending = calloc(1, sizeof(*pending));

	if (pending == NULL)
		return NULL;
	pending->patience = evtimer_new(control->options.base, on_patience_over, pending);
	if (pending->patience == NULL) {
		free(pending);
		return NULL;
	}
	event_add(pending->patience, &patience);
	pending->request = request;
	LIST_INSERT_HEAD(&control->pending, pending, link);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_client_gone,
				      pending);
	return pending;
}

static void on_reload(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	struct pending *pending;
	struct error err = ERROR_INIT;

	if (!control_is_method(request, EVHTTP_REQ_POST, "POST"))
		return;
	control_log_asker(request, "reload");
	pending = add_pending(control, request);
	if (pending == NULL)
		evhttp_send_error(request, HTTP_INTERNAL, "out of memory");
	else if (haproxy_apply(control->options.haproxy, on_applied, pending, &err) != 0)
		on_applied(&err, pending);
}

/* ---- renew */

static void log_renew(struct evhttp_request *request, const char *domain, bool is_forced)
{
	char what[DOMAIN_MAX + 32];

	if (domain == NULL)
		snprintf(what, sizeof(what), "renew%s", is_forced ? " --force" : "");
	else
		snprintf(what, sizeof(what), "[%.*s] renew%s", DOMAIN_MAX, domain,
			 is_forced ? " --force" : "");
	control_log_asker(request, what);
}

static void renew(struct control *control, struct evhttp_request *request,
		  const struct evkeyvalq *query)
{
	const char *domain = evhttp_find_header(query, CONTROL_DOMAIN);
	const char *force = evhttp_find_header(query, CONTROL_FORCE);
	bool is_forced = force != NULL && strcmp(force, "1") == 0;
	struct error err = ERROR_INIT;

	log_renew(request, domain, is_forced);
	if (domains_renew(control->options.domains, domain, is_forced, &err) == 0)
		control_reply_ok(request, 202);
	else
		control_reply_failure(request, &err);
}

static void on_renew(struct evhttp_request *request, void *arg)
{
	struct evkeyvalq query;

	if (!control_is_method(request, EVHTTP_REQ_POST, "POST") ||
	    !control_read_query(request, &query))
		return;
	renew(arg, request, &query);
	evhttp_clear_headers(&query);
}

static void on_unknown(struct evhttp_request *request, void *arg)
{
	(void)arg;
	control_reply_error(
	    request, 404, "Not Found",
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

/* As much of an answer as the socket takes at a time, not 16 KB in each turn of the event loop: the
 * status of a thousand domains would take twenty. */
static struct bufferevent *make_connection(struct event_base *base, void *arg)
{
	struct bufferevent *connection = bufferevent_socket_new(base, -1, 0);

	(void)arg;
	if (connection != NULL)
		bufferevent_set_max_single_write(connection, WRITE_MAX);
	return connection;
}

static void add_paths(struct control *control)
{
	evhttp_set_max_headers_size(control->http, CONTROL_HEADERS_MAX);
	evhttp_set_max_body_size(control->http, BODY_MAX);
	evhttp_set_timeout(control->http, CLIENT_TIMEOUT);
	evhttp_set_bevcb(control->http, make_connection, NULL);
	evhttp_set_cb(control->http, CONTROL_PATH_STATUS, on_status, control);
	evhttp_set_cb(control->http, CONTROL_PATH_RELOAD, on_reload, control);
	evhttp_set_cb(control->http, CONTROL_PATH_RENEW, on_renew, control);
	control_dns_add_paths(control->http, control->options.dns_job);
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
	/* Clients that still wait lose their connection. */
	while ((pending = LIST_FIRST(&control->pending)) != NULL)
		free_pending(pending);
	if (control->http != NULL)
		evhttp_free(control->http);
	if (control->path != NULL)
		unlink(control->path);
	free(control->path);
	free(control);
}
