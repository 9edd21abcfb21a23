#include "supervisor/children/waiters.h"

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
	*waiter = (struct waiter){waiters->of_the_next, done, arg};
	waiters->of_the_next = waiter;
	return 0;
}

bool waiters_any(const struct waiters *waiters)
{
	return waiters->of_the_next != NULL;
}

void waiters_begin(struct waiters *waiters)
{
	waiters->of_this_run = waiters->of_the_next;
	waiters->of_the_next = NULL;
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
	struct waiter *called = waiters->of_this_run;

	waiters->of_this_run = NULL;
	for (struct waiter *waiter = called; waiter != NULL; waiter = waiter->next)
		waiter->done(err, waiter->arg);
	release(called);
}

void waiters_clear(struct waiters *waiters)
{
	release(waiters->of_this_run);
	release(waiters->of_the_next);
	*waiters = (struct waiters){NULL, NULL};
}
