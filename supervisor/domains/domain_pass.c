#include "supervisor/domains/domain_pass.h"

#include "common/log.h"
#include "supervisor/domains/domain_entry.h"
#include "supervisor/domains/domain_wait.h"

#include <stdlib.h>

void domain_begin(void *arg)
{
	struct domain *d = arg;
	const struct step_work *work = &d->all->options.steps[d->step];

	if (d->step == STEP_RECORDS)
		d->passed = 0;
	else if (d->step == STEP_PREFLIGHT && d->passed == 0) {
		free(d->note);
		d->note = NULL;
	} else if (d->step == STEP_CHECK)
		d->recheck = false;
	work->begin(d, work->context);
}

/* ---- looks at the volume */

/*
 * A look that found the certificate that was there before ends in the wait that it interrupted,
 * with the reason and the count of that wait.  The same goes for one that found none that is fit
 * to be served while the domain waited for a better one anyway.
 */
static bool ends_in_its_wait(const struct domain *d, enum step step, enum verb verb)
{
	if (!d->is_rechecking || d->found_another || d->again)
		return false;
	return verb == VERB_REST || (step == STEP_CHECK && d->waiting_step != STEP_SETTLED);
}

static void resume_wait(struct domain *d)
{
	d->is_rechecking = false;
	d->step = d->waiting_step;
	d->wait_seconds = d->waiting_seconds;
	domain_wake_in(d, d->waiting_until - time(NULL));
}

void domain_recheck(struct domain *d)
{
	struct transition t = lifecycle_next(d->step, EVENT_RECHECK);

	if (!d->all->started || d->running || t.verb != VERB_RUN) {
		d->recheck = true;
		return;
	}
	d->waiting_step = d->step;
	d->waiting_until = d->next_at;
	d->waiting_seconds = d->wait_seconds;
	d->is_rechecking = true;
	d->found_another = false;
	domain_handle(d, EVENT_RECHECK, NULL);
}

/* ---- from step to step */

/* No work is under way any more. */
static void wait_after(struct domain *d, enum step step, enum verb verb, const struct error *err)
{
	if (ends_in_its_wait(d, step, verb)) {
		resume_wait(d);
	} else {
		d->again = d->again || (d->is_rechecking && d->waiting_step != STEP_SETTLED);
		d->is_rechecking = false;
		if (verb == VERB_PAUSE && d->wait_seconds > 0)
			domain_wait_for_operator(d, err);
		else if (verb == VERB_PAUSE)
			domain_pause(d, step, err);
		else
			domain_rest(d);
	}
	if (d->recheck)
		domain_recheck(d);
}

/* What a full volume did not take at ISSUE is put there, and told of, by the preflight of a later
 * pass. */
static void tell_end(struct domain *d, enum step step, enum lifecycle_event event)
{
	if (event == EVENT_DONE || event == EVENT_NOTHING)
		domain_log_done(&d->log, step);
	if (step == STEP_PREFLIGHT && event == EVENT_NOTHING)
		domain_log_done(&d->log, STEP_ISSUE);
}

void domain_handle(struct domain *d, enum lifecycle_event event, const struct error *err)
{
	enum step step = d->step;
	struct transition t = lifecycle_next(step, event);

	if (t.verb == VERB_IGNORE || d->all->stopping)
		return;
	if (event != EVENT_FAILED)
		d->wait_seconds = 0;
	tell_end(d, step, event);
	log_debug("[%s] %s: event %d, next %s", d->name, lifecycle_step_name(step), event,
		  lifecycle_step_name(t.next));
	d->step = t.next;
	d->is_new = false;
	d->running = t.verb == VERB_RUN;
	event_del(d->timer);
	d->found_another = d->found_another || (step == STEP_INSTALL && event == EVENT_DONE);
	if (d->running)
		turns_wait(d->all->turns, &d->turn, d);
	else
		wait_after(d, step, t.verb, err);
}

void domain_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	domain_handle(arg, EVENT_WAKE, NULL);
}
