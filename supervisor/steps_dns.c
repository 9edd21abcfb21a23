#include "supervisor/steps_dns.h"

#include "common/log.h"
#include "common/settings.h"
#include "supervisor/domains.h"
#include "supervisor/jobs.h"
#include "supervisor/served_pair.h"
#include "supervisor/steps_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_JOBS = 4, DNS_JOB_TIMEOUT = 180 }; /* some providers allow a few requests a minute */

struct steps_dns {
	struct steps_dns_options options;
	struct lane lane;
	bool *has_records; /* of each domain: written, or found, since the start */
};

struct steps_dns *steps_dns_new(const struct steps_dns_options *options, struct error *err)
{
	struct steps_dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL)
		dns->has_records =
		    calloc(options->settings->domain_count, sizeof(*dns->has_records));
	if (dns == NULL || dns->has_records == NULL) {
		steps_dns_free(dns);
		error_no_memory(err);
		return NULL;
	}
	dns->options = *options;
	lane_init(&dns->lane, DNS_JOBS);
	return dns;
}

void steps_dns_free(struct steps_dns *dns)
{
	if (dns == NULL)
		return;
	free(dns->has_records);
	free(dns);
}

/* ---- a run of ingress-dns */

static void start(struct domain *d, const char *const *words, process_done *on_done)
{
	struct steps_dns *dns = domain_context(d);
	const struct steps_dns_options *o = &dns->options;
	char app_id[STATE_ID_MAX + 8];
	const char *const extra[] = {o->settings->app_id == NULL ? app_id : NULL, NULL};
	const struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .extra = extra,
	    .timeout = DNS_JOB_TIMEOUT,
	    .output_level = LOG_INFO,
	    .done = on_done,
	    .arg = d,
	};
	struct error err = ERROR_INIT;

	snprintf(app_id, sizeof(app_id), "APP_ID=%s", state_app_id(o->state));
	if (jobs_start(o->jobs, &job, &err) == NULL) {
		lane_leave(&dns->lane);
		domain_failed(d, &err);
	}
}

/*
 * A domain that has had a certificate must not go without one because a record of its is not as it
 * should be, whatever the reason: whether the challenge can be answered is for the preflight to
 * say. One that has had none waits: nobody would get there.
 */
static void fail_records(struct domain *d, const struct error *err)
{
	const struct steps_dns_options *o = &((struct steps_dns *)domain_context(d))->options;

	if (o->pairs[domain_index(d)].present || steps_order_has_certificate(o->order, d))
		domain_passed(d, err);
	else
		domain_failed(d, err);
}

static void finish_records(struct domain *d, const struct process_result *result, const char *what)
{
	struct steps_dns *dns = domain_context(d);
	struct error err = ERROR_INIT;

	lane_leave(&dns->lane);
	if (process_check(result, what, &err) == 0)
		domain_done(d);
	else
		fail_records(d, &err);
}

/* ---- RECORDS */

/* Alias and TXT, with the app's id in it, were there before we wrote any. */
static bool were_there(const struct process_result *result)
{
	return result->exit_code == EXIT_OK && strstr(result->tail, "No changes.") != NULL;
}

static void on_records_done(const struct process_result *result, void *arg)
{
	struct steps_dns *dns = domain_context(arg);
	bool *has_records = &dns->has_records[domain_index(arg)];

	if (!*has_records && were_there(result))
		steps_order_app_is_known(dns->options.order);
	*has_records = true;
	finish_records(arg, result, "DNS records");
}

static void go_records(void *arg)
{
	const char *const words[] = {"apply", "--only", "alias,txt", domain_called(arg), NULL};

	start(arg, words, on_records_done);
}

void steps_dns_records(struct domain *d, void *context)
{
	struct steps_dns *dns = context;
	const struct steps_dns_options *o = &dns->options;
	struct error err = ERROR_INIT;

	if (o->settings->app_id != NULL || state_app_id(o->state)[0] != '\0') {
		domain_enter(d, &dns->lane, go_records);
		return;
	}
	error_set(&err, EXIT_UNREACHABLE,
		  "the app's id is not known yet: the guest agent has not answered and "
		  "APP_ID is not set");
	fail_records(d, &err);
}

/* ---- CAA */

static void on_caa_done(const struct process_result *result, void *arg)
{
	finish_records(arg, result, "CAA record");
}

static void go_caa(void *arg)
{
	const struct steps_dns *dns = domain_context(arg);
	const char *const words[] = {"apply",
				     "--only",
				     "caa",
				     "--account-uri",
				     steps_order_account_uri(dns->options.order),
				     domain_called(arg),
				     NULL};

	start(arg, words, on_caa_done);
}

void steps_dns_caa(struct domain *d, void *context)
{
	struct steps_dns *dns = context;

	if (!dns->options.settings->set_caa)
		domain_nothing(d);
	else
		domain_enter(d, &dns->lane, go_caa);
}

/* ---- PREFLIGHT */

static void on_preflight_done(const struct process_result *result, void *arg)
{
	struct steps_dns *dns = domain_context(arg);
	struct error err = ERROR_INIT;

	lane_leave(&dns->lane);
	if (process_check(result, "preflight", &err) == 0) {
		domain_done(arg);
	} else if (steps_order_is_urgent(dns->options.order, arg)) {
		log_warn("[%s] an order is tried although it may fail, since time runs out: %s",
			 domain_called(arg), err.text);
		domain_done(arg);
	} else {
		domain_failed(arg, &err);
	}
}

static void go_preflight(void *arg)
{
	const struct steps_dns *dns = domain_context(arg);
	const char *const words[] = {"preflight", "--account-uri",
				     steps_order_account_uri(dns->options.order),
				     domain_called(arg), NULL};

	start(arg, words, on_preflight_done);
}

void steps_dns_preflight(struct domain *d, void *context)
{
	struct steps_dns *dns = context;
	struct error err = ERROR_INIT;
	int due = steps_order_is_due(dns->options.order, d, &err);

	if (due < 0)
		domain_failed(d, &err);
	else if (due > 0)
		domain_enter(d, &dns->lane, go_preflight);
	else if (steps_order_put_kept(dns->options.order, d))
		domain_nothing(d);
}
