/*
 * Records that are the operator's to make: which they are, when they are looked for again, and,
 * with DNS_SETUP_MODE=webhook, that his webhook is told, once for each new set.
 *
 * For DNS_SETUP_TIMEOUT they are looked for every DNS_SETUP_INTERVAL, then with growing pauses.  A
 * webhook that cannot be told is tried again with growing pauses; nothing waits for it.
 */
#ifndef SUPERVISOR_STEPS_OPERATOR_SETUP_H
#define SUPERVISOR_STEPS_OPERATOR_SETUP_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

struct domain;
struct jobs;
struct operator_setup;
struct settings;
struct state;

struct operator_setup_options {
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
};

struct operator_setup *operator_setup_new(const struct operator_setup_options *options,
					  struct error *err);
/* When nothing runs any more that could call back. */
void operator_setup_free(struct operator_setup *setup);

/*
 * DNS does not show these records of a domain: an array, not empty, of {"type", "name", "value",
 * "note", "exact"}.  How long to wait before it is looked again, in seconds.
 */
long operator_setup_missing(struct operator_setup *setup, struct domain *domain,
			    const cJSON *records);

/* DNS shows all of them. */
void operator_setup_complete(struct operator_setup *setup, struct domain *domain);

/* The latest that were missing; NULL: none are.  By the domain's place among the names. */
const cJSON *operator_setup_records(const struct operator_setup *setup, size_t domain);

#endif
