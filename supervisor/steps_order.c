#include "supervisor/steps_order.h"

#include "common/log.h"
#include "common/settings.h"
#include "supervisor/acme_account.h"
#include "supervisor/certbot.h"
#include "supervisor/domains.h"
#include "supervisor/jobs.h"
#include "supervisor/key_origin.h"
#include "supervisor/lineage.h"
#include "supervisor/schedule.h"
#include "supervisor/served_pair.h"

#include <stdio.h>
#include <stdlib.h>

enum { CERTBOT_JOBS = 1, SWEEP_TIMEOUT = 180, DAY = 86400 };

struct steps_order {
	struct steps_order_options options;
	struct lane lane;
	struct lane_place sweep_place;
	struct acme_account account; /* once known */
	bool stopping;
};

struct steps_order *steps_order_new(const struct steps_order_options *options, struct error *err)
{
	struct steps_order *order = calloc(1, sizeof(*order));

	if (order == NULL) {
		error_no_memory(err);
		return NULL;
	}
	order->options = *options;
	lane_init(&order->lane, CERTBOT_JOBS);
	return order;
}

void steps_order_free(struct steps_order *order)
{
	if (order == NULL)
		return;
	acme_account_clear(&order->account);
	free(order);
}

/* ---- ACCOUNT */

const char *steps_order_account_uri(const struct steps_order *order)
{
	return order->account.uri == NULL ? "" : order->account.uri;
}

/* 1 known, 0 there is none yet, -1. */
static int find_account(struct steps_order *order, struct error *err)
{
	const struct settings *s = order->options.settings;
	struct acme_account found;
	int rc = acme_account_find(s->letsencrypt_dir, s->acme_server, &found, err);

	if (rc > 0) {
		acme_account_clear(&order->account);
		order->account = found; /* takes over what it owns */
	}
	return rc;
}

static void on_registered(const struct process_result *result, void *arg)
{
	struct steps_order *order = domain_context(arg);
	struct error err = ERROR_INIT;
	int rc = certbot_check(order->options.certbot, result, &err);

	if (rc == 0 && find_account(order, &err) <= 0)
		rc = error_wrap(&err, "certbot registered an account that is not on the volume");
	lane_leave(&order->lane);
	if (rc != 0) {
		domain_failed(arg, &err);
		return;
	}
	log_info("[%s] ACME account %s", domain_called(arg), order->account.uri);
	domain_done(arg);
}

/* Several domains may have waited for the lane: the first one's account serves all. */
static void go_account(void *arg)
{
	struct steps_order *order = domain_context(arg);
	struct error err = ERROR_INIT;
	int found = find_account(order, &err);

	if (found == 0 && certbot_register(order->options.certbot, on_registered, arg, &err) == 0)
		return;
	lane_leave(&order->lane);
	if (found > 0)
		domain_done(arg);
	else
		domain_failed(arg, &err);
}

void steps_order_account(struct domain *d, void *context)
{
	struct steps_order *order = context;
	struct error err = ERROR_INIT;
	int found = find_account(order, &err);

	if (found > 0)
		domain_nothing(d);
	else if (found < 0)
		domain_failed(d, &err);
	else
		domain_enter(d, &order->lane, go_account);
}

/* ---- whether an order is due */

static bool lineage_is_due(const struct steps_order *order, const struct domain *d,
			   const struct lineage *lineage)
{
	const struct settings *s = order->options.settings;
	const struct certificate *c = lineage->certificate;
	const struct served_pair nothing = {0};
	struct error ignored = ERROR_INIT;

	if (domain_is_forced(d) || c == NULL)
		return true;
	if (schedule_is_due(c->not_before, c->not_after, s->renew_days_before, domain_issued_at(d),
			    time(NULL)))
		return true;
	return lineage_is_foreign(s->letsencrypt_dir, lineage, s->acme_server) ||
	       served_pair_check(lineage, domain_called(d), &nothing, time(NULL), &ignored) != 0;
}

