/*
 * Writes the state soon after it changed: at once if it has not been written for a second, else
 * when the second is over, for a thousand failures are not a thousand files.
 */
#ifndef SUPERVISOR_DOMAINS_STATE_SAVER_H
#define SUPERVISOR_DOMAINS_STATE_SAVER_H

#include "supervisor/domains/state.h"

#include <event2/event.h>

struct state_saver;

/* Both are borrowed.  NULL when memory ran out. */
struct state_saver *state_saver_new(struct event_base *base, struct state *state);
/* Writes what is not written yet. */
void state_saver_free(struct state_saver *saver);

/* The state has changed.  A failure to write it is logged. */
void state_saver_changed(struct state_saver *saver);

#endif
