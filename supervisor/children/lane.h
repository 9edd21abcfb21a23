/* A queue of jobs of one kind: at most `limit` of them run at a time, the others wait in order. */
#ifndef SUPERVISOR_CHILDREN_LANE_H
#define SUPERVISOR_CHILDREN_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/* One waiting job's place; lives in its owner, who has at most one job at a time. */
struct lane_place {
	STAILQ_ENTRY(lane_place) link;
	void (*go)(void *arg);
	void *arg;
};

struct lane {
	unsigned limit, running;
	bool handing_on;
	/* Whether there is room for one more beside those that run; NULL: the limit decides alone.
	 * One is never held back when nothing runs. */
	bool (*has_room)(void *arg);
	void *has_room_arg;
	STAILQ_HEAD(, lane_place) waiting;
};

void lane_init(struct lane *lane, unsigned limit);
/* Calls go(arg) at once if there is room, else later.  Whoever went calls lane_leave()
 * exactly once. */
void lane_enter(struct lane *lane, struct lane_place *place, void (*go)(void *arg), void *arg);
void lane_leave(struct lane *lane);
/* Lets more of them run, or fewer from now on. */
void lane_set_limit(struct lane *lane, unsigned limit);

#endif
