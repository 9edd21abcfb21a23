/*
 * Names looked up by libc in a bounded number of threads.
 *
 * Each name is looked up anew every few seconds (longer with thousands of names, but at
 * least every LOOKUP_INTERVAL_MAX_MS while DNS answers).  Names that nobody answers keep a
 * thread busy for seconds: they get at most half of the threads, so that they hold up each other
 * and no others.
 */
#ifndef SUPERVISOR_ADDRESSES_LOOKUP_POOL_H
#define SUPERVISOR_ADDRESSES_LOOKUP_POOL_H

#include "common/error.h"

enum {
	LOOKUP_THREADS_MAX = 32,
	LOOKUP_INTERVAL_MS = 2500,
	LOOKUP_INTERVAL_MAX_MS = 7000,
	LOOKUPS_PER_SECOND = 1500,
	/* Name servers that say nothing, and a search list, cost less. */
	LOOKUP_SECONDS_MAX = 60,
};

/*
 * `names` are lines, and are taken apart; NULL: none.  Each answer is a line (see dns_answer.h)
 * on `fd`.  With `seconds`, each name is looked up once, and 0 returned when all have been or so
 * many seconds have passed; threads may still wait for DNS then, so the caller had better end.
 * Otherwise it goes on until `fd` takes no more, or fails when a look-up does not end within
 * LOOKUP_SECONDS_MAX: that name would never be followed again, so the caller had better begin anew.
 */
int lookup_pool_run(char *names, int fd, long seconds, struct error *err);

#endif
