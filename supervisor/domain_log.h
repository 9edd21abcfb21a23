/*
 * What the log is told of a domain's failures.  One that holds up nothing is told once, however
 * often it is tried again, and each has an end that is told as well.
 */
#ifndef SUPERVISOR_DOMAIN_LOG_H
#define SUPERVISOR_DOMAIN_LOG_H

#include "supervisor/lifecycle.h"

#include <time.h>

/* Zeroed but for its domain before the first use. */
struct domain_log {
	const char *domain;	  /* borrowed */
	char *passed[STEP_COUNT]; /* of steps that were gone past: what is told and not over */
};

void domain_log_free(struct domain_log *log);

/* A step failed `attempt` times in a row by now, and is tried again in so many seconds. */
void domain_log_failed(const struct domain_log *log, enum step step, unsigned attempt, long seconds,
		       const char *why);

/* A step failed and the domain goes past it. */
void domain_log_passed(struct domain_log *log, enum step step, const char *why);

/* A step's work is done, or there was nothing to do. */
void domain_log_done(struct domain_log *log, enum step step);

/* A pass has come to its end after so many attempts that failed; 0: there was none. */
void domain_log_rests(const struct domain_log *log, unsigned failures);

#endif
