/*
 * The start.  First the certificates that the volume has are installed, a few at a time, so that
 * whoever asks for the status meanwhile is answered, and the addresses of backends are waited for
 * a little; then HAProxy is started; and when that serves, or takes long, everything else is.
 */
#ifndef SUPERVISOR_STEPS_START_H
#define SUPERVISOR_STEPS_START_H

#include "common/error.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct resolver;
struct steps_serve;

struct start_options {
	struct event_base *base;
	struct steps_serve *serving;
	struct resolver *resolver;
	size_t domain_count;
	/* HAProxy can be started.  -1 with err: it cannot, which ends the event loop. */
	int (*serve)(void *arg, struct error *err);
	/* Whatever serving does not depend on; once. */
	void (*go_on)(void *arg);
	void *arg;
};

struct start;

struct start *start_new(const struct start_options *options, struct error *err);
void start_free(struct start *start);

/* From the event loop. */
void start_begin(struct start *start);
/* Tells that HAProxy serves. */
void start_is_served(struct start *start);
/* Nothing is called from here on. */
void start_stop(struct start *start);

/* Whether HAProxy is yet to be started for the first time. */
bool start_is_reading(const struct start *start);
/* -1 with the err of serve(). */
int start_outcome(const struct start *start, struct error *err);

#endif
