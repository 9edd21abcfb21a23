#include "supervisor/lane.h"

void lane_init(struct lane *lane, unsigned limit)
{
	lane->limit = limit;
	lane->running = 0;
	STAILQ_INIT(&lane->waiting);
}

void lane_enter(struct lane *lane, struct lane_place *place, void (*go)(void *arg), void *arg)
{
	place->go = go;
	place->arg = arg;
	if (lane->running < lane->limit) {
		lane->running++;
		go(arg);
		return;
	}
	STAILQ_INSERT_TAIL(&lane->waiting, place, link);
}

void lane_leave(struct lane *lane)
{
	struct lane_place *next = STAILQ_FIRST(&lane->waiting);

	if (next == NULL) {
		lane->running--;
		return;
	}
	STAILQ_REMOVE_HEAD(&lane->waiting, link);
	next->go(next->arg); /* in the place that was left */
}
