#include "supervisor/steps/steps_order.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/certbot/certbot.h"
#include "supervisor/children/container_memory.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/evidence/key_origin.h"
#include "supervisor/steps/clock_check.h"
#include "supervisor/steps/order_sweep.h"
#include "supervisor/steps/steps_account.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DAY = 86400,
	FAILURES_TO_BEAR = 30, /* in a row, of what costs nothing: some four hours */
	MEBIBYTE = 1024 * 1024,
	/* What an order takes of memory, its hooks with it, and how long until it has taken it. */
	ORDER_MEMORY = 64 * MEBIBYTE,
	ORDER_GROWS_MS = 5000,
	/* One that takes longer waits for DNS, and another may begin beside it. */
	ORDER_SLOW_MS = 60 * 1000,
	SLOW_ORDERS_MOST = 12,
	LOOK_SECONDS = 10,
};

struct steps_order {
	struct steps_order_options options;
	struct lane orders;
	struct order_sweep *sweep;
	/* For each of settings->domains, when the order under way began (clock_now_ms()); 0: there
	 * is none. */
	long long *begun;
	struct event *look; /* for orders that have become slow */
	bool has_told_memory;
};

/* ---- memory */

/* How many orders that are under way began between then and then. */
static size_t orders_of_age(const struct steps_order *order, long long least, long long most)
{
	long long now = clock_now_ms();
	size_t count = 0;

	for (size_t i = 0; i < order->options.settings->domain_count; i++)
		count += order->begun[i] != 0 && now - order->begun[i] >= least &&
			 now - order->begun[i] < most;
	return count;
}

static bool has_memory(void *arg)
{
	struct steps_order *order = arg;
	long long left = container_memory_left(&container_memory_usual);
	long long needed = (long long)(orders_of_age(order, 0, ORDER_GROWS_MS) + 1) * ORDER_MEMORY;

	if (left >= needed)
		return true;
	if (!order->has_told_memory)
		log_warn(
		    "the container's memory holds orders back: %lld MiB are left, and one takes "
		    "some %d MiB; %u at a time go on (ORDERS_AT_ONCE=%ld)",
		    left / MEBIBYTE, ORDER_MEMORY / MEBIBYTE, order->orders.running,
		    order->options.settings->orders_at_once);
	order->has_told_memory = true;
	return false;
}

/* ---- slots */

/* An order whose zone lags takes its whole PROPAGATION_TIMEOUT: it keeps its memory, but no slot.
 */
static void set_slots(struct steps_order *order)
{
	size_t slow = orders_of_age(order, ORDER_SLOW_MS, LLONG_MAX);

	if (order->orders.limit == 0)
		return; /* the start has not swept yet */
	lane_set_limit(&order->orders,
		       (unsigned)order->options.settings->orders_at_once +
			   (unsigned)(slow < SLOW_ORDERS_MOST ? slow : SLOW_ORDERS_MOST));
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct steps_order *order = arg;

	(void)fd;
	(void)what;
	set_slots(order);
	if (order->orders.running > 0)
		event_add(order->look, &(struct timeval){LOOK_SECONDS, 0});
}

static void begin(struct steps_order *order, size_t domain)
{
	order->begun[domain] = clock_now_ms();
	order_sweep_begins(order->sweep, domain);
	if (!event_pending(order->look, EV_TIMEOUT, NULL))
		event_add(order->look, &(struct timeval){LOOK_SECONDS, 0});
}

static void end(struct steps_order *order, size_t domain, bool may_have_left)
{
	order->begun[domain] = 0;
	order_sweep_ends(order->sweep, domain, may_have_left);
	set_slots(order);
	lane_leave(&order->orders);
}

/* ---- the object */

struct steps_order *steps_order_new(const struct steps_order_options *options, struct error *err)
{
	struct steps_order *order = calloc(1, sizeof(*order));

	if (order != NULL)
		order->begun = calloc(options->settings->domain_count, sizeof(*order->begun));
	if (order != NULL)
		order->look = evtimer_new(options->base, on_look, order);
	if (order == NULL || order->begun == NULL || order->look == NULL) {
		error_no_memory(err);
		goto fail;
	}
	order->options = *options;
	lane_init(&order->orders, 0); /* until the start has swept */
	order->orders.has_room = has_memory;
	order->orders.has_room_arg = order;
	order->sweep = order_sweep_new(options->settings, options->jobs, err);
	if (order->sweep != NULL)
		return order;
fail:
	steps_order_free(order);
	return NULL;
}

