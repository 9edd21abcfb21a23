/* HAProxy's master at its socket, in the event loop of the test: it answers as it is told. */
#ifndef TEST_UNIT_SUPERVISOR_FAKE_MASTER_H
#define TEST_UNIT_SUPERVISOR_FAKE_MASTER_H

#include "test/unit/common/unit.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fake_master {
	struct event_base *base;
	char socket_path[108];
	struct evconnlistener *listener;
	struct bufferevent *connections[256]; /* closed at the end */
	unsigned connection_count;

	/* `show proc`: so often it stays silent, as while it loads; then this is the list. */
	unsigned silent, shown;
	int worker, new_worker; /* one that is loading, as HAProxy 3.1 and later show it */
	bool demotes;		/* and calls the one that serves an old one meanwhile */
	int deaf;		/* this one does not answer */
	int old_workers;
	long reloads;
	bool failed;
	/* reload: so many are lost; a good one makes this the worker */
	unsigned lost, reload_count;
	bool refuses; /* the new configuration cannot be loaded */
	int next_worker;
	/* what workers were told */
	char commands[1024];
};

static inline void show_processes(const struct fake_master *master, struct evbuffer *out)
{
	evbuffer_add_printf(out,
			    "#<PID> <type> <reloads> <uptime> <version>\n"
			    "7 master %ld [failed: %d] 0d00h00m01s 2.6.12\n# workers\n",
			    master->reloads, master->failed);
	if (master->worker != 0 && !master->demotes)
		evbuffer_add_printf(out, "%d worker %d 0d00h00m01s 2.6.12\n", master->worker,
				    master->new_worker != 0);
	if (master->new_worker != 0)
		evbuffer_add_printf(out, "%d worker 0 0d00h00m01s 3.2.1\n", master->new_worker);
	evbuffer_add_printf(out, "# old workers\n");
	if (master->worker != 0 && master->demotes)
		evbuffer_add_printf(out, "%d worker 1 0d00h00m01s 3.2.1\n", master->worker);
	for (int i = 0; i < master->old_workers; i++)
		evbuffer_add_printf(out, "%d worker 2 0d00h00m01s 2.6.12\n", 1000 + i);
	evbuffer_add_printf(out, "# programs\n\n");
}

static inline void take_reload(struct fake_master *master)
{
	master->reload_count++;
	if (master->lost > 0) {
		master->lost--;
		return;
	}
	master->reloads++;
	master->failed = master->refuses;
	if (master->next_worker != 0 && master->next_worker == master->deaf) {
		master->new_worker = master->next_worker;
	} else if (!master->refuses && master->next_worker != 0) {
		master->worker = master->next_worker;
		master->old_workers++;
	}
}

/* False: silence, and no end of the connection. */
static inline bool answer(struct fake_master *master, const char *line, struct evbuffer *out)
{
	if (strcmp(line, "show proc") == 0) {
		master->shown++;
		if (master->silent > 0) {
			master->silent--;
			return false;
		}
		show_processes(master, out);
	} else if (strcmp(line, "reload") == 0) {
		take_reload(master);
	} else if (strstr(line, "; show info") != NULL) {
		if (strtol(line + 2, NULL, 10) == master->deaf)
			return false;
		evbuffer_add_printf(out, "Name: HAProxy\nVersion: 2.6.12\n");
	} else if (strncmp(line, "@!99;", 5) == 0) {
		evbuffer_add_printf(out, "Can't find the target PID matching the prefix '@!99'\n");
	} else {
		size_t length = strlen(master->commands);
		snprintf(master->commands + length, sizeof(master->commands) - length, "%s\n",
			 line);
		evbuffer_add_printf(out, "did %s\n", line);
	}
	return true;
}

static inline void on_master_sent(struct bufferevent *connection, void *arg)
{
	(void)arg;
	shutdown(bufferevent_getfd(connection), SHUT_WR);
}

static inline void on_master_read(struct bufferevent *connection, void *arg)
{
	struct evbuffer *out = bufferevent_get_output(connection);
	char *line = evbuffer_readln(bufferevent_get_input(connection), NULL, EVBUFFER_EOL_LF);

	if (line == NULL)
		return;
	if (answer(arg, line, out)) {
		bufferevent_setcb(connection, NULL, on_master_sent, NULL, arg);
		if (evbuffer_get_length(out) == 0)
			on_master_sent(connection, arg);
	}
	free(line);
}

static inline void on_master_accept(struct evconnlistener *listener, evutil_socket_t fd,
				    struct sockaddr *address, int length, void *arg)
{
	struct fake_master *master = arg;
	struct bufferevent *connection =
	    bufferevent_socket_new(master->base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)address;
	(void)length;
	assert_non_null(connection);
	assert_true(master->connection_count < 256);
	master->connections[master->connection_count++] = connection;
	bufferevent_setcb(connection, on_master_read, NULL, NULL, master);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static inline void fake_master_listen(struct fake_master *master)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", master->socket_path);
	master->listener =
	    evconnlistener_new_bind(master->base, on_master_accept, master, LEV_OPT_CLOSE_ON_FREE,
				    -1, (struct sockaddr *)&address, sizeof(address));
	assert_non_null(master->listener);
}

/* Nobody listens yet. */
static inline void fake_master_open(struct fake_master *master, const char *folder)
{
	*master = (struct fake_master){.base = event_base_new()};
	assert_non_null(master->base);
	snprintf(master->socket_path, sizeof(master->socket_path), "%s/master.sock", folder);
}

static inline void fake_master_close(struct fake_master *master)
{
	for (unsigned i = 0; i < master->connection_count; i++)
		bufferevent_free(master->connections[i]);
	if (master->listener != NULL)
		evconnlistener_free(master->listener);
	event_base_free(master->base);
}

static inline void on_time_over(evutil_socket_t fd, short what, void *arg)
{
	bool *over = arg;

	(void)fd;
	(void)what;
	*over = true;
}

/* Runs the loop until `*condition`, or for so long; whether it holds. */
static inline bool run_loop(struct event_base *base, const bool *condition, int ms)
{
	bool over = false;
	struct event *limit = evtimer_new(base, on_time_over, &over);

	assert_non_null(limit);
	event_add(limit, &(struct timeval){ms / 1000, ms % 1000 * 1000});
	while (!*condition && !over)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(limit);
	return *condition;
}

enum { LOOP_DEADLINE_MS = 60000 };

static inline void run_until(struct event_base *base, const bool *condition)
{
	assert_true(run_loop(base, condition, LOOP_DEADLINE_MS));
}

/* Gives what must not happen the time in which it would. */
static inline void run_a_while(struct event_base *base)
{
	static const bool never = false;

	run_loop(base, &never, 300);
}

#endif
