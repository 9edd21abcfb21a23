/* Whether a process of HAProxy's that does not answer is at work, a master that loads its
 * configuration say, or hangs. */
#ifndef SUPERVISOR_HAPROXY_SILENCE_H
#define SUPERVISOR_HAPROXY_SILENCE_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	SILENCE_MAX = 60, /* seconds without an answer and without work */
	/* Clock ticks of CPU within that time that are work: one that reads thousands of
	 * certificates from a slow disk has more, one that waits for what never comes has one or
	 * two. */
	SILENCE_TICKS_MIN = 5,
};

/* Of one process; starts zeroed. */
struct silence {
	long long since_ms; /* 0: it has answered */
	unsigned long long ticks;
};

/* It has answered, or there is another one. */
void silence_end(struct silence *silence);

/* It has not answered by now (clock_now_ms()).  Whether it is to be given up. */
bool silence_lasts(struct silence *silence, pid_t pid, long long now_ms);

/* The same of a worker, who is asked by way of the master: while that is silent too, as it is when
 * it loads, the worker may be well. */
bool silence_lasts_behind(struct silence *silence, const struct silence *master, pid_t worker,
			  long long now_ms);

#endif
