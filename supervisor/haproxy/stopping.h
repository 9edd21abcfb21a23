/*
 * The end, on SIGTERM or SIGINT.  What is not serving ends at once.  HAProxy goes on, with its
 * listening socket: the engine starts nothing new before this container has ended, so whoever
 * closes the socket sooner than need be turns everybody away.  When no connection that was open at
 * the signal has anything under way, or the grace is over, HAProxy closes the socket, and who
 * came later has a fraction of a second.  A second signal does not wait for any of this.
 */
#ifndef SUPERVISOR_HAPROXY_STOPPING_H
#define SUPERVISOR_HAPROXY_STOPPING_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/settings.h"

#include <event2/event.h>
#include <stdbool.h>

struct haproxy;

struct stopping_options {
	struct event_base *base;
	const struct settings *settings; /* STOP_GRACE, and the ports that clients come to */
	struct haproxy *haproxy;
	/* Appends what is unfinished, each "; " and words. */
	void (*describe)(void *arg, struct buffer *text);
	void (*begin)(void *arg);   /* ends what is not serving */
	void (*closing)(void *arg); /* HAProxy takes no new connections from now on */
	void (*end)(void *arg);	    /* HAProxy is gone, and the event loop ends */
	void *arg;
};

struct stopping;

/* Waits for the signals from now on. */
struct stopping *stopping_new(const struct stopping_options *options, struct error *err);
void stopping_free(struct stopping *stopping);

/* Since when it is under way; 0: it is not. */
time_t stopping_since(const struct stopping *stopping);

#endif
