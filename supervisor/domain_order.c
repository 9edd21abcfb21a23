/* A domain's account and certificate, ordered by certbot: one at a time, and never more
 * often than the CA's limits bear. */
#include "supervisor/domain_work.h"

#include "common/log.h"
#include "supervisor/lineage.h"
#include "supervisor/schedule.h"

#include <stdio.h>

/* ---- ACCOUNT */

/* 1 known, 0 there is none yet, -1. */
static int find_account(struct domains *all, struct error *err)
{
	const struct settings *s = all->options.settings;
	struct acme_account found;
	int rc = acme_account_find(s->letsencrypt_dir, s->acme_server, &found, err);

	if (rc > 0) {
		acme_account_clear(&all->account);
		all->account = found; /* takes over what it owns */
	}
	return rc;
}

static void on_registered(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;
	int rc = certbot_check(d->all->options.certbot, result, &err);

	if (rc == 0 && find_account(d->all, &err) <= 0)
		rc = error_wrap(&err, "certbot registered an account that is not on the volume");
	lane_leave(&d->all->certbot_lane);
	if (rc != 0) {
		domain_failed(d, &err);
		return;
	}
	log_info("[%s] ACME account %s", d->name, d->all->account.uri);
	domain_done(d);
}

/* Several domains may have waited for the lane: the first one's account serves all. */
static void go_account(void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;
	int found = find_account(d->all, &err);

	if (found == 0 && certbot_register(d->all->options.certbot, on_registered, d, &err) == 0)
		return;
	lane_leave(&d->all->certbot_lane);
	if (found > 0)
		domain_done(d);
	else
		domain_failed(d, &err);
}

void domain_step_account(struct domain *d)
{
	struct error err = ERROR_INIT;
	int found = find_account(d->all, &err);

	if (found > 0)
		domain_nothing(d);
	else if (found < 0)
		domain_failed(d, &err);
	else
		lane_enter(&d->all->certbot_lane, &d->place, go_account, d);
}

/* ---- ISSUE */

static bool is_due(const struct domain *d, const struct lineage *lineage)
{
	const struct settings *s = d->all->options.settings;
	const struct certificate *c = lineage->certificate;
	struct error ignored = ERROR_INIT;

	if (d->forced || c == NULL)
		return true;
	if (time(NULL) >= schedule_renewal(c->not_before, c->not_after, s->renew_days_before))
		return true;
	return lineage_is_foreign(s->letsencrypt_dir, lineage, s->acme_server) ||
	       served_pair_check(lineage, d->name, time(NULL), &ignored) != 0;
}

static void on_swept_after_failure(const struct process_result *result, void *arg);

static int start_sweep(struct domain *d, process_done *on_done, struct error *err)
{
	const char *const argv[] = {d->all->options.dns_program, "cleanup", "--all", NULL};

	return domain_start_job(d, argv, "ingress-dns", DNS_JOB_TIMEOUT, LOG_INFO, FOR_DNS, NULL,
				on_done, err);
}

/* A certbot that was killed has not run its cleanup hook.  The lane is kept meanwhile:
 * another order's challenge must not be swept away. */
static void sweep_then_leave(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (d->all->stopping)
		return; /* the next start sweeps */
	if (start_sweep(d, on_swept_after_failure, &err) != 0) {
		log_warn("[%s] %s", d->name, err.text);
		lane_leave(&d->all->certbot_lane);
	}
}

static void on_swept_after_failure(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	if (process_check(result, "removing left-over challenge records", &err) != 0)
		log_warn("[%s] %s", d->name, err.text);
	lane_leave(&d->all->certbot_lane);
}

static void on_issued(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	if (certbot_check(d->all->options.certbot, result, &err) != 0) {
		domain_failed(d, &err);
		sweep_then_leave(d);
		return;
	}
	d->forced = false;
	key_origin_after_order(d->all->options.key_origin, domain_index(d));
	lane_leave(&d->all->certbot_lane);
	domain_done(d);
}

/* Notes the attempt on the volume before it is made: a crash must not lose count. */
static int spend_budget(struct domain *d, struct error *err)
{
	time_t now = time(NULL);
	time_t allowed = budget_next(&d->record->budget, now);

	if (allowed > now) {
		error_set(err, EXIT_TRY_LATER,
			  "%d orders within an hour did not work; more would run into the CA's "
			  "limit",
			  BUDGET_ATTEMPTS);
		err->retry_after = (unsigned)(allowed - now);
		return -1;
	}
	budget_spend(&d->record->budget, now);
	return state_save(d->all->options.state, err);
}

static int order(struct domain *d, const struct lineage *lineage, struct error *err)
{
	const struct domains_options *o = &d->all->options;
	domain_name name;

	if (lineage->name != NULL)
		snprintf(name, sizeof(name), "%s", lineage->name);
	else if (lineage_new_name(o->settings->letsencrypt_dir, d->name, name, err) != 0)
		return -1;
	if (spend_budget(d, err) != 0)
		return -1;
	if (lineage->name != NULL &&
	    lineage_is_foreign(o->settings->letsencrypt_dir, lineage, o->settings->acme_server))
		log_info("[%s] the certificate there is not from %s", d->name,
			 o->settings->acme_server);
	log_info("[%s] ordering a certificate (lineage %s)", d->name, name);
	key_origin_before_order(o->key_origin, domain_index(d), lineage, name);
	return certbot_issue(o->certbot, d->name, name, d->all->account.id, on_issued, d, err);
}

static void go_issue(void *arg)
{
	struct domain *d = arg;
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(d->all->options.settings->letsencrypt_dir, d->name, &lineage, &err);

	if (rc >= 0)
		rc = order(d, &lineage, &err);
	lineage_clear(&lineage);
	if (rc == 0)
		return;
	lane_leave(&d->all->certbot_lane);
	domain_failed(d, &err);
}

int domain_is_due(struct domain *d, struct error *err)
{
	struct lineage lineage;
	int rc = lineage_find(d->all->options.settings->letsencrypt_dir, d->name, &lineage, err);
	bool due = rc >= 0 && is_due(d, &lineage);

	lineage_clear(&lineage);
	return rc < 0 ? -1 : due;
}

void domain_step_issue(struct domain *d)
{
	struct error err = ERROR_INIT;
	int due = domain_is_due(d, &err);

	if (due < 0)
		domain_failed(d, &err);
	else if (due == 0)
		domain_nothing(d);
	else
		lane_enter(&d->all->certbot_lane, &d->place, go_issue, d);
}

/* ---- left-over challenges */

static void go_sweep(void *arg)
{
	struct domains *all = arg;

	if (all->count > 0)
		sweep_then_leave(&all->list[0]);
	else
		lane_leave(&all->certbot_lane);
}

void domains_sweep(struct domains *all)
{
	lane_enter(&all->certbot_lane, &all->sweep_place, go_sweep, all);
}
