#include "evidence/connections.h"

#include "common/clock.h"
#include "common/log.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	SWEEP_MS = 250,
	/* While draining: short, but long enough to read requests that have arrived already. */
	DRAIN_SWEEP_MS = 50,
};

struct connection {
	int fd;
	ino_t inode;
	long long deadline; /* clock_now_ms() */
	bool answering;
};

struct connections {
	struct event_base *base;
	struct evconnlistener *listener;
	struct connection known[CONNECTIONS_MAX];
	size_t known_count;
	/* Accepted in this turn of the loop: evhttp is about to give them their sockets. */
	struct bufferevent *arriving[CONNECTIONS_MAX];
	size_t arriving_count;
	struct event *adopt;
	struct event *sweep;
	long long sweep_at; /* clock_now_ms(), when one is planned */
	bool full;
	bool draining;
};

/* ---- who is there */

static bool identify(int fd, ino_t *inode)
{
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return false;
	*inode = info.st_ino;
	return true;
}

static bool is_open(const struct connection *connection)
{
	ino_t inode;

	return identify(connection->fd, &inode) && inode == connection->inode;
}

static void forget_closed(struct connections *connections)
{
	size_t kept = 0;

	for (size_t i = 0; i < connections->known_count; i++)
		if (is_open(&connections->known[i]))
			connections->known[kept++] = connections->known[i];
	connections->known_count = kept;
}

static struct connection *find(struct connections *connections, int fd)
{
	for (size_t i = 0; i < connections->known_count; i++)
		if (connections->known[i].fd == fd && is_open(&connections->known[i]))
			return &connections->known[i];
	return NULL;
}

/* ---- the sweep */

static void plan_sweep(struct connections *connections, long milliseconds)
{
	const struct timeval delay = {milliseconds / 1000, milliseconds % 1000 * 1000};

	connections->sweep_at = clock_now_ms() + milliseconds;
	event_add(connections->sweep, &delay);
}

/* While answers are made, such as by reading thousands of files, nobody is listened to: the
 * lateness of a sweep is not the peers' time. */
static void forgive_lateness(struct connections *connections)
{
	long long late = clock_now_ms() - connections->sweep_at;

	for (size_t i = 0; i < connections->known_count && late > 0; i++)
		connections->known[i].deadline += late;
}

static bool has_to_go(const struct connections *connections, const struct connection *connection,
		      long long now)
{
	long long earlier = connections->full ? CONNECTION_REQUEST_MS - CONNECTION_CROWDED_MS : 0;

	return now >= connection->deadline - earlier ||
	       (connections->draining && !connection->answering);
}

static void shut_down_overdue(struct connections *connections)
{
	long long now = clock_now_ms();

	for (size_t i = 0; i < connections->known_count; i++)
		if (has_to_go(connections, &connections->known[i], now))
			shutdown(connections->known[i].fd, SHUT_RDWR);
}

static void accept_again(struct connections *connections)
{
	if (!connections->full || connections->draining ||
	    connections->known_count == CONNECTIONS_MAX)
		return;
	connections->full = false;
	evconnlistener_enable(connections->listener);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct connections *connections = context;

	(void)fd;
	(void)what;
	forget_closed(connections);
	forgive_lateness(connections);
	shut_down_overdue(connections);
	accept_again(connections);
	if (connections->draining && connections->known_count == 0)
		event_base_loopbreak(connections->base);
	else if (connections->known_count > 0)
		plan_sweep(connections, connections->draining ? DRAIN_SWEEP_MS : SWEEP_MS);
}

/* ---- arrivals */

static void on_adopt(evutil_socket_t fd, short what, void *context)
{
	struct connections *connections = context;
	long long deadline = clock_now_ms() + CONNECTION_REQUEST_MS;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < connections->arriving_count; i++) {
		struct connection *next = &connections->known[connections->known_count];
		*next = (struct connection){
		    .fd = bufferevent_getfd(connections->arriving[i]),
		    .deadline = deadline,
		};
		if (identify(next->fd, &next->inode))
			connections->known_count++;
		bufferevent_decref(connections->arriving[i]);
	}
	connections->arriving_count = 0;
	if (!event_pending(connections->sweep, EV_TIMEOUT, NULL))
		plan_sweep(connections, SWEEP_MS);
}

static size_t count_all(const struct connections *connections)
{
	return connections->known_count + connections->arriving_count;
}

/* evhttp's hook to make the buffers of a connection that was just accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
	struct connections *connections = context;
	struct bufferevent *buffers = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (buffers == NULL)
		return NULL; /* evhttp tries for itself, and gives up the connection */
	/* The reference keeps it until it has been looked at, whatever evhttp does with it. */
	bufferevent_incref(buffers);
	connections->arriving[connections->arriving_count++] = buffers;
	event_active(connections->adopt, EV_TIMEOUT, 0);
	if (count_all(connections) == CONNECTIONS_MAX)
		forget_closed(connections);
	if (count_all(connections) == CONNECTIONS_MAX) {
		evconnlistener_disable(connections->listener);
		connections->full = true;
	}
	return buffers;
}

/* ---- answers */

static void on_answered(struct evhttp_request *request, void *context)
{
	struct connections *connections = context;
	struct evhttp_connection *peer = evhttp_request_get_connection(request);
	struct connection *connection =
	    find(connections, bufferevent_getfd(evhttp_connection_get_bufferevent(peer)));

	if (connection != NULL) {
		connection->answering = false;
		connection->deadline = clock_now_ms() + CONNECTION_REQUEST_MS;
	}
	/* evhttp closes the connection in a moment, or it becomes idle. */
	if (connections->full || connections->draining)
		plan_sweep(connections, 0);
}

void connections_answering(struct connections *connections, struct evhttp_request *request,
			   long long making_ms)
{
	struct evhttp_connection *peer = evhttp_request_get_connection(request);
	struct connection *connection =
	    find(connections, bufferevent_getfd(evhttp_connection_get_bufferevent(peer)));

	if (connection == NULL)
		return;
	connection->answering = true;
	connection->deadline += making_ms;
	evhttp_request_set_on_complete_cb(request, on_answered, connections);
	if (connections->draining)
		evhttp_add_header(evhttp_request_get_output_headers(request), "Connection",
				  "close");
}

/* ---- life */

void connections_drain(struct connections *connections)
{
	const struct timeval grace = {CONNECTION_DRAIN_MS / 1000, 0};

	connections->draining = true;
	evconnlistener_disable(connections->listener);
	event_base_loopexit(connections->base, &grace);
	plan_sweep(connections, DRAIN_SWEEP_MS);
}

struct connections *connections_new(struct event_base *base, struct evhttp *http,
				    struct evconnlistener *listener, struct error *err)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (connections == NULL)
		goto no_memory;
	connections->base = base;
	connections->listener = listener;
	connections->adopt = event_new(base, -1, 0, on_adopt, connections);
	connections->sweep = evtimer_new(base, on_sweep, connections);
	if (connections->adopt == NULL || connections->sweep == NULL)
		goto no_memory;
	evhttp_set_timeout(http, CONNECTION_IDLE_SECONDS);
	evhttp_set_bevcb(http, on_accept, connections);
	return connections;
no_memory:
	error_no_memory(err);
	connections_free(connections);
	return NULL;
}

void connections_free(struct connections *connections)
{
	if (connections == NULL)
		return;
	if (connections->adopt != NULL)
		event_free(connections->adopt);
	if (connections->sweep != NULL)
		event_free(connections->sweep);
	free(connections);
}
