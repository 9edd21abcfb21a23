/* The work of each step of a domain's life. */
#include "supervisor/domains.h"

#include "common/log.h"
#include "supervisor/lineage.h"
#include "supervisor/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECORDS_TIMEOUT = 180, /* some providers allow a few requests a minute */
	PROBE_TIMEOUT = 30,
};

static void done(struct domain *d)
{
	domain_event(d, EVENT_DONE, NULL);
}

static void nothing(struct domain *d)
{
	domain_event(d, EVENT_NOTHING, NULL);
}

static void failed(struct domain *d, const struct error *err)
{
	domain_event(d, EVENT_FAILED, err);
}

/* ---- jobs in general */

/* Starts a program of ours for the domain; what it prints is logged at `level`, and
 * `audience` chooses what it sees of the environment. */
static int start_job(struct domain *d, const char *const *argv, const char *name, long timeout,
		     enum log_level level, unsigned audience, const char *const *extra,
		     process_done *on_done, struct error *err)
{
	const struct domains_options *o = &d->all->options;
	char **environment = settings_child_environment(o->settings, audience, extra, err);
	const struct process_spec spec = {
	    .name = name,
	    .argv = argv,
	    .envp = (const char *const *)environment,
	    .timeout = timeout,
	    .stdout_level = level,
	    .stderr_level = LOG_DEBUG, /* becomes the error, with its context */
	    .extra_fd = -1,
	    .done = on_done,
	    .arg = d,
	};

	if (environment == NULL)
		return -1;
	struct process *process = process_start(o->processes, &spec, err);
	settings_free_environment(environment);
	return process == NULL ? -1 : 0;
}

/* ---- RECORDS and CAA */

/* Exit status 1: the provider answered, but a record could not be made as wanted (somebody
 * else's stands in the way).  The certificate can still be had, so it is told and passed. */
static void on_records_done(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	lane_leave(&d->all->dns_lane);
	d->note[0] = '\0';
	if (process_check(result, "DNS records", &err) == 0) {
		done(d);
	} else if (err.code == EXIT_FAILED && !result->timed_out && result->exit_code == 1) {
		log_warn("[%s] %s", d->name, err.text);
		snprintf(d->note, sizeof(d->note), "%s", err.text);
		done(d);
	} else {
		failed(d, &err);
	}
}

static void on_caa_done(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	lane_leave(&d->all->dns_lane);
	if (process_check(result, "CAA record", &err) == 0)
		done(d);
	else
		failed(d, &err);
}

static void start_dns(struct domain *d, const char *const *argv, process_done *on_done)
{
	const struct domains_options *o = &d->all->options;
	char app_id[STATE_ID_MAX + 8];
	const char *extra[] = {app_id, NULL};
	struct error err = ERROR_INIT;

	snprintf(app_id, sizeof(app_id), "APP_ID=%s", state_app_id(o->state));
	if (o->settings->app_id != NULL)
		extra[0] = NULL;
	if (start_job(d, argv, "ingress-dns", RECORDS_TIMEOUT, LOG_INFO, FOR_DNS, extra, on_done,
		      &err) != 0) {
		lane_leave(&d->all->dns_lane);
		failed(d, &err);
	}
}

static void go_records(void *arg)
{
	struct domain *d = arg;
	const char *const argv[] = {
	    d->all->options.dns_program, "apply", "--only", "alias,txt", d->name, NULL};

	start_dns(d, argv, on_records_done);
}

static void step_records(struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	struct error err = ERROR_INIT;

	if (o->settings->app_id == NULL && state_app_id(o->state)[0] == '\0') {
		error_set(&err, EXIT_UNREACHABLE,
			  "the app's id is not known yet: the guest agent has not answered and "
			  "APP_ID is not set");
		failed(d, &err);
		return;
	}
	lane_enter(&d->all->dns_lane, &d->place, go_records, d);
}

static void go_caa(void *arg)
{
	struct domain *d = arg;
	const char *const argv[] = {
	    d->all->options.dns_program, "apply", "--only", "caa", "--account-uri",
	    d->all->account.uri,	 d->name, NULL};

	start_dns(d, argv, on_caa_done);
}

static void step_caa(struct domain *d)
{
	if (!d->all->options.settings->set_caa)
		nothing(d);
	else
		lane_enter(&d->all->dns_lane, &d->place, go_caa, d);
}

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
		failed(d, &err);
		return;
	}
	log_info("[%s] ACME account %s", d->name, d->all->account.uri);
	done(d);
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
		done(d);
	else
		failed(d, &err);
}

static void step_account(struct domain *d)
{
	struct error err = ERROR_INIT;
	int found = find_account(d->all, &err);

	if (found > 0)
		nothing(d);
	else if (found < 0)
		failed(d, &err);
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
	return bundle_check(lineage, d->name, time(NULL), &ignored) != 0;
}

static void on_swept_after_failure(const struct process_result *result, void *arg);

