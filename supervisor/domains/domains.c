#include "supervisor/domains/domains.h"

#include "supervisor/domains/domain_entry.h"
#include "supervisor/domains/domain_pass.h"
#include "supervisor/domains/domain_wait.h"
#include "supervisor/domains/order_budget.h"
#include "supervisor/domains/schedule.h"

#include <stdlib.h>

static int domain_init(struct domain *d, struct domains *all, size_t index, struct error *err)
{
	d->all = all;
	d->name = all->options.names[index];
	d->log.domain = d->name;
	d->step = STEP_SETTLED;
	d->is_new = true;
	d->record = state_domain(all->options.state, d->name);
	d->timer = evtimer_new(all->options.base, domain_on_timer, d);
	if (d->record == NULL || d->timer == NULL)
		return error_no_memory(err);
	return 0;
}

struct domains *domains_new(const struct domains_options *options, struct error *err)
{
	struct domains *all = calloc(1, sizeof(*all));

	if (all == NULL)
		goto no_memory;
	all->options = *options;
	all->list = calloc(options->count, sizeof(*all->list));
	all->turns = turns_new(options->base, domain_begin);
	all->saver = state_saver_new(options->base, options->state);
	if (all->list == NULL || all->turns == NULL || all->saver == NULL)
		goto no_memory;
	for (size_t i = 0; i < options->count; i++)
		if (domain_init(&all->list[i], all, i, err) != 0)
			goto fail;
	return all;
no_memory:
	error_no_memory(err);
fail:
	domains_free(all);
	return NULL;
}

void domains_free(struct domains *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; all->list != NULL && i < all->options.count; i++) {
		if (all->list[i].timer != NULL)
			event_free(all->list[i].timer);
		domain_log_free(&all->list[i].log);
		free(all->list[i].note);
		free(all->list[i].caution);
	}
	turns_free(all->turns);
	state_saver_free(all->saver);
	free(all->list);
	free(all);
}

void domains_stop(struct domains *all)
{
	all->stopping = true;
	for (size_t i = 0; i < all->options.count; i++)
		domain_log_stops(&all->list[i].log);
	turns_stop(all->turns);
}

/* A wait that an earlier run began is kept where trying again costs something. */
static void start_one(struct domain *d, time_t now)
{
	bool counts = !d->asked && d->record->attempt > 0 && domain_wait_is_costly(d->record->step);
	long left = counts ? schedule_left(d->record->not_before, now) : 0;

	d->is_new = left == 0;
	if (left > 0)
		d->step = d->record->step;
	else
		d->record->attempt = 0;
	domain_wake_in(d, left);
	if (left > 0 && d->recheck)
		domain_recheck(d);
}

void domains_start(struct domains *all)
{
	time_t now = time(NULL);

	all->started = true;
	for (size_t i = 0; i < all->options.count; i++)
		start_one(&all->list[i], now);
}

void domains_retry(struct domains *all, enum step step)
{
	for (size_t i = 0; all->started && i < all->options.count; i++) {
		struct domain *d = &all->list[i];
		bool was_passed = d->step == STEP_SETTLED && (d->passed & 1U << step) != 0;
		if (!d->running && (d->step == step || was_passed))
			domain_handle(d, EVENT_WAKE, NULL);
	}
}

void domains_recheck(struct domains *all)
{
	for (size_t i = 0; i < all->options.count; i++)
		domain_recheck(&all->list[i]);
}

static int renew_one(struct domain *d, bool force, struct error *err)
{
	const struct domains_options *o = &d->all->options;
	const struct order_budget_options budget = {o->state, o->has_order_limits};
	bool is_covered = o->renew_at(domain_place(d), o->arg) != 0;

	if (force && order_budget_check(&budget, d->record, is_covered, time(NULL), err) != 0)
		return -1;
	d->forced = d->forced || force;
	d->asked = true;
	d->again = d->again || d->is_rechecking;
	if (d->all->started && !d->running) {
		/* From the first step: a failure may have left the domain half way. */
		d->step = STEP_SETTLED;
		domain_handle(d, EVENT_WAKE, NULL);
	}
	return 0;
}

int domains_renew(struct domains *all, const char *name, bool force, struct error *err)
{
	bool found = false;

	for (size_t i = 0; i < all->options.count; i++) {
		if (name != NULL && !domain_is_meant(all->list[i].name, name))
			continue;
		found = true;
		if (renew_one(&all->list[i], force, err) != 0)
			return -1;
	}
	if (!found)
		return error_set(err, EXIT_USAGE_ERROR,
				 "%s is not one of the configured domains; `ingressctl status` "
				 "lists them",
				 name);
	return 0;
}

/* ---- for whoever looks on */

static unsigned orders_lately(const struct budget *budget)
{
	time_t since = time(NULL) - BUDGET_WINDOW;
	unsigned count = 0;

	for (unsigned i = 0; i < budget->count; i++)
		if (budget->attempts[i] > since)
			count++;
	return count;
}

size_t domains_count(const struct domains *all)
{
	return all->options.count;
}

void domains_look(const struct domains *all, size_t index, struct domain_view *view)
{
	const struct domain *d = &all->list[index];

	const char *note = d->note == NULL ? d->caution : d->note;

	*view = (struct domain_view){
	    .name = d->name,
	    .step = d->step,
	    .running = d->running || d->is_new,
	    .for_operator = !d->running && d->wait_seconds > 0,
	    .forced = d->forced,
	    .failures = d->record->attempt,
	    .error = d->record->error,
	    .note = note == NULL ? "" : note,
	    .next_at = d->running ? 0 : d->next_at,
	    .orders = orders_lately(&d->record->budget),
	};
}