void steps_order_free(struct steps_order *order)
{
	if (order == NULL)
		return;
	order_sweep_free(order->sweep);
	if (order->look != NULL)
		event_free(order->look);
	free(order->begun);
	free(order);
}

static void on_swept(void *arg)
{
	struct steps_order *order = arg;

	lane_set_limit(&order->orders, (unsigned)order->options.settings->orders_at_once);
}

void steps_order_sweep(struct steps_order *order)
{
	order_sweep_all(order->sweep, on_swept, order);
}

void steps_order_stop(struct steps_order *order)
{
	order_sweep_stop(order->sweep);
}

/* ---- whether an order is due */

static bool lineage_is_due(const struct steps_order *order, const struct domain *d,
			   const struct lineage *lineage)
{
	const struct settings *s = order->options.settings;
	const struct served_pair nothing = {0};
	struct error ignored = ERROR_INIT;

	if (domain_is_forced(d) || lineage == NULL)
		return true;
	if (schedule_is_due(lineage->not_before, lineage->not_after, s->renew_days_before,
			    domain_issued_at(d, lineage->serial), time(NULL)))
		return true;
	return store_is_foreign(order->options.store, lineage) ||
	       served_pair_check(lineage, domain_called(d), &nothing, time(NULL), &ignored) != 0;
}

int steps_order_is_due(const struct steps_order *order, struct domain *d, struct error *err)
{
	const struct lineage *lineage;

	if (store_find(order->options.store, domain_called(d), &lineage, err) < 0)
		return -1;
	return lineage_is_due(order, d, lineage);
}

bool steps_order_has_certificate(const struct steps_order *order, const struct domain *d)
{
	struct error ignored = ERROR_INIT;
	const struct lineage *lineage;

	return store_find(order->options.store, domain_called(d), &lineage, &ignored) > 0;
}

static bool is_half_way(const struct lineage *c, long days_before, time_t now)
{
	time_t renewal = schedule_renewal(c->not_before, c->not_after, days_before);

	return now >= renewal + (c->not_after - renewal) / 2 ||
	       schedule_is_nearly_over(c->not_before, c->not_after, now);
}

bool steps_order_is_urgent(const struct steps_order *order, const struct domain *d)
{
	const struct served_pair nothing = {0};
	const struct lineage *lineage;
	struct error ignored = ERROR_INIT;
	time_t now = time(NULL);

	if (store_find(order->options.store, domain_called(d), &lineage, &ignored) > 0 &&
	    served_pair_check(lineage, domain_called(d), &nothing, now, &ignored) == 0)
		return is_half_way(lineage, order->options.settings->renew_days_before, now);
	return domain_failures(d) >= FAILURES_TO_BEAR;
}

/* ---- ISSUE */

/* What is left of the order once certbot has gone: the account may be none any more. */
static void note_failure(struct steps_order *order, struct domain *d,
			 const struct certbot_outcome *outcome)
{
	if (!outcome->has_asked || outcome->account_is_unknown)
		domain_refund_order(d);
	if (outcome->account_is_unknown)
		steps_account_is_lost(order->options.accounts, d);
}

/* As store_commit(). */
static int take_over(struct steps_order *order, struct domain *d,
		     const struct certbot_outcome *outcome, struct error *err)
{
	const char *name = key_origin_ordered(order->options.key_origin, domain_index(d));
	int rc = -1;

	if (outcome->error == NULL) {
		rc = store_commit(order->options.store, domain_called(d), name, outcome->config_dir,
				  err);
	} else {
		*err = *outcome->error;
		note_failure(order, d, outcome);
	}
	store_give_name_back(order->options.store, name);
	return rc;
}

/* The certificate that the order brought is left alone for a while, whatever the clocks say. */
static void note_certificate(struct steps_order *order, struct domain *d)
{
	struct error ignored = ERROR_INIT;
	const struct lineage *lineage = NULL;

	if (store_find(order->options.store, domain_called(d), &lineage, &ignored) < 0)
		lineage = NULL;
	domain_was_ordered(d, lineage == NULL ? NULL : lineage->serial);
}

