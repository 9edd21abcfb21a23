/*
 * A domain's certificate, ordered by certbot: ORDERS_AT_ONCE at a time unless the
 * container's memory is too small for that, and never more often than the CA's limits bear.  An
 * order that takes longer than a minute, since its zone lags, lets another one begin.
 */
#ifndef SUPERVISOR_STEPS_STEPS_ORDER_H
#define SUPERVISOR_STEPS_STEPS_ORDER_H

#include "common/error.h"

#include <stdbool.h>

struct certbot;
struct certificate_store;
struct clock_check;
struct domain;
struct event_base;
struct jobs;
struct key_origin;
struct served_pair;
struct settings;
struct steps_account;

struct steps_order_options {
	struct event_base *base;
	const struct settings *settings;
	const struct jobs *jobs;
	struct certbot *certbot;
	struct key_origin *key_origin;
	struct certificate_store *store;
	struct steps_account *accounts;
	struct clock_check *clock;
	const struct served_pair *pairs; /* one for each of settings->domains */
};

struct steps_order;

struct steps_order *steps_order_new(const struct steps_order_options *options, struct error *err);
void steps_order_free(struct steps_order *order);

/* The step, for the table in steps.c; `context` is the object. */
void steps_order_issue(struct domain *domain, void *context);

/* Whether a certificate is to be ordered: 1, 0, or -1 when the volume cannot be read. */
int steps_order_is_due(const struct steps_order *order, struct domain *domain, struct error *err);

/* Puts the domain's certificate onto the volume if that has not taken it when it was issued.  False
 * when it still does not: the step that asks has been gone past then. */
bool steps_order_put_kept(const struct steps_order *order, struct domain *domain);

/* Whether an order that is due is to be tried whatever speaks against it: half of the time for the
 * renewal or nine tenths of its lifetime are gone, or there is no certificate that can be served,
 * and trying has been put off for hours. */
bool steps_order_is_urgent(const struct steps_order *order, const struct domain *domain);

/* Whether the volume has a certificate for the domain, be it one that has expired. */
bool steps_order_has_certificate(const struct steps_order *order, const struct domain *domain);

/* Removes challenge records that a killed certbot left in DNS: for the start, before any order. */
void steps_order_sweep(struct steps_order *order);

/* From here on nothing is swept any more: the next start does. */
void steps_order_stop(struct steps_order *order);

#endif
