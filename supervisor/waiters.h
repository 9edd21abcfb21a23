/*
 * Who waits for the outcome of something that is done for all at once: whoever asks while
 * it is under way is answered by the next time, which begins after it.
 */
#ifndef SUPERVISOR_WAITERS_H
#define SUPERVISOR_WAITERS_H

#include "common/error.h"

#include <stdbool.h>

/* err is NULL on success. */
typedef void waiter_done(const struct error *err, void *arg);

struct waiter;

/* Starts zeroed. */
struct waiters {
	struct waiter *served;	/* of the time under way */
	struct waiter *waiting; /* of the next */
};

int waiters_add(struct waiters *waiters, waiter_done *done, void *arg, struct error *err);
bool waiters_any(const struct waiters *waiters); /* for the next time */
/* A time begins: those who wait are its. */
void waiters_begin(struct waiters *waiters);
/* It is over; each is answered once.  They may ask again from within. */
void waiters_answer(struct waiters *waiters, const struct error *err);
/* Forgets all without answering. */
void waiters_clear(struct waiters *waiters);

#endif
