/* One domain, and all of them, as the engine's parts share them: domains.c, domain_pass.c,
 * domain_wait.c, domain_work.c.  Nobody else looks inside. */
#ifndef SUPERVISOR_DOMAINS_DOMAIN_ENTRY_H
#define SUPERVISOR_DOMAINS_DOMAIN_ENTRY_H

#include "supervisor/children/lane.h"
#include "supervisor/domains/domain_log.h"
#include "supervisor/domains/domains.h"
#include "supervisor/domains/state_saver.h"
#include "supervisor/domains/turns.h"

struct domain {
	struct domains *all;
	const char *name;
	struct domain_record *record;
	struct domain_log log;
	enum step step;
	bool running; /* the step's work is under way or about to begin; else the timer decides */
	bool is_new;  /* its first pass has not begun, nor a wait of an earlier run been taken up */
	bool forced;  /* order although nothing is due */
	bool asked;   /* by somebody, for a pass: an earlier run's wait does not count */

	/* A look at the volume, and the wait that it interrupted. */
	bool recheck; /* one is to be had as soon as there can be one */
	bool is_rechecking, found_another;
	enum step waiting_step;
	time_t waiting_until;
	long waiting_seconds; /* its wait_seconds */
	bool again;	      /* a whole pass follows this one at once */

	/* Steps that this pass went past without their work being done, as bits. */
	unsigned passed;
	unsigned passes_in_vain; /* in a row */
	char *note;
	char *caution;	   /* the note while there is no other */
	long wait_seconds; /* of the wait for the operator that is, or is about to begin; 0: none */

	time_t next_at; /* when the timer fires */
	struct event *timer;
	struct lane_place place;
	struct turn turn;
};

struct domains {
	struct domains_options options;
	struct domain *list;
	struct turns *turns; /* of those whose steps are about to begin */
	struct state_saver *saver;
	bool started, stopping;
};

/* Its place among the names. */
static inline size_t domain_place(const struct domain *d)
{
	return (size_t)(d - d->all->list);
}

#endif
