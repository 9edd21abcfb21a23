/*
 * Work in turns: thousands of small pieces begin in the order in which they came, for a few
 * milliseconds at a time, so that the event loop answers everybody else in between.
 */
#ifndef SUPERVISOR_DOMAINS_TURNS_H
#define SUPERVISOR_DOMAINS_TURNS_H

#include <event2/event.h>
#include <sys/queue.h>

/* What waits for its turn, a member of whatever it is.  Zeroed before the first use. */
struct turn {
	void *owner;
	STAILQ_ENTRY(turn) next;
};

struct turns;

/* `begin` is called with the owner of each turn.  `base` is borrowed.  NULL when memory ran out. */
struct turns *turns_new(struct event_base *base, void (*begin)(void *owner));
void turns_free(struct turns *turns);

/* begin(owner) is called soon, from the event loop; the turn must not be waiting already. */
void turns_wait(struct turns *turns, struct turn *turn, void *owner);

/* What waits does not begin any more. */
void turns_stop(struct turns *turns);

#endif
