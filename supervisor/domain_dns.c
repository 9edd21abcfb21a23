/* What ingress-dns does for a domain: its records (alias and TXT, then, once the account is
 * known, CAA), and a look at whether an order can succeed. */
#include "supervisor/domain_work.h"

#include "common/log.h"

#include <stdio.h>

/* Exit status 1: the provider answered, but a record could not be made as wanted (somebody
 * else's stands in the way, or it has no such zone).  A domain that is served must not lose
 * its certificate over that, so it is told and passed; one that has none yet waits, since
 * an order would fail for the same reason. */
static void on_records_done(const struct process_result *result, void *arg)
{
	struct domain *d = arg;
	struct error err = ERROR_INIT;

	lane_leave(&d->all->dns_lane);
	d->note[0] = '\0';
	if (process_check(result, "DNS records", &err) == 0) {
		domain_done(d);
	} else if (d->pair->present && result->exit_code == EXIT_FAILED) {
		log_warn("[%s] %s", d->name, err.text);
		snprintf(d->note, sizeof(d->note), "%s", err.text);
		domain_done(d);
	} else {
		domain_failed(d, &err);
	}
}

static void finish(struct domain *d, const struct process_result *result, const char *what)
{
	struct error err = ERROR_INIT;

	lane_leave(&d->all->dns_lane);
	if (process_check(result, what, &err) == 0)
		domain_done(d);
	else
		domain_failed(d, &err);
}

static void on_caa_done(const struct process_result *result, void *arg)
{
	finish(arg, result, "CAA record");
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
	if (domain_start_job(d, argv, "ingress-dns", DNS_JOB_TIMEOUT, LOG_INFO, FOR_DNS, extra,
			     on_done, &err) != 0) {
		lane_leave(&d->all->dns_lane);
		domain_failed(d, &err);
	}
}

static void go_records(void *arg)
{
	struct domain *d = arg;
	const char *const argv[] = {
	    d->all->options.dns_program, "apply", "--only", "alias,txt", d->name, NULL};

	start_dns(d, argv, on_records_done);
}

void domain_step_records(struct domain *d)
{
	const struct domains_options *o = &d->all->options;
	struct error err = ERROR_INIT;

	if (o->settings->app_id == NULL && state_app_id(o->state)[0] == '\0') {
		error_set(&err, EXIT_UNREACHABLE,
			  "the app's id is not known yet: the guest agent has not answered and "
			  "APP_ID is not set");
		domain_failed(d, &err);
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

void domain_step_caa(struct domain *d)
{
	if (!d->all->options.settings->set_caa)
		domain_nothing(d);
	else
		lane_enter(&d->all->dns_lane, &d->place, go_caa, d);
}

/* ---- PREFLIGHT */

static void on_preflight_done(const struct process_result *result, void *arg)
{
	finish(arg, result, "preflight");
}

static void go_preflight(void *arg)
{
	struct domain *d = arg;
	const char *const argv[] = {d->all->options.dns_program, "preflight", "--account-uri",
				    d->all->account.uri,	 d->name,     NULL};

	start_dns(d, argv, on_preflight_done);
}

void domain_step_preflight(struct domain *d)
{
	struct error err = ERROR_INIT;
	int due = domain_is_due(d, &err);

	if (due < 0)
		domain_failed(d, &err);
	else if (due == 0)
		domain_nothing(d);
	else
		lane_enter(&d->all->dns_lane, &d->place, go_preflight, d);
}
