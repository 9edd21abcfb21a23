/* When things are due: pure arithmetic on times, all in seconds since the epoch. */
#ifndef SUPERVISOR_DOMAINS_SCHEDULE_H
#define SUPERVISOR_DOMAINS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
	/* Let's Encrypt allows 5 failed validations per name, account and hour. */
	BUDGET_ATTEMPTS = 4,
	BUDGET_WINDOW = 3600,
	LONGEST_WAIT = 8 * 86400, /* a CA's Retry-After counts up to 7 days */
};

/* Whether a tenth of its lifetime, or less, is left: then caution counts for less than trying. */
bool schedule_is_nearly_over(time_t not_before, time_t not_after, time_t now);

/*
 * When a certificate should be renewed: `days_before` days ahead of its end, or, with 0, when a
 * third of its lifetime is left, half of one that is under ten days (as Let's Encrypt asks).  CAs
 * shorten lifetimes over the years; a share of the lifetime stays right.  Days that are more than
 * two thirds of the lifetime (half, under ten days) count as that: else a certificate would be due
 * from its first day on.
 */
time_t schedule_renewal(time_t not_before, time_t not_after, long days_before);
/* Whether `days_before` is too long for such a lifetime and counts as less. */
bool schedule_is_too_early(time_t not_before, time_t not_after, long days_before);

/*
 * Whether the time has come to renew.  `issued_at` is when the latest order for the name succeeded
 * by our own clock, 0 if that is not known: by a clock that is ahead the new certificate may be due
 * again at once, and is left alone for a third of its lifetime.
 */
bool schedule_is_due(time_t not_before, time_t not_after, long days_before, time_t issued_at,
		     time_t now);

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
 * still to come, by a clock that was set back or a file that somebody wrote, are forgotten. */
time_t budget_next(struct budget *budget, time_t now);
/* Notes an attempt, forgetting the oldest when full. */
void budget_spend(struct budget *budget, time_t now);
/* Takes back the latest: nothing was asked of the CA. */
void budget_refund(struct budget *budget);

/*
 * A token bucket, as Let's Encrypt counts: `burst` at once, and one more each `refill` seconds.
 * Kept as the one time at which it is full again.
 */
struct bucket {
	time_t full_at;
};
struct bucket_size {
	unsigned burst;
	long refill;
};

/* When the next may be taken: `now` or later.  A bucket that would take longer to fill than an
 * empty one does was written by a clock that was ahead: it counts as full. */
time_t bucket_next(const struct bucket *bucket, struct bucket_size size, time_t now);
void bucket_take(struct bucket *bucket, struct bucket_size size, time_t now);
void bucket_give_back(struct bucket *bucket, struct bucket_size size);

#endif