static int start_sweep(struct domain *d, process_done *on_done, struct error *err)
{
	const char *const argv[] = {d->all->options.dns_program, "cleanup", "--all", NULL};

	return start_job(d, argv, "ingress-dns", RECORDS_TIMEOUT, LOG_INFO, FOR_DNS, NULL, on_done,
			 err);
}

/* A certbot that was killed has not run its cleanup hook.  The lane is kept meanwhile:
 * another order's challenge must not be swept away. */
static void sweep_then_leave(struct domain *d)
{
	struct error err = ERROR_INIT;

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
		failed(d, &err);
		sweep_then_leave(d);
		return;
	}
	d->forced = false;
	lane_leave(&d->all->certbot_lane);
	done(d);
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
	log_info("[%s] ordering a certificate (lineage %s)", d->name, name);
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
	failed(d, &err);
}

static void step_issue(struct domain *d)
{
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(d->all->options.settings->letsencrypt_dir, d->name, &lineage, &err);
	bool due = rc >= 0 && is_due(d, &lineage);

	lineage_clear(&lineage);
	if (rc < 0)
		failed(d, &err);
	else if (!due)
		nothing(d);
	else
		lane_enter(&d->all->certbot_lane, &d->place, go_issue, d);
}

/* ---- CHECK and INSTALL */

static void step_check(struct domain *d)
{
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(d->all->options.settings->letsencrypt_dir, d->name, &lineage, &err);
	bool same = false;

	if (rc == 0)
		rc = error_set(&err, EXIT_FAILED, "there is no certificate for exactly %s on %s",
			       d->name, d->all->options.settings->letsencrypt_dir);
	else if (rc > 0)
		rc = bundle_check(&lineage, d->name, time(NULL), &err);
	if (rc == 0)
		same = d->bundle->present &&
		       strcmp(d->bundle->serial, lineage.certificate->serial) == 0;
	lineage_clear(&lineage);
	if (rc != 0)
		failed(d, &err);
	else if (same)
		nothing(d);
	else
		done(d);
}

static void step_install(struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	struct lineage lineage;
	struct error err = ERROR_INIT;
	int rc = lineage_find(o->settings->letsencrypt_dir, d->name, &lineage, &err);

	if (rc > 0)
		rc =
		    bundle_install(&lineage, d->name, o->certs_folder, time(NULL), d->bundle, &err);
	lineage_clear(&lineage);
	if (rc != 0) {
		failed(d, &err);
		return;
	}
	d->served = false;
	log_info("[%s] certificate %s installed", d->name, d->bundle->serial);
	done(d);
}

/* ---- PUBLISH, APPLY, PROBE */

static void on_outcome(const struct error *err, void *arg)
{
	if (err == NULL)
		done(arg);
	else
		failed(arg, err);
}

static void step_publish(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (publication_request(d->all->options.publication, on_outcome, d, &err) != 0)
		failed(d, &err);
}

static void step_apply(struct domain *d)
{
	struct error err = ERROR_INIT;

	if (haproxy_apply(d->all->options.haproxy, on_outcome, d, &err) != 0)
		failed(d, &err);
}

static void on_probed(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	lane_leave(&d->all->probe_lane);
	if (process_check(result, "the certificate is not served", &err) != 0) {
		d->served = false;
		failed(d, &err);
		return;
	}
	if (!d->served)
		log_info("[%s] serves certificate %s", d->name, d->bundle->serial);
	d->served = true;
	done(d);
}

static void go_probe(void *arg)
{
	struct domain *d = arg;
	char target[DOMAIN_MAX + CERTIFICATE_SERIAL_MAX + 4], port[8];
	const char *const argv[] = {
	    d->all->options.ctl_program, "probe", "--port", port, target, NULL};
	struct error err = ERROR_INIT;

	snprintf(port, sizeof(port), "%hu", d->all->options.settings->port);
	snprintf(target, sizeof(target), "%s=%s", d->name, d->bundle->serial);
	if (start_job(d, argv, "ingressctl", PROBE_TIMEOUT, LOG_DEBUG, FOR_EVIDENCE, NULL,
		      on_probed, &err) != 0) {
		lane_leave(&d->all->probe_lane);
		failed(d, &err);
	}
}

static void step_probe(struct domain *d)
{
	lane_enter(&d->all->probe_lane, &d->place, go_probe, d);
}

/* ---- dispatch */

static void step_settled(struct domain *d)
{
	(void)d; /* never run: the table rests there */
}

void domain_run_step(struct domain *d)
{
	static void (*const steps[STEP_COUNT])(struct domain *) = {
	    [STEP_SETTLED] = step_settled, [STEP_RECORDS] = step_records,
	    [STEP_ACCOUNT] = step_account, [STEP_CAA] = step_caa,
	    [STEP_ISSUE] = step_issue,	   [STEP_CHECK] = step_check,
	    [STEP_INSTALL] = step_install, [STEP_PUBLISH] = step_publish,
	    [STEP_APPLY] = step_apply,	   [STEP_PROBE] = step_probe,
	};

	steps[d->step](d);
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
