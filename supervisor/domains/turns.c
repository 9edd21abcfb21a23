#include "supervisor/domains/turns.h"

#include "common/clock.h"

#include <stdbool.h>
#include <stdlib.h>

enum { LONGEST_MS = 5 };

struct turns {
	STAILQ_HEAD(, turn) waiting;
	void (*begin)(void *owner);
	struct event *timer;
	bool stopped;
};

static void go_on_soon(struct turns *turns)
{
	event_add(turns->timer, &(struct timeval){0, 0});
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct turns *turns = arg;
	long long until = clock_now_ms() + LONGEST_MS;
	struct turn *turn;

	(void)fd;
	(void)what;
	while (!turns->stopped && (turn = STAILQ_FIRST(&turns->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&turns->waiting, next);
		turns->begin(turn->owner);
		if (clock_now_ms() >= until)
			break;
	}
	if (!turns->stopped && !STAILQ_EMPTY(&turns->waiting))
		go_on_soon(turns);
}

struct turns *turns_new(struct event_base *base, void (*begin)(void *owner))
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (turns == NULL)
		return NULL;
	STAILQ_INIT(&turns->waiting);
	turns->begin = begin;
	turns->timer = evtimer_new(base, on_timer, turns);
	if (turns->timer == NULL) {
		free(turns);
		return NULL;
	}
	return turns;
}

void turns_free(struct turns *turns)
{
	if (turns == NULL)
		return;
	event_free(turns->timer);
	free(turns);
}

void turns_wait(struct turns *turns, struct turn *turn, void *owner)
{
	turn->owner = owner;
	STAILQ_INSERT_TAIL(&turns->waiting, turn, next);
	if (!turns->stopped && !event_pending(turns->timer, EV_TIMEOUT, NULL))
		go_on_soon(turns);
}

void turns_stop(struct turns *turns)
{
	turns->stopped = true;
}
