/*
 * Challenge records that orders have left in DNS: a certbot that was killed has not run its cleanup
 * hook.  `ingress-dns cleanup` takes them out, but never while an order for the same name is under
 * way, whose value would go with them.
 */
#ifndef SUPERVISOR_STEPS_ORDER_SWEEP_H
#define SUPERVISOR_STEPS_ORDER_SWEEP_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

struct jobs;
struct settings;

struct order_sweep;

struct order_sweep *order_sweep_new(const struct settings *settings, const struct jobs *jobs,
				    struct error *err);
void order_sweep_free(struct order_sweep *sweep);

/* Takes out all that is noted: for the start, before any order.  `done` is called whatever comes of
 * it, possibly at once. */
void order_sweep_all(struct order_sweep *sweep, void (*done)(void *arg), void *arg);

/* An order for a domain begins and ends; `may_have_left` something: then it is taken out when no
 * order for the name or its wildcard is under way. */
void order_sweep_begins(struct order_sweep *sweep, size_t domain);
void order_sweep_ends(struct order_sweep *sweep, size_t domain, bool may_have_left);

/* From here on nothing is swept any more: the next start does. */
void order_sweep_stop(struct order_sweep *sweep);

#endif
