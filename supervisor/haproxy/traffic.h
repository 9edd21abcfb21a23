/*
 * What HAProxy's counters tell of the traffic: whether there is room for more clients, and which
 * backends do not take connections.  Both are logged once when it begins and once when it is
 * over, and stand in the status.
 *
 * The worker is asked every few seconds, about all backends less often where there are many: that
 * costs it 3 us for each, at most 0.03 % of a core.
 */
#ifndef SUPERVISOR_HAPROXY_TRAFFIC_H
#define SUPERVISOR_HAPROXY_TRAFFIC_H

#include "common/error.h"
#include "supervisor/addresses/backend_health.h"
#include "supervisor/haproxy/workers.h"

#include <event2/event.h>

struct traffic;

struct traffic *traffic_new(struct event_base *base, struct workers *workers, struct error *err);
/* Before the workers. */
void traffic_free(struct traffic *traffic);

struct traffic_status {
	/* Of the worker that serves now; clients_max is 0 when it is not known yet. */
	long clients, clients_max;
	time_t full_since; /* 0: there is room */
	const struct backend_health *backends;
};
void traffic_get_status(const struct traffic *traffic, struct traffic_status *status);

/* A backend's name for people: host:port. */
const char *traffic_backend_name(const char *name);

#endif
