#include "evidence/serve.h"

#include "common/file.h"
#include "common/log.h"
#include "common/privileges.h"
#include "evidence/asker.h"
#include "evidence/attest.h"
#include "evidence/connections.h"
#include "evidence/file_server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

enum {
	/* Connections, and what is open beside them. */
	DESCRIPTORS_NEEDED = CONNECTIONS_MAX + 64,
	/* Every method evhttp knows: what is not allowed is told so by the file server. */
	ALL_METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
		      EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
		      EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH,
};

struct server {
	struct file_server files;
	struct attest *attest; /* NULL: the files are served */
	struct event_base *base;
	struct evhttp *http;
	struct connections *connections;
	struct event *term;
	struct event *interrupt;
	bool failed;
};

/* ---- events */

static void on_request(struct evhttp_request *request, void *context)
{
	struct server *server = context;

	connections_answering(server->connections, request,
			      server->attest != NULL ? ATTEST_ANSWER_MAX_MS : 0);
	if (server->attest != NULL)
		attest_answer(server->attest, request);
	else
		file_server_answer(&server->files, request);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct server *server = context;

	(void)what;
	log_info("signal %d: stopping", (int)number);
	connections_drain(server->connections);
}

/* libevent's own remarks, about peers that hang up for the most part. */
static void on_libevent_message(int severity, const char *message)
{
	if (severity == EVENT_LOG_ERR)
		log_error("%s", message);
	else
		log_debug("%s", message);
}

/* ---- start */

static int open_folder(const char *path, struct error *err)
{
	if (file_make_dirs(path, 0755, err) != 0)
		return -1;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		error_set_errno(err, EXIT_FAILED, errno, "cannot open %s", path);
	return folder;
}

/* accept() must not fail for want of descriptors: it would be tried again without end. */
static void make_room_for_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_NEEDED)
		return;
	limit.rlim_cur = DESCRIPTORS_NEEDED;
	if (limit.rlim_max < DESCRIPTORS_NEEDED || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn("the limit of open files is below %d", DESCRIPTORS_NEEDED);
}

static int give_up_root(int folder, struct error *err)
{
	if (privileges_is_root() && privileges_confine(folder, err) != 0)
		return -1;
	return privileges_drop(USER_SERVER, err);
}

static struct event *watch_signal(struct server *server, int number)
{
	struct event *event = evsignal_new(server->base, number, on_signal, server);

	if (event != NULL)
		evsignal_add(event, NULL);
	return event;
}

/* The supervisor starts this program again. */
static void on_asker_lost(void *context)
{
	struct server *server = context;

	log_error("the process that asks the guest agent has ended");
	server->failed = true;
	event_base_loopbreak(server->base);
}

static int set_up(struct server *server, int fd, int asker, struct error *err)
{
	event_set_log_callback(on_libevent_message);
	server->base = event_base_new();
	server->http = server->base == NULL ? NULL : evhttp_new(server->base);
	if (server->http == NULL)
		return error_set(err, EXIT_FAILED, "libevent cannot start");
	struct evconnlistener *listener = evconnlistener_new(
	    server->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (listener == NULL)
		return error_set(err, EXIT_FAILED, "libevent cannot watch the socket");
	if (evhttp_bind_listener(server->http, listener) == NULL) {
		evconnlistener_free(listener);
		return error_no_memory(err);
	}
	server->connections = connections_new(server->base, server->http, listener, err);
	if (server->connections == NULL)
		return -1;
	if (asker >= 0) {
		server->attest = attest_new(server->base, server->files.folder, asker,
					    on_asker_lost, server, err);
		if (server->attest == NULL)
			return -1;
	}
	evhttp_set_allowed_methods(server->http, ALL_METHODS);
	evhttp_set_max_headers_size(server->http, SERVE_HEADER_MAX);
	evhttp_set_max_body_size(server->http, SERVE_BODY_MAX);
	evhttp_set_gencb(server->http, on_request, server);
	server->term = watch_signal(server, SIGTERM);
	server->interrupt = watch_signal(server, SIGINT);
	return server->term == NULL || server->interrupt == NULL ? error_no_memory(err) : 0;
}

static void tear_down(struct server *server)
{
	if (server->term != NULL)
		event_free(server->term);
	if (server->interrupt != NULL)
		event_free(server->interrupt);
	attest_free(server->attest); /* its questions belong to connections of the next */
	if (server->http != NULL)
		evhttp_free(server->http);
	connections_free(server->connections);
	if (server->base != NULL)
		event_base_free(server->base);
	file_set_free(&server->files.snapshot.files);
}

/* The loop, until it is told to end. */
static int run(struct server *server, struct error *err)
{
	if (event_base_dispatch(server->base) < 0)
		return error_set(err, EXIT_FAILED, "libevent's loop ended by itself");
	return server->failed ? error_set(err, EXIT_FAILED, "quotes can no longer be made") : 0;
}

int serve(const struct serve_options *options, struct error *err)
{
	AUTO_CLOSE int folder = open_folder(options->evidence_dir, err);
	struct server server = {.files = {.folder = folder}};
	int asker = -1, result = -1;

	signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error of write() */
	if (folder < 0)
		return -1;
	if (options->attests) {
		asker = asker_start(options->dstack_socket, options->tappd_socket, err);
		if (asker < 0)
			return -1;
	}
	make_room_for_connections();
	if (give_up_root(folder, err) != 0 || set_up(&server, options->fd, asker, err) != 0)
		goto out;
	log_info("serving the %s in %s", options->attests ? "attestation of what is" : "evidence",
		 options->evidence_dir);
	result = run(&server, err);
out:
	tear_down(&server);
	return result;
}
