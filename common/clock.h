/* Time that only moves forward: for deadlines, whatever is done to the wall clock. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

/* Milliseconds of CLOCK_MONOTONIC. */
long long clock_now_ms(void);

/* Returns after `milliseconds` (at once if not positive); signals do not shorten it. */
void clock_sleep_ms(long long milliseconds);

#endif