int steps_order_is_due(const struct steps_order *order, struct domain *d, struct error *err)
{
	const char *volume = order->options.settings->letsencrypt_dir;
	struct lineage lineage;
	int rc = lineage_find(volume, domain_called(d), &lineage, err);
	bool due = rc >= 0 && lineage_is_due(order, d, &lineage);

	lineage_clear(&lineage);
	return rc < 0 ? -1 : due;
}

/* ---- left-over challenges */

static void on_swept(const struct process_result *result, void *arg)
{
	struct steps_order *order = arg;
	struct error err = ERROR_INIT;

	if (process_check(result, "removing left-over challenge records", &err) != 0)
		log_warn("%s", err.text);
	lane_leave(&order->lane);
}

/* A certbot that was killed has not run its cleanup hook.  The lane is kept meanwhile:
 * another order's challenge must not be swept away. */
static void sweep_then_leave(void *arg)
{
	static const char *const words[] = {"cleanup", "--all", NULL};
	struct steps_order *order = arg;
	const struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .timeout = SWEEP_TIMEOUT,
	    .output_level = LOG_INFO,
	    .done = on_swept,
	    .arg = order,
	};
	struct error err = ERROR_INIT;

	if (order->stopping)
		return; /* the next start sweeps */
	if (jobs_start(order->options.jobs, &job, &err) == NULL) {
		log_warn("%s", err.text);
		lane_leave(&order->lane);
	}
}

void steps_order_sweep(struct steps_order *order)
{
	lane_enter(&order->lane, &order->sweep_place, sweep_then_leave, order);
}

void steps_order_stop(struct steps_order *order)
{
	order->stopping = true;
}

/* ---- ISSUE */

static void on_issued(const struct process_result *result, void *arg)
{
	struct steps_order *order = domain_context(arg);
	struct error err = ERROR_INIT;

	if (certbot_check(order->options.certbot, result, &err) != 0) {
		domain_failed(arg, &err);
		sweep_then_leave(order);
		return;
	}
	domain_was_ordered(arg);
	key_origin_after_order(order->options.key_origin, domain_index(arg));
	lane_leave(&order->lane);
	domain_done(arg);
}

/* By a certificate that holds for longer than a day. */
static bool is_covered(const struct lineage *lineage)
{
	return lineage->certificate != NULL && lineage->has_its_key &&
	       lineage->certificate->not_after > time(NULL) + DAY;
}

static int place_order(struct steps_order *order, struct domain *d, const struct lineage *lineage,
		       struct error *err)
{
	const struct steps_order_options *o = &order->options;
	const struct settings *s = o->settings;
	domain_name name;

	if (lineage->name != NULL)
		snprintf(name, sizeof(name), "%s", lineage->name);
	else if (lineage_new_name(s->letsencrypt_dir, domain_called(d), name, err) != 0)
		return -1;
	/* Noted on the volume before it is made: a crash must not lose count. */
	if (domain_spend_order(d, is_covered(lineage), err) != 0)
		return -1;
	if (lineage->name != NULL &&
	    lineage_is_foreign(s->letsencrypt_dir, lineage, s->acme_server))
		log_info("[%s] the certificate there is not from %s", domain_called(d),
			 s->acme_server);
	log_info("[%s] ordering a certificate (lineage %s)", domain_called(d), name);
	key_origin_before_order(o->key_origin, domain_index(d), lineage, name);
	return certbot_issue(o->certbot, domain_called(d), name, order->account.id, on_issued, d,
			     err);
}

static void go_issue(void *arg)
{
	struct steps_order *order = domain_context(arg);
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(order->options.settings->letsencrypt_dir, domain_called(arg),
			      &lineage, &err);

	if (rc >= 0)
		rc = place_order(order, arg, &lineage, &err);
	lineage_clear(&lineage);
	if (rc == 0)
		return;
	lane_leave(&order->lane);
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
		domain_enter(d, &order->lane, go_issue);
}
