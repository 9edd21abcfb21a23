#include "supervisor/domains.h"

#include "common/log.h"
#include "supervisor/lineage.h"
#include "supervisor/schedule.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { DNS_JOBS = 4, CERTBOT_JOBS = 1, PROBE_JOBS = 4 };

static uint32_t random_bits(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = (uint32_t)time(NULL);
	return bits;
}

/* ---- timers */

static void wake_in(struct domain *d, long seconds)
{
	if (seconds < 0)
		seconds = 0;
	d->next_at = time(NULL) + seconds;
	event_add(d->timer, &(struct timeval){seconds, 0});
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	domain_event(arg, EVENT_WAKE, NULL);
}

/* The next regular check, or the renewal if that is sooner. */
static long rest_seconds(const struct domain *d)
{
	const struct settings *s = d->all->options.settings;
	long interval = schedule_jitter(s->renew_interval, random_bits());
	time_t renewal =
	    schedule_renewal(d->pair->not_before, d->pair->not_after, s->renew_days_before);
	time_t now = time(NULL);

	if (d->pair->present && renewal > now && renewal - now < interval)
		return renewal - now;
	return interval;
}

/* ---- outcomes of a step */

void domain_save_record(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (state_save(d->all->options.state, &err) != 0)
		log_warn("[%s] a restart will not remember this: %s", d->name, err.text);
}

static bool is_costly(enum step step)
{
	return step == STEP_ISSUE || step == STEP_ACCOUNT;
}

static void pause_after(struct domain *d, enum step failed, const struct error *err)
{
	struct domain_record *r = d->record;
	long delay =
	    schedule_jitter(schedule_backoff(++r->attempt, is_costly(d->step)), random_bits());

	if (delay < (long)err->retry_after)
		delay = (long)err->retry_after;
	log_warn("[%s] %s failed (attempt %u, again in %ld s): %s", d->name,
		 lifecycle_step_name(failed), r->attempt, delay, err->text);
	r->step = d->step;
	r->not_before = time(NULL) + delay;
	snprintf(r->error, sizeof(r->error), "%s", err->text);
	domain_save_record(d);
	wake_in(d, delay);
}

static void rest(struct domain *d)
{
	bool had_failed = d->record->attempt > 0;

	d->record->attempt = 0;
	d->record->error[0] = '\0';
	if (had_failed)
		domain_save_record(d);
	wake_in(d, d->forced ? 0 : rest_seconds(d));
}

void domain_event(struct domain *d, enum lifecycle_event event, const struct error *err)
{
	static const struct error unknown = {EXIT_FAILED, 0, "unknown reason"};
	enum step step = d->step;
	struct transition t = lifecycle_next(step, event);

	if (t.verb == VERB_IGNORE || d->all->stopping)
		return;
	log_debug("[%s] %s: event %d, next %s", d->name, lifecycle_step_name(step), event,
		  lifecycle_step_name(t.next));
	d->step = t.next;
	d->running = t.verb == VERB_RUN;
	event_del(d->timer);
	switch (t.verb) {
	case VERB_RUN:
		domain_run_step(d);
		break;
	case VERB_PAUSE:
		pause_after(d, step, err == NULL ? &unknown : err);
		break;
	case VERB_REST:
		rest(d);
		break;
	case VERB_IGNORE:
		break;
	}
}

/* ---- the collection */

static int domain_init(struct domain *d, struct domains *all, size_t index, struct error *err)
{
	d->all = all;
	d->name = all->options.settings->domains[index];
	d->pair = &all->options.pairs[index];
	d->step = STEP_SETTLED;
	d->record = state_domain(all->options.state, d->name);
	d->timer = evtimer_new(all->options.base, on_timer, d);
	if (d->record == NULL || d->timer == NULL)
		return error_no_memory(err);
	return 0;
}

struct domains *domains_new(const struct domains_options *options, struct error *err)
{
	size_t count = options->settings->domain_count;
	struct domains *all = calloc(1, sizeof(*all));

	if (all == NULL)
		goto no_memory;
	all->options = *options;
	lane_init(&all->dns_lane, DNS_JOBS);
	lane_init(&all->certbot_lane, CERTBOT_JOBS);
	lane_init(&all->probe_lane, PROBE_JOBS);
	all->list = calloc(count, sizeof(*all->list));
	if (all->list == NULL)
		goto no_memory;
	for (size_t i = 0; i < count; i++) {
		all->count = i + 1;
		if (domain_init(&all->list[i], all, i, err) != 0)
			goto fail;
	}
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
	for (size_t i = 0; all->list != NULL && i < all->count; i++)
		if (all->list[i].timer != NULL)
			event_free(all->list[i].timer);
	acme_account_clear(&all->account);
	free(all->list);
	free(all);
}

static void install_existing(struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	struct error err = ERROR_INIT;
	struct lineage lineage;
	int found = lineage_find(o->settings->letsencrypt_dir, d->name, &lineage, &err);

	if (found > 0 &&
	    served_pair_install(&lineage, d->name, o->certs_folder, time(NULL), d->pair, &err) != 0)
		found = -1;
	if (found < 0)
		log_warn("[%s] %s", d->name, err.text);
	else if (found == 0)
		log_info("[%s] no certificate on the volume yet", d->name);
	lineage_clear(&lineage);
}

void domains_install_existing(struct domains *all)
{
	for (size_t i = 0; i < all->count; i++)
		install_existing(&all->list[i]);
}

void domains_stop(struct domains *all)
{
	all->stopping = true;
}

/* A wait that an earlier run began is kept where trying again costs something. */
void domains_start(struct domains *all)
{
	time_t now = time(NULL);

	domains_sweep(all);
	for (size_t i = 0; i < all->count; i++) {
		struct domain *d = &all->list[i];
		bool counts = d->record->attempt > 0 && is_costly(d->record->step);
		long left = counts ? schedule_left(d->record->not_before, now) : 0;
		if (left > 0)
			d->step = d->record->step;
		else
			d->record->attempt = 0;
		wake_in(d, left);
	}
}

void domains_retry_records(struct domains *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (!all->list[i].running && all->list[i].step == STEP_RECORDS)
			domain_event(&all->list[i], EVENT_WAKE, NULL);
}

void domains_recheck(struct domains *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (!all->list[i].running)
			domain_event(&all->list[i], EVENT_RECHECK, NULL);
}

static int renew_one(struct domain *d, bool force, struct error *err)
{
	time_t now = time(NULL);
	time_t allowed = budget_next(&d->record->budget, now);

	if (force && allowed > now) {
		error_set(err, EXIT_TRY_LATER,
			  "%s has used its %d orders of this hour; the next is possible in %ld s",
			  d->name, BUDGET_ATTEMPTS, (long)(allowed - now));
		err->retry_after = (unsigned)(allowed - now);
		return -1;
	}
	d->forced = d->forced || force;
	if (!d->running) {
		/* From the first step: a failure may have left the domain half way. */
		d->step = STEP_SETTLED;
		domain_event(d, EVENT_WAKE, NULL);
	}
	return 0;
}

int domains_renew(struct domains *all, const char *name, bool force, struct error *err)
{
	bool found = false;

	for (size_t i = 0; i < all->count; i++) {
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
