#include "supervisor/waiters.h"

#include <stdlib.h>

struct waiter {
	struct waiter *next;
	waiter_done *done;
	void *arg;
};

int waiters_add(struct waiters *waiters, waiter_done *done, void *arg, struct error *err)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return error_no_memory(err);
	*waiter = (struct waiter){waiters->waiting, done, arg};
	waiters->waiting = waiter;
	return 0;
}

bool waiters_any(const struct waiters *waiters)
{
	return waiters->waiting != NULL;
}

void waiters_begin(struct waiters *waiters)
{
	waiters->served = waiters->waiting;
	waiters->waiting = NULL;
}

static void release(struct waiter *list)
{
	while (list != NULL) {
		struct waiter *next = list->next;
		free(list);
		list = next;
	}
}

void waiters_answer(struct waiters *waiters, const struct error *err)
{
	struct waiter *served = waiters->served;

	waiters->served = NULL;
	for (struct waiter *waiter = served; waiter != NULL; waiter = waiter->next)
		waiter->done(err, waiter->arg);
	release(served);
}

void waiters_clear(struct waiters *waiters)
{
	release(waiters->served);
	release(waiters->waiting);
	*waiters = (struct waiters){NULL, NULL};
}
