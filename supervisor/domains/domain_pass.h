/* A domain's pass through the steps, by the table of lifecycle.h: which step begins after an event,
 * and a look at the volume that comes in between. */
#ifndef SUPERVISOR_DOMAINS_DOMAIN_PASS_H
#define SUPERVISOR_DOMAINS_DOMAIN_PASS_H

#include "common/error.h"
#include "supervisor/domains/lifecycle.h"

#include <event2/event.h>

struct domain;

/* Begins the work of the domain's step; for turns.h. */
void domain_begin(void *domain);

/* What `event` makes of the domain; `err` is that of EVENT_FAILED, which may have none. */
void domain_handle(struct domain *domain, enum lifecycle_event event, const struct error *err);

/* Its wait is over; for the timer. */
void domain_on_timer(evutil_socket_t fd, short what, void *domain);

/* Has its certificate looked at again, as soon as that can be; a wait goes on afterwards. */
void domain_recheck(struct domain *domain);

#endif
