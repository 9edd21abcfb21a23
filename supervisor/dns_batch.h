/*
 * Runs of `ingress-dns apply` for several domains at a time: with a thousand of them the start of
 * the program costs more than what it does.  Those that wait for the same kinds of records share a
 * run; what becomes of each is its own.
 */
#ifndef SUPERVISOR_DNS_BATCH_H
#define SUPERVISOR_DNS_BATCH_H

#include "common/error.h"
#include "supervisor/lane.h"

#include <stdbool.h>

struct dns_batch;
struct domain;
struct jobs;
struct settings;
struct state;
struct steps_account;

/* err NULL or with EXIT_OK, which is a note: the records of the domain are in place; `were_there`:
 * without a change. */
typedef void dns_batch_done(struct domain *domain, bool were_there, const struct error *err);

/* So many runs the lane lets go at a time, at most. */
enum { DNS_BATCH_RUNS = 4 };

struct dns_batch_options {
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
	const struct steps_account *accounts;
	struct lane *lane; /* where a run takes one place */
	const char *kinds; /* for --only */
	const char *what;  /* what an error is about: "CAA record" */
	dns_batch_done *done;
};

/* Texts of the options are borrowed. */
struct dns_batch *dns_batch_new(const struct dns_batch_options *options, struct error *err);
/* When nothing runs any more that could call back. */
void dns_batch_free(struct dns_batch *batch);

/* done() is called once, later or at once; the domain must not be waiting already. */
void dns_batch_ask(struct dns_batch *batch, struct domain *domain);

#endif
