#include "supervisor/stopping.h"

#include "common/log.h"
#include "supervisor/haproxy.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* How long open connections may go on after SIGTERM: `docker stop` kills after 10 s. */
enum { DRAIN_SECONDS = 5 };

struct stopping {
	struct stopping_options options;
	struct event *sigterm, *sigint, *drain;
	bool has_begun;
};

static void on_haproxy_stopped(void *arg)
{
	struct stopping *stopping = arg;

	event_del(stopping->drain);
	stopping->options.end(stopping->options.arg);
	event_base_loopexit(stopping->options.base, NULL);
}

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct stopping *stopping = arg;

	(void)fd;
	(void)what;
	log_info("connections are still open after %d s; they are closed", DRAIN_SECONDS);
	haproxy_kill(stopping->options.haproxy);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct stopping *stopping = arg;

	(void)what;
	if (stopping->has_begun) { /* somebody is in a hurry */
		haproxy_kill(stopping->options.haproxy);
		return;
	}
	stopping->has_begun = true;
	log_info("stopping (%s)", signal == SIGTERM ? "SIGTERM" : "SIGINT");
	stopping->options.begin(stopping->options.arg);
	event_add(stopping->drain, &(struct timeval){DRAIN_SECONDS, 0});
	haproxy_stop(stopping->options.haproxy, on_haproxy_stopped, stopping);
}

struct stopping *stopping_new(const struct stopping_options *options, struct error *err)
{
	struct stopping *stopping = calloc(1, sizeof(*stopping));

	if (stopping == NULL)
		goto fail;
	stopping->options = *options;
	stopping->drain = evtimer_new(options->base, on_drained, stopping);
	stopping->sigterm = evsignal_new(options->base, SIGTERM, on_signal, stopping);
	stopping->sigint = evsignal_new(options->base, SIGINT, on_signal, stopping);
	if (stopping->drain == NULL || stopping->sigterm == NULL || stopping->sigint == NULL ||
	    event_add(stopping->sigterm, NULL) != 0 || event_add(stopping->sigint, NULL) != 0)
		goto fail;
	return stopping;
fail:
	stopping_free(stopping);
	error_no_memory(err);
	return NULL;
}

void stopping_free(struct stopping *stopping)
{
	struct event **events;

	if (stopping == NULL)
		return;
	events = (struct event *[]){stopping->sigterm, stopping->sigint, stopping->drain};
	for (size_t i = 0; i < 3; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	free(stopping);
}
