/*
 * Callers that wait for the outcome of something that is done once for all of them (a publication,
 * a reload).  A caller that comes while a run is under way waits for the next run, which begins
 * after it.
 */
#ifndef SUPERVISOR_CHILDREN_WAITERS_H
#define SUPERVISOR_CHILDREN_WAITERS_H

#include "common/error.h"

#include <stdbool.h>

/* err is NULL on success. */
typedef void waiter_done(const struct error *err, void *arg);

struct waiter;

/* Starts zeroed. */
struct waiters {
	struct waiter *of_this_run;
	struct waiter *of_the_next;
};

int waiters_add(struct waiters *waiters, waiter_done *done, void *arg, struct error *err);
/* Whether any caller waits for the next run. */
bool waiters_any(const struct waiters *waiters);
/* The next run begins, on behalf of all callers that wait by now. */
void waiters_begin(struct waiters *waiters);
/* The run is over: calls each of its callers once, who may wait again from within. */
void waiters_answer(struct waiters *waiters, const struct error *err);
/* Forgets all callers without calling them. */
void waiters_clear(struct waiters *waiters);

#endif
