/* Whether a HAProxy master that does not answer is at work, loading its configuration say, or
 * hangs. */
#ifndef SUPERVISOR_MASTER_WATCH_H
#define SUPERVISOR_MASTER_WATCH_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	MASTER_SILENCE_MAX = 60, /* seconds without an answer and without work */
	/* Clock ticks of CPU within that time that are work: one that reads thousands of
	 * certificates from a slow disk has more, one that waits for what never comes has one or
	 * two. */
	MASTER_TICKS_MIN = 5,
};

/* Starts zeroed. */
struct master_watch {
	long long since_ms; /* 0: it has answered */
	unsigned long long ticks;
};

/* It has answered, or another one was started. */
void master_watch_reset(struct master_watch *watch);

/* It has not answered by now (clock_now_ms()).  Whether it is to be given up. */
bool master_watch_silent(struct master_watch *watch, pid_t master, long long now_ms);

#endif
