#include "supervisor/domains/domain_wait.h"

#include "supervisor/domains/domain_entry.h"
#include "supervisor/domains/schedule.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static uint32_t random_bits(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = (uint32_t)time(NULL);
	return bits;
}

void domain_wake_in(struct domain *d, long seconds)
{
	if (seconds < 0)
		seconds = 0;
	d->next_at = time(NULL) + seconds;
	event_add(d->timer, &(struct timeval){seconds, 0});
}

/* The next regular check, or the renewal if that is sooner. */
static long rest_seconds(const struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	long interval = schedule_jitter(o->check_interval, random_bits());
	time_t renewal = o->renew_at(domain_place(d), o->arg);
	time_t now = time(NULL);

	return renewal > now && renewal - now < interval ? renewal - now : interval;
}

/* What was passed is tried again sooner. */
static long retry_seconds(struct domain *d)
{
	long rest = rest_seconds(d), delay;

	if (d->passed == 0) {
		d->passes_in_vain = 0;
		return rest;
	}
	delay = schedule_jitter(schedule_backoff(++d->passes_in_vain, 1), random_bits());
	return delay < rest ? delay : rest;
}

bool domain_wait_is_costly(enum step step)
{
	return step == STEP_ISSUE || step == STEP_ACCOUNT;
}

void domain_pause(struct domain *d, enum step failed, const struct error *err)
{
	static const struct error unknown = {EXIT_FAILED, 0, "unknown reason"};
	struct domain_record *r = d->record;
	long delay = schedule_jitter(schedule_backoff(++r->attempt, domain_wait_is_costly(d->step)),
				     random_bits());

	if (err == NULL)
		err = &unknown;
	if (delay < (long)err->retry_after)
		delay = (long)err->retry_after;
	domain_log_failed(&d->log, failed, r->attempt, delay, err);
	r->step = d->step;
	r->not_before = time(NULL) + delay;
	snprintf(r->error, sizeof(r->error), "%s", err->text);
	state_saver_changed(d->all->saver);
	domain_wake_in(d, delay);
}

/* Told once, however often it is looked whether the operator has done it. */
void domain_wait_for_operator(struct domain *d, const struct error *why)
{
	struct domain_record *r = d->record;
	bool is_news = r->attempt == 0 || strcmp(r->error, why->text) != 0;

	domain_log_waits(&d->log, d->step, why, is_news);
	r->step = d->step;
	r->attempt = 1;
	r->not_before = time(NULL) + d->wait_seconds;
	snprintf(r->error, sizeof(r->error), "%s", why->text);
	if (is_news)
		state_saver_changed(d->all->saver);
	domain_wake_in(d, d->wait_seconds);
}

void domain_rest(struct domain *d)
{
	bool had_failed = d->record->attempt > 0;
	long seconds = d->forced || d->again ? 0 : retry_seconds(d);

	domain_log_rests(&d->log, d->record->attempt, seconds);
	d->record->attempt = 0;
	d->record->error[0] = '\0';
	if (had_failed)
		state_saver_changed(d->all->saver);
	domain_wake_in(d, seconds);
	d->again = false;
}
