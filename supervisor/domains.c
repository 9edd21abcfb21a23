#include "supervisor/domains.h"

#include "common/log.h"
#include "supervisor/domain_log.h"
#include "supervisor/order_budget.h"
#include "supervisor/schedule.h"
#include "supervisor/state_saver.h"
#include "supervisor/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/* The next regular check, or the renewal if that is sooner. */
static long rest_seconds(const struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	long interval = schedule_jitter(o->check_interval, random_bits());
	time_t renewal = o->renew_at(domain_index(d), o->arg);
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

/* ---- from step to step */

static bool is_costly(enum step step)
{
	return step == STEP_ISSUE || step == STEP_ACCOUNT;
}

static void handle(struct domain *d, enum lifecycle_event event, const struct error *err);

static void set_text(char **at, const char *text)
{
	free(*at);
	*at = text == NULL ? NULL : strdup(text);
}

static void begin(void *arg)
{
	struct domain *d = arg;
	const struct step_work *work = &d->all->options.steps[d->step];

	if (d->step == STEP_RECORDS)
		d->passed = 0;
	else if (d->step == STEP_PREFLIGHT && d->passed == 0)
		set_text(&d->note, NULL);
	else if (d->step == STEP_CHECK)
		d->recheck = false;
	work->begin(d, work->context);
}

static void pause_after(struct domain *d, enum step failed, const struct error *err)
{
	static const struct error unknown = {EXIT_FAILED, 0, "unknown reason"};
	struct domain_record *r = d->record;
	long delay =
	    schedule_jitter(schedule_backoff(++r->attempt, is_costly(d->step)), random_bits());

	if (err == NULL)
		err = &unknown;
	if (delay < (long)err->retry_after)
		delay = (long)err->retry_after;
	domain_log_failed(&d->log, failed, r->attempt, delay, err->text);
	r->step = d->step;
	r->not_before = time(NULL) + delay;
	snprintf(r->error, sizeof(r->error), "%s", err->text);
	state_saver_changed(d->all->saver);
	wake_in(d, delay);
}

/* Told once, however often it is looked whether the operator has done it. */
static void wait_for_operator(struct domain *d, const struct error *why)
{
	struct domain_record *r = d->record;
	bool is_news = r->attempt == 0 || strcmp(r->error, why->text) != 0;

	if (is_news)
		log_warn("[%s] %s: %s", d->name, lifecycle_step_name(d->step), why->text);
	r->step = d->step;
	r->attempt = 1;
	r->not_before = time(NULL) + d->wait_seconds;
	snprintf(r->error, sizeof(r->error), "%s", why->text);
	if (is_news)
		state_saver_changed(d->all->saver);
	wake_in(d, d->wait_seconds);
}

static void rest(struct domain *d)
{
	bool had_failed = d->record->attempt > 0;

	domain_log_rests(&d->log, d->record->attempt);
	d->record->attempt = 0;
	d->record->error[0] = '\0';
	if (had_failed)
		state_saver_changed(d->all->saver);
	wake_in(d, d->forced || d->again ? 0 : retry_seconds(d));
	d->again = false;
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
	wake_in(d, d->waiting_until - time(NULL));
}

static void recheck(struct domain *d)
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
	handle(d, EVENT_RECHECK, NULL);
}

/* No work is under way any more. */
static void wait_after(struct domain *d, enum step step, enum verb verb, const struct error *err)
{
	if (ends_in_its_wait(d, step, verb)) {
		resume_wait(d);
	} else {
		d->again = d->again || (d->is_rechecking && d->waiting_step != STEP_SETTLED);
		d->is_rechecking = false;
		if (verb == VERB_PAUSE && d->wait_seconds > 0)
			wait_for_operator(d, err);
		else if (verb == VERB_PAUSE)
			pause_after(d, step, err);
		else
			rest(d);
	}
	if (d->recheck)
		recheck(d);
}

static void handle(struct domain *d, enum lifecycle_event event, const struct error *err)
{
	enum step step = d->step;
	struct transition t = lifecycle_next(step, event);

	if (t.verb == VERB_IGNORE || d->all->stopping)
		return;
	if (event != EVENT_FAILED)
		d->wait_seconds = 0;
	if (event == EVENT_DONE || event == EVENT_NOTHING)
		domain_log_done(&d->log, step);
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

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	handle(arg, EVENT_WAKE, NULL);
}

/* ---- what the work of a step says */

static void end_step(struct domain *d, enum lifecycle_event event, const struct error *err)
{
	if (d->running)
		handle(d, event, err);
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
	domain_log_passed(&d->log, d->step, err->text);
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

void domain_waits(struct domain *d, long seconds, const struct error *why)
{
	d->wait_seconds = seconds;
	end_step(d, EVENT_FAILED, why);
}

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
	return (size_t)(d - d->all->list);
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

/* ---- the collection */

static int domain_init(struct domain *d, struct domains *all, size_t index, struct error *err)
{
	d->all = all;
	d->name = all->options.names[index];
	d->log.domain = d->name;
	d->step = STEP_SETTLED;
	d->is_new = true;
	d->record = state_domain(all->options.state, d->name);
	d->timer = evtimer_new(all->options.base, on_timer, d);
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
	all->turns = turns_new(options->base, begin);
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
	turns_stop(all->turns);
}

/* A wait that an earlier run began is kept where trying again costs something. */
static void start_one(struct domain *d, time_t now)
{
	bool counts = !d->asked && d->record->attempt > 0 && is_costly(d->record->step);
	long left = counts ? schedule_left(d->record->not_before, now) : 0;

	d->is_new = left == 0;
	if (left > 0)
		d->step = d->record->step;
	else
		d->record->attempt = 0;
	wake_in(d, left);
	if (left > 0 && d->recheck)
		recheck(d);
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
			handle(d, EVENT_WAKE, NULL);
	}
}

void domains_recheck(struct domains *all)
{
	for (size_t i = 0; i < all->options.count; i++)
		recheck(&all->list[i]);
}

static int renew_one(struct domain *d, bool force, struct error *err)
{
	struct order_budget_options options = budget_of(d->all);
	bool is_covered = d->all->options.renew_at(domain_index(d), d->all->options.arg) != 0;

	if (force && order_budget_check(&options, d->record, is_covered, time(NULL), err) != 0)
		return -1;
	d->forced = d->forced || force;
	d->asked = true;
	d->again = d->again || d->is_rechecking;
	if (d->all->started && !d->running) {
		/* From the first step: a failure may have left the domain half way. */
		d->step = STEP_SETTLED;
		handle(d, EVENT_WAKE, NULL);
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
	    .failures = d->record->attempt,
	    .error = d->record->error,
	    .note = note == NULL ? "" : note,
	    .next_at = d->running ? 0 : d->next_at,
	    .orders = orders_lately(&d->record->budget),
	};
}
