/* When things are due: pure arithmetic on times, all in seconds since the epoch. */
#ifndef SUPERVISOR_SCHEDULE_H
#define SUPERVISOR_SCHEDULE_H

#include <stdint.h>
#include <time.h>

enum {
	/* Let's Encrypt allows 5 failed validations per name, account and hour. */
	BUDGET_ATTEMPTS = 4,
	BUDGET_WINDOW = 3600,
	LONGEST_WAIT = 8 * 86400, /* a CA's Retry-After counts up to 7 days */
};

/*
 * When a certificate should be renewed: `days_before` days ahead of its end, or, with 0,
 * when a third of its lifetime is left.  CAs shorten lifetimes over the years; a share of
 * the lifetime stays right.
 */
time_t schedule_renewal(time_t not_before, time_t not_after, long days_before);

/*
 * How long to wait after the `attempt`th failure in a row (1 is the first).  Orders
 * (`costly`) wait longer than what only asks our own DNS provider or HAProxy.
 */
long schedule_backoff(unsigned attempt, int costly);

/* `seconds`, moved by up to a tenth either way, so that a fleet started together does not
 * come back together.  `random` is any 32 random bits. */
long schedule_jitter(long seconds, uint32_t random);

/* How long a wait until `not_before` that an earlier run began still lasts.  0 also for one
 * that is longer than anybody is told to wait: that run's clock was ahead of ours. */
long schedule_left(time_t not_before, time_t now);

/*
 * The times of a name's latest order attempts, oldest first.  It is kept on the
 * certificate volume: a restart must not forget what was spent.
 */
struct budget {
	time_t attempts[BUDGET_ATTEMPTS];
	unsigned count;
};

/* When the next attempt is allowed: `now`, or later if the window is full.  Attempts that are
 * still to come, by a clock that was set back or a file that somebody wrote, count as made now. */
time_t budget_next(struct budget *budget, time_t now);
/* Notes an attempt, forgetting the oldest when full. */
void budget_spend(struct budget *budget, time_t now);

#endif
