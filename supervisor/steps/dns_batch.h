/*
 * Runs of `ingress-dns apply` or `look` for several domains at a time: with a thousand of them the
 * start of the program costs more than what it does.  Those that wait for the same kinds of records
 * share a run; what becomes of each is its own.
 */
#ifndef SUPERVISOR_STEPS_DNS_BATCH_H
#define SUPERVISOR_STEPS_DNS_BATCH_H

#include "common/error.h"
#include "supervisor/children/lane.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct dns_batch;
struct domain;
struct jobs;
struct settings;
struct state;
struct steps_account;

/* What became of a domain. */
struct dns_outcome {
	/* NULL or with EXIT_OK, which is a note: the records of the domain are in place. */
	const struct error *err;
	bool were_there; /* without a change */
	/* Those that are the operator's to make, as dns-hooks/apply_result.h has them, and that DNS
	 * does not show; NULL: none, or it has not come to that. */
	const cJSON *missing;
	bool has_looked; /* it has come to that */
};

typedef void dns_batch_done(struct domain *domain, const struct dns_outcome *outcome);

/* So many runs the lane lets go at a time, at most. */
enum { DNS_BATCH_RUNS = 4 };

struct dns_batch_options {
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
	const struct steps_account *accounts;
	struct lane *lane; /* where a run takes one place */
	const char *kinds; /* for --only; NULL: `ingress-dns look`, for what records_of() gives */
	/* The records that are looked for, of the domain with that index, owned by whoever gives
	 * them; NULL: none. */
	const cJSON *(*records_of)(size_t domain, void *arg);
	void *arg;
	const char *what; /* what an error is about: "CAA record" */
	dns_batch_done *done;
};

/* Texts of the options are borrowed. */
struct dns_batch *dns_batch_new(const struct dns_batch_options *options, struct error *err);
/* When nothing runs any more that could call back. */
void dns_batch_free(struct dns_batch *batch);

/* done() is called once, later or at once; the domain must not be waiting already. */
void dns_batch_ask(struct dns_batch *batch, struct domain *domain);

#endif
