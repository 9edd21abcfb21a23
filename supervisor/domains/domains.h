/*
 * The domains at run time: the engine that drives each through its lifecycle (lifecycle.h), with
 * its timers, its pauses, and what a restart has to remember of them (state.h).
 *
 * What the work of a step is, the engine does not know: a table says which function begins it
 * (steps.h), and that function's side tells how it ended.  A few steps begin in each turn of the
 * event loop, so that thousands of domains that are woken together keep nobody waiting.
 */
#ifndef SUPERVISOR_DOMAINS_DOMAINS_H
#define SUPERVISOR_DOMAINS_DOMAINS_H

#include "common/domain.h"
#include "common/error.h"
#include "supervisor/domains/lifecycle.h"
#include "supervisor/domains/state.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct domain;
struct domains;

/* Begins the work of a step for a domain.  The work ends in exactly one of domain_done(),
 * domain_nothing(), domain_passed() and domain_failed(), possibly before this returns. */
struct step_work {
	void (*begin)(struct domain *domain, void *context);
	void *context;
};

struct domains_options {
	struct event_base *base;
	struct state *state;
	const domain_name *names; /* `count` of them */
	size_t count;
	bool has_order_limits;	       /* see order_budget.h */
	long check_interval;	       /* seconds from one look at a settled domain to the next */
	const struct step_work *steps; /* STEP_COUNT of them; that of STEP_SETTLED never begins */
	/* When the certificate in use is to be renewed; 0: there is none. */
	time_t (*renew_at)(size_t domain, void *arg);
	void *arg;
};

struct domains *domains_new(const struct domains_options *options, struct error *err);
/* Writes what the state file does not have yet. */
void domains_free(struct domains *domains);

/* Wakes every domain, those that wait after a costly failure when their wait is over.  Until
 * then domains_renew() only notes what is asked for. */
void domains_start(struct domains *domains);

/* From here on no step begins, and how the work under way ends changes nothing: it is being
 * ended from outside. */
void domains_stop(struct domains *domains);

/* What kept `step` from its work may be over: wakes the domains that wait for it, or that went
 * past it without its work being done. */
void domains_retry(struct domains *domains, enum step step);

/* Certificates on the volume may have changed: has each looked at again, those that are busy
 * when they no longer are.  A wait after a failure goes on afterwards. */
void domains_recheck(struct domains *domains);

/*
 * Wakes one domain, or all with NULL; `force` orders a certificate even if none is due.
 * -1 with EXIT_USAGE_ERROR for a name that is not configured, EXIT_TRY_LATER when the
 * budget of orders forbids it (err->retry_after says for how long).
 */
int domains_renew(struct domains *domains, const char *name, bool force, struct error *err);

/* ---- for whoever looks on */

struct domain_view {
	const char *name;
	enum step step;
	bool running;	   /* the step's work is under way, or about to begin */
	bool for_operator; /* it waits for something that is the operator's to do */
	bool forced;	   /* an order that was asked for, due or not, is not done */
	unsigned failures; /* in a row */
	const char *error; /* the latest of them; "" */
	const char *note;  /* what is not as it should be, but stops nothing; "" */
	time_t next_at;	   /* when it is woken; 0 while it runs */
	unsigned orders;   /* within the last BUDGET_WINDOW */
};

size_t domains_count(const struct domains *domains);
/* `index` is that of its name. */
void domains_look(const struct domains *domains, size_t index, struct domain_view *view);

#endif
