/*
 * `ingressctl dns plan` and `dns apply`: one run of ingress-dns on behalf of the user, whose
 * output is kept for whoever asks for it.
 *
 * It runs here and not under ingressctl since only the supervisor knows the app's id, the ACME
 * account and the credentials, and so that a terminal that goes away does not end it halfway.
 * Beside the supervisor's own runs it is safe: all of them take turns by name (journal_lock()).
 */
#ifndef SUPERVISOR_CONTROL_DNS_JOB_H
#define SUPERVISOR_CONTROL_DNS_JOB_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/domains/state.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	DNS_JOB_SECONDS = 900, /* some providers allow a few requests a minute */
	/* Runs whose output is kept, unless it is very long: whoever started one may ask later than
	 * the next begins. */
	DNS_JOB_RUNS_KEPT = 8,
};

struct certificate_store;

struct dns_job_options {
	const struct settings *settings;
	const struct jobs *jobs;
	const struct state *state;
	struct certificate_store *store;
};

struct jobs;
struct dns_job;

struct dns_job *dns_job_new(const struct dns_job_options *options, struct error *err);
void dns_job_free(struct dns_job *job);

enum dns_job_kind { DNS_JOB_PLAN, DNS_JOB_APPLY };

/*
 * Starts a run for some of the configured domains, or all when `count` is 0; the names need only
 * last for the call.  Kinds of records for which something is not known yet are left out, and the
 * output says so.  The run's number, or -1: EXIT_USAGE_ERROR a domain is not configured,
 * EXIT_TRY_LATER another run is under way.
 */
long dns_job_start(struct dns_job *job, enum dns_job_kind kind, const char *const *domains,
		   size_t count, struct error *err);

struct dns_job_view {
	bool is_running;
	const char *output; /* whole lines while it runs; valid until the loop goes on */
	size_t length;
	int exit_code;	   /* once it has ended; of enum exit_code */
	const char *error; /* "" if there is none */
};

/* -1 when `number` is none of the latest runs. */
int dns_job_look(struct dns_job *job, long number, struct dns_job_view *view);

#endif
