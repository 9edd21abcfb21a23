/* Points in time: what every wait in this program is measured against. */
#ifndef COMMON_DEADLINE_H
#define COMMON_DEADLINE_H

/* As clock_now_ms() counts. */
typedef long long deadline;

deadline deadline_in(long milliseconds);

/* Milliseconds that are left; 0 when it has passed. */
long deadline_left(deadline when);

/* The nearer of two. */
deadline deadline_nearer(deadline a, deadline b);

/* Sleeps, but never past `limit`. */
void deadline_sleep(long milliseconds, deadline limit);

#endif
