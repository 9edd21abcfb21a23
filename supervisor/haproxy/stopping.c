#include "supervisor/haproxy/stopping.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/time_text.h"
#include "supervisor/haproxy/connections.h"
#include "supervisor/haproxy/haproxy.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	LOOK_MS = 100,
	/* Looking takes time where there are many: so many of them may be looked at in a second. */
	LOOKED_AT_PER_SECOND = 100000,
	/* A question that had come at the signal has reached its backend by then, on a connection
	 * that counts as if it had been open. */
	ON_ITS_WAY_MS = 500,
	QUIET_MS = 2000,   /* a server that has said nothing for so long has said it all */
	ANSWER_MS = 30000, /* a question that has waited for so long has no answer */
	/* Behind the listening socket's end: everybody who comes is turned away meanwhile. */
	FINISH_MS = 300,
	FINISH_LOOK_MS = 25,
	FINISH_QUIET_MS = 100,
	UNFINISHED_MAX = 16 * 1024, /* the log cuts it */
};

struct stopping {
	struct stopping_options options;
	struct event *sigterm, *sigint, *look;
	unsigned char ports[PORTS];
	struct connection_list first; /* those that were open at the signal */
	bool is_blind;		      /* the kernel tells nothing of them */
	long grace_ms;
	long long begun_ms, closed_ms; /* 0: not yet */
	time_t since;
};

/* ---- whom to wait for */

static int look_at(struct stopping *s, struct connection_list *list)
{
	struct error err = ERROR_INIT;

	if (connections_read(s->ports, list, &err) == 0)
		return 0;
	if (!s->is_blind)
		log_warn("%s: it counts as if all of them were busy", err.text);
	s->is_blind = true;
	return -1;
}

/* First for those that were open at the signal; in the end, when these have had their time, for
 * those that came later. */
static bool is_waited_for(const struct stopping *s, const struct connection *connection)
{
	bool was_open = connections_have(&s->first, connection->id);

	if (s->closed_ms != 0)
		return !was_open && connection_is_busy(connection, FINISH_QUIET_MS, FINISH_MS);
	return was_open && connection_is_busy(connection, QUIET_MS, ANSWER_MS);
}

/* How many are waited for, and how many there are. */
static size_t count_busy(struct stopping *s, size_t *all)
{
	struct connection_list list;
	size_t busy = 0;

	*all = 0;
	if (look_at(s, &list) != 0)
		return 1;
	for (size_t i = 0; i < list.count; i++)
		busy += is_waited_for(s, &list.items[i]);
	*all = list.count;
	connections_free(&list);
	return busy;
}

/* ---- the way to the end */

static void look_in(struct stopping *s, long ms)
{
	event_add(s->look, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static void on_haproxy_stopped(void *arg)
{
	struct stopping *s = arg;

	event_del(s->look);
	s->options.end(s->options.arg);
	event_base_loopexit(s->options.base, NULL);
}

static void close_up(struct stopping *s)
{
	s->closed_ms = clock_now_ms();
	s->options.closing(s->options.arg);
	look_in(s, FINISH_LOOK_MS);
	haproxy_stop(s->options.haproxy, on_haproxy_stopped, s);
}

static void look_while_serving(struct stopping *s)
{
	long long waited = clock_now_ms() - s->begun_ms;
	size_t all, busy;

	if (waited <= ON_ITS_WAY_MS) {
		connections_free(&s->first);
		look_at(s, &s->first);
	}
	busy = count_busy(s, &all);
	if (busy > 0 && waited < s->grace_ms) {
		look_in(s, LOOK_MS + (long)(all * 1000 / LOOKED_AT_PER_SECOND));
		return;
	}
	if (busy > 0 && !s->is_blind)
		log_info("%zu connections with clients and backends are still busy after %.1f s "
			 "(STOP_GRACE); they are closed",
			 busy, (double)waited / 1000);
	close_up(s);
}

static void look_while_closed(struct stopping *s)
{
	size_t all;

	if (count_busy(s, &all) > 0 && clock_now_ms() - s->closed_ms < FINISH_MS) {
		look_in(s, FINISH_LOOK_MS);
		return;
	}
	if (all > 0)
		log_debug("%zu connections are closed", all);
	haproxy_kill(s->options.haproxy);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct stopping *s = arg;

	(void)fd;
	(void)what;
	if (s->closed_ms == 0)
		look_while_serving(s);
	else
		look_while_closed(s);
}

static void hurry(struct stopping *s)
{
	s->grace_ms = 0;
	if (s->closed_ms == 0)
		close_up(s);
	haproxy_kill(s->options.haproxy);
}

static void tell(struct stopping *s, const char *signal)
{
	struct buffer unfinished;

	buffer_init(&unfinished, UNFINISHED_MAX);
	s->options.describe(s->options.arg, &unfinished);
	log_info("stopping (%s)%s", signal, buffer_text(&unfinished));
	buffer_free(&unfinished);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct stopping *s = arg;

	(void)what;
	if (s->since != 0) { /* somebody is in a hurry */
		hurry(s);
		return;
	}
	s->since = time(NULL);
	s->begun_ms = clock_now_ms();
	tell(s, signal == SIGTERM ? "SIGTERM" : "SIGINT");
	s->options.begin(s->options.arg);
	look_while_serving(s);
}

time_t stopping_since(const struct stopping *s)
{
	return s->since;
}

/* ---- the object */

static void note_ports(struct stopping *s)
{
	const struct settings *settings = s->options.settings;

	s->ports[settings->port] |= PORT_OF_CLIENTS;
	s->ports[settings->evidence_port] |= PORT_OF_CLIENTS;
	for (size_t i = 0; i < settings->route_count; i++)
		s->ports[settings->routes[i].target.port] |= PORT_OF_BACKENDS;
}

struct stopping *stopping_new(const struct stopping_options *options, struct error *err)
{
	struct stopping *s = calloc(1, sizeof(*s));
	int64_t grace_us;

	if (s == NULL)
		goto fail;
	s->options = *options;
	note_ports(s);
	grace_us = time_text_us(options->settings->stop_grace);
	s->grace_ms = grace_us < 0 ? 0 : (long)(grace_us / 1000); /* "0" has no unit */
	s->look = evtimer_new(options->base, on_look, s);
	s->sigterm = evsignal_new(options->base, SIGTERM, on_signal, s);
	s->sigint = evsignal_new(options->base, SIGINT, on_signal, s);
	if (s->look == NULL || s->sigterm == NULL || s->sigint == NULL ||
	    event_add(s->sigterm, NULL) != 0 || event_add(s->sigint, NULL) != 0)
		goto fail;
	return s;
fail:
	stopping_free(s);
	error_no_memory(err);
	return NULL;
}

void stopping_free(struct stopping *s)
{
	struct event **events;

	if (s == NULL)
		return;
	events = (struct event *[]){s->sigterm, s->sigint, s->look};
	for (size_t i = 0; i < 3; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	connections_free(&s->first);
	free(s);
}
