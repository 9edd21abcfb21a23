/*
 * Whether our clock is right, by the clocks of others: a wrong one makes certificates look due or
 * expired, and nothing here can set it.  What is suspected is told, once for each change, and
 * stands in the status; what an order may cost meanwhile is bounded by order_budget.h and
 * schedule_is_due().
 */
#ifndef SUPERVISOR_STEPS_CLOCK_CHECK_H
#define SUPERVISOR_STEPS_CLOCK_CHECK_H

#include <time.h>

enum {
	/* Providers that sign requests refuse a clock that is further off. */
	CLOCK_TOLERANCE = 300,
	CLOCK_PROBLEM_MAX = 256,
};

struct clock_check {
	char by_ca[CLOCK_PROBLEM_MAX];		/* "": nothing is wrong */
	char by_certificate[CLOCK_PROBLEM_MAX]; /* ... */
	time_t latest_begin;			/* of the certificates seen */
};

/* The CA answered with this Date at `now` by our clock. */
void clock_check_ca(struct clock_check *check, time_t ca_time, time_t now);

/* A certificate that a CA has signed is valid from `not_before` on: CAs date back, never ahead. */
void clock_check_certificate(struct clock_check *check, const char *domain, time_t not_before,
			     time_t now);

/* For the status: a sentence, or "". */
const char *clock_check_problem(const struct clock_check *check);

#endif
