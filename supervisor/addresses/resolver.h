/*
 * `ingress-resolve follow`, kept running, and what it tells put into the table of addresses.
 *
 * What is known is kept in a file, so that a supervisor that is restarted while DNS is silent
 * serves with it.
 */
#ifndef SUPERVISOR_ADDRESSES_RESOLVER_H
#define SUPERVISOR_ADDRESSES_RESOLVER_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/backend_addresses.h"

#include <event2/event.h>

struct jobs;
struct resolver;

struct resolver_options {
	struct event_base *base;
	const struct jobs *jobs;
	const struct settings *settings;
	const char *file; /* of the known addresses */
	struct backend_addresses *table;
	void (*changed)(void *arg); /* some address in the table has */
	void *arg;
};

/* Reads the file and starts the program; nothing is started without any name.  A program that
 * does not start, or stay up, is started again. */
struct resolver *resolver_new(const struct resolver_options *options, struct error *err);
/* Calls done(arg), once, when every name has had an answer or `milliseconds` have passed: at once
 * where there is nothing to wait for. */
void resolver_wait(struct resolver *resolver, int milliseconds, void (*done)(void *arg), void *arg);
void resolver_stop(struct resolver *resolver);
void resolver_free(struct resolver *resolver);

#endif
