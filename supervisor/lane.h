/* A queue of jobs of one kind: at most `limit` of them run at a time, the others wait in order. */
#ifndef SUPERVISOR_LANE_H
#define SUPERVISOR_LANE_H

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
	STAILQ_HEAD(, lane_place) waiting;
};

void lane_init(struct lane *lane, unsigned limit);
/* Calls go(arg) at once if there is room, else later.  Whoever went calls lane_leave()
 * exactly once. */
void lane_enter(struct lane *lane, struct lane_place *place, void (*go)(void *arg), void *arg);
void lane_leave(struct lane *lane);

#endif