/* The certificate is served all the same, as long as the container runs. */
static void pass_kept(const struct steps_order *order, struct domain *d, struct error *err)
{
	struct error all = ERROR_INIT;

	error_set(&all, err->code,
		  "%s. It is served from %s, which does not outlast the container, and put onto "
		  "the volume as soon as that takes it",
		  err->text, order->options.settings->run_dir);
	domain_passed(d, &all);
}

bool steps_order_put_kept(const struct steps_order *order, struct domain *d)
{
	struct error err = ERROR_INIT;

	if (store_put_kept(order->options.store, domain_called(d), &err) == 0)
		return true;
	pass_kept(order, d, &err);
	return false;
}

static void on_issued(const struct certbot_outcome *outcome, void *arg)
{
	struct steps_order *order = domain_context(arg);
	struct error err = ERROR_INIT;
	int rc = take_over(order, arg, outcome, &err);

	clock_check_ca(order->options.clock, outcome->ca_time, time(NULL));
	if (rc >= 0) {
		note_certificate(order, arg);
		key_origin_after_order(order->options.key_origin, domain_index(arg));
	}
	end(order, domain_index(arg), outcome->may_have_left);
	if (rc == 0)
		domain_done(arg);
	else if (rc > 0)
		pass_kept(order, arg, &err);
	else
		domain_failed(arg, &err);
}

/* By a certificate that holds for longer than a day: the volume's, or one that is served although
 * the volume's is not fit for it. */
static bool is_covered(const struct steps_order *order, const struct domain *d,
		       const struct lineage *lineage)
{
	const struct served_pair nothing = {0};
	struct error ignored = ERROR_INIT;

	if (served_pair_holds(&order->options.pairs[domain_index(d)], time(NULL) + DAY))
		return true;
	return lineage != NULL && lineage->not_after > time(NULL) + DAY &&
	       served_pair_check(lineage, domain_called(d), &nothing, time(NULL), &ignored) == 0;
}

static int place_order(struct steps_order *order, struct domain *d, const struct lineage *lineage,
		       struct error *err)
{
	const struct steps_order_options *o = &order->options;
	const struct acme_account *account;
	domain_name name;

	if (steps_account_of(o->accounts, d, &account, err) != 0)
		return -1;
	if (lineage != NULL)
		snprintf(name, sizeof(name), "%s", lineage->name);
	else if (store_new_name(o->store, domain_called(d), name, err) != 0)
		return -1;
	/* Noted on the volume before it is made: a crash must not lose count. */
	if (domain_spend_order(d, is_covered(order, d, lineage), err) != 0) {
		store_give_name_back(o->store, name);
		return -1;
	}
	if (lineage != NULL && store_is_foreign(o->store, lineage))
		log_info("[%s] the certificate there is not from %s", domain_called(d),
			 o->settings->acme_server);
	log_info("[%s] ordering a certificate (lineage %s)", domain_called(d), name);
	key_origin_before_order(o->key_origin, domain_index(d), lineage, name);
	bool is_urgent = lineage != NULL && schedule_is_nearly_over(lineage->not_before,
								    lineage->not_after, time(NULL));
	if (certbot_issue(o->certbot, domain_called(d), name, account->id, is_urgent, on_issued, d,
			  err) != 0) {
		store_give_name_back(o->store, name);
		domain_refund_order(d);
		return -1;
	}
	begin(order, domain_index(d));
	return 0;
}

static void go_issue(void *arg)
{
	struct steps_order *order = domain_context(arg);
	const struct lineage *lineage;
	struct error err = ERROR_INIT;
	int rc = store_find(order->options.store, domain_called(arg), &lineage, &err);

	if (rc >= 0)
		rc = place_order(order, arg, lineage, &err);
	if (rc == 0)
		return;
	lane_leave(&order->orders);
	domain_failed(arg, &err);
}

void steps_order_issue(struct domain *d, void *context)
{
	struct steps_order *order = context;
	struct error err = ERROR_INIT;
	int due = steps_order_is_due(order, d, &err);

	if (due < 0)
		domain_failed(d, &err);
	else if (due == 0)
		domain_nothing(d);
	else
		domain_enter(d, &order->orders, go_issue);
}
