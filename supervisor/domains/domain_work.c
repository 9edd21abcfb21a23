#include "supervisor/domains/domain_work.h"

#include "supervisor/domains/domain_entry.h"
#include "supervisor/domains/domain_pass.h"
#include "supervisor/domains/order_budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how it ended */

static void set_text(char **at, const char *text)
{
	free(*at);
	*at = text == NULL ? NULL : strdup(text);
}

static void end_step(struct domain *d, enum lifecycle_event event, const struct error *err)
{
	if (d->running)
		domain_handle(d, event, err);
}

void domain_done(struct domain *d)
{
	end_step(d, EVENT_DONE, NULL);
}

void domain_nothing(struct domain *d)
{
	end_step(d, EVENT_NOTHING, NULL);
}

void domain_passed(struct domain *d, const struct error *err)
{
	if (!d->running || d->all->stopping)
		return;
	domain_log_passed(&d->log, d->step, err);
	if (d->passed == 0)
		set_text(&d->note, err->text);
	d->passed |= 1U << d->step;
	end_step(d, EVENT_PASSED, err);
}

void domain_set_caution(struct domain *d, const char *text)
{
	set_text(&d->caution, text);
}

void domain_failed(struct domain *d, const struct error *err)
{
	d->wait_seconds = 0;
	end_step(d, EVENT_FAILED, err);
}

void domain_refused(struct domain *d, const struct error *err)
{
	end_step(d, EVENT_REFUSED, err);
}

void domain_waits(struct domain *d, long seconds, const struct error *why)
{
	d->wait_seconds = seconds;
	end_step(d, EVENT_FAILED, why);
}

/* ---- what it asks */

const char *domain_told(const struct domain *d)
{
	return d->record->told;
}

void domain_set_told(struct domain *d, const char *digest)
{
	if (strcmp(d->record->told, digest) == 0)
		return;
	snprintf(d->record->told, sizeof(d->record->told), "%s", digest);
	state_saver_changed(d->all->saver);
}

const char *domain_called(const struct domain *d)
{
	return d->name;
}

size_t domain_index(const struct domain *d)
{
	return domain_place(d);
}

void *domain_context(const struct domain *d)
{
	return d->all->options.steps[d->step].context;
}

void domain_enter(struct domain *d, struct lane *lane, void (*go)(void *domain))
{
	lane_enter(lane, &d->place, go, d);
}

bool domain_is_forced(const struct domain *d)
{
	return d->forced;
}

unsigned domain_failures(const struct domain *d)
{
	return d->record->attempt;
}

/* ---- orders */

static struct order_budget_options budget_of(const struct domains *all)
{
	return (struct order_budget_options){all->options.state, all->options.has_order_limits};
}

int domain_spend_order(struct domain *d, bool is_covered, struct error *err)
{
	struct order_budget_options options = budget_of(d->all);

	return order_budget_spend(&options, d->record, is_covered, time(NULL), err);
}

void domain_refund_order(struct domain *d)
{
	struct order_budget_options options = budget_of(d->all);

	order_budget_refund(&options, d->record);
}

void domain_was_ordered(struct domain *d, const char *serial)
{
	d->forced = false;
	order_budget_issued(d->record, serial, time(NULL));
	state_saver_changed(d->all->saver);
}

time_t domain_issued_at(const struct domain *d, const char *serial)
{
	return strcmp(d->record->issued_serial, serial) == 0 ? d->record->issued_at : 0;
}
