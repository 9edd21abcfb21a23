#include "supervisor/children/lane.h"

void lane_init(struct lane *lane, unsigned limit)
{
	lane->limit = limit;
	lane->running = 0;
	lane->handing_on = false;
	lane->has_room = NULL;
	STAILQ_INIT(&lane->waiting);
}

static bool may_go(const struct lane *lane)
{
	if (lane->running >= lane->limit)
		return false;
	return lane->running == 0 || lane->has_room == NULL || lane->has_room(lane->has_room_arg);
}

static void hand_on(struct lane *lane)
{
	struct lane_place *next;

	/* A job that ends as soon as it begins calls lane_leave() from within go().  Thousands
	 * of such jobs (when the limit of processes is reached, say) must not pile up on the
	 * stack. */
	if (lane->handing_on)
		return;
	lane->handing_on = true;
	while ((next = STAILQ_FIRST(&lane->waiting)) != NULL && may_go(lane)) {
		STAILQ_REMOVE_HEAD(&lane->waiting, link);
		lane->running++;
		next->go(next->arg);
	}
	lane->handing_on = false;
}

void lane_enter(struct lane *lane, struct lane_place *place, void (*go)(void *arg), void *arg)
{
	place->go = go;
	place->arg = arg;
	STAILQ_INSERT_TAIL(&lane->waiting, place, link);
	hand_on(lane);
}

void lane_leave(struct lane *lane)
{
	lane->running--;
	hand_on(lane);
}

void lane_set_limit(struct lane *lane, unsigned limit)
{
	lane->limit = limit;
	hand_on(lane);
}
