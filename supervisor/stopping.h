/*
 * The end: SIGTERM or SIGINT has everything stop but HAProxy, whose open connections may go on for
 * a little; a second signal does not wait for them.
 */
#ifndef SUPERVISOR_STOPPING_H
#define SUPERVISOR_STOPPING_H

#include "common/error.h"

#include <event2/event.h>

struct haproxy;

struct stopping_options {
	struct event_base *base;
	struct haproxy *haproxy;
	void (*begin)(void *arg); /* ends what is not serving */
	void (*end)(void *arg);	  /* HAProxy is gone, and the event loop ends */
	void *arg;
};

struct stopping;

/* Waits for the signals from now on. */
struct stopping *stopping_new(const struct stopping_options *options, struct error *err);
void stopping_free(struct stopping *stopping);

#endif
