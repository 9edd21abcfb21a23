/*
 * The domains at run time: the engine that drives each through its lifecycle (lifecycle.h), with
 * its timers, its pauses, and what a restart has to remember of them (state.h).
 *
 * What the work of a step is, the engine does not know: a table says which function begins it
 * (steps.h), and that function's side tells how it ended.  A few steps begin in each turn of the
 * event loop, so that thousands of domains that are woken together keep nobody waiting.
 */
#ifndef SUPERVISOR_DOMAINS_H
#define SUPERVISOR_DOMAINS_H

#include "common/domain.h"
#include "common/error.h"
#include "supervisor/lane.h"
#include "supervisor/lifecycle.h"
#include "supervisor/state.h"

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
	unsigned failures; /* in a row */
	const char *error; /* the latest of them; "" */
	const char *note;  /* what is not as it should be, but stops nothing; "" */
	time_t next_at;	   /* when it is woken; 0 while it runs */
	unsigned orders;   /* within the last BUDGET_WINDOW */
};

size_t domains_count(const struct domains *domains);
/* `index` is that of its name. */
void domains_look(const struct domains *domains, size_t index, struct domain_view *view);

/* ---- for the work of a step */

const char *domain_called(const struct domain *domain);
/* Its place among the names. */
size_t domain_index(const struct domain *domain);
/* What the table has for the step under way. */
void *domain_context(const struct domain *domain);
/* Waits for a place in the lane, then calls go(domain). */
void domain_enter(struct domain *domain, struct lane *lane, void (*go)(void *domain));

/* How a step ended: its work is done; there was nothing to do; it failed, which the domain goes
 * past (it becomes its note, and is tried again some time after the pass); it failed. */
void domain_done(struct domain *domain);
void domain_nothing(struct domain *domain);
void domain_passed(struct domain *domain, const struct error *err);
void domain_failed(struct domain *domain, const struct error *err);

/* Its note, besides those of steps that were gone past, from here to the next call: what ought to
 * be set right although the order goes on.  NULL: nothing. */
void domain_set_caution(struct domain *domain, const char *text);

/* It ends so as well where something is the operator's to do before it can go on (`why`): it is
 * begun again in so many seconds. */
void domain_waits(struct domain *domain, long seconds, const struct error *why);

/* What the operator was told last, as a digest; "" for nothing.  It is kept over a restart. */
const char *domain_told(const struct domain *domain);
void domain_set_told(struct domain *domain, const char *digest);

/* Whether a certificate is to be ordered although none is due, until one has been. */
bool domain_is_forced(const struct domain *domain);
/* The order brought the certificate with this serial; NULL: it is not known. */
void domain_was_ordered(struct domain *domain, const char *serial);

/* How many failures there were in a row until now. */
unsigned domain_failures(const struct domain *domain);

/* Notes an order, durably, as order_budget_spend() does: -1 with EXIT_TRY_LATER when there were too
 * many lately.  It is taken back when nothing was asked of the CA after all. */
int domain_spend_order(struct domain *domain, bool is_covered, struct error *err);
void domain_refund_order(struct domain *domain);
/* When the latest order brought the certificate with this serial, by our clock; 0: it is not known,
 * or another came onto the volume since. */
time_t domain_issued_at(const struct domain *domain, const char *serial);

#endif
