/*
 * What the log is told of a domain's failures.  One that holds up nothing is told once, however
 * often it is tried again, and each has an end that is told as well.  An attempt that fails is one
 * line, with one cause: what failed before it of the same cause is only told at debug.
 */
#ifndef SUPERVISOR_DOMAINS_DOMAIN_LOG_H
#define SUPERVISOR_DOMAINS_DOMAIN_LOG_H

#include "common/error.h"
#include "supervisor/domains/lifecycle.h"

#include <stdbool.h>

/* Zeroed but for its domain before the first use. */
struct domain_log {
	const char *domain;		  /* borrowed */
	char *told[STEP_COUNT];		  /* of steps that were gone past: told and not over */
	struct error *untold[STEP_COUNT]; /* not until it is known what it holds up */
	long long since_ms[STEP_COUNT];	  /* clock_now_ms() when those began to fail; 0: none */
};

void domain_log_free(struct domain_log *log);

/* A step failed and the domain goes past it, for now. */
void domain_log_passed(struct domain_log *log, enum step step, const struct error *why);

/* A step failed `attempt` times in a row by now, and is tried again in so many seconds. */
void domain_log_failed(struct domain_log *log, enum step step, unsigned attempt, long seconds,
		       const struct error *why);

/* A step waits for the operator; `is_news`: for something else than before. */
void domain_log_waits(struct domain_log *log, enum step step, const struct error *why,
		      bool is_news);

/* A step's work is done, or there was nothing to do. */
void domain_log_done(struct domain_log *log, enum step step);

/* A pass has come to its end after so many attempts that failed (0: there was none), and the next
 * begins in so many seconds.  What was gone past has held up nothing. */
void domain_log_rests(struct domain_log *log, unsigned failures, long seconds);

/* It goes no further: what waits to be told is. */
void domain_log_stops(struct domain_log *log);

#endif
