#include "supervisor/lane.h"

void lane_init(struct lane *lane, unsigned limit)
{
	lane->limit = limit;
	lane->running = 0;
	lane->handing_on = false;
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
	struct lane_place *next;

	lane->running--;
	/* A job that ends as soon as it begins calls lane_leave() from within go().  Thousands
	 * of such jobs (when the limit of processes is reached, say) must not pile up on the
	 * stack. */
	if (lane->handing_on)
		return;
	lane->handing_on = true;
	while (lane->running < lane->limit && (next = STAILQ_FIRST(&lane->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&lane->waiting, link);
		lane->running++;
		next->go(next->arg);
	}
	lane->handing_on = false;
}
