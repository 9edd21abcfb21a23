#include "supervisor/steps_dns.h"

#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/dns_batch.h"
#include "supervisor/dns_result.h"
#include "supervisor/domains.h"
#include "supervisor/jobs.h"
#include "supervisor/served_pair.h"
#include "supervisor/steps_account.h"
#include "supervisor/steps_order.h"

#include <stdio.h>
#include <stdlib.h>

enum { PREFLIGHT_TIMEOUT = 180 }; /* some providers allow a few requests a minute */

struct steps_dns {
	struct steps_dns_options options;
	struct lane lane;
	bool *has_records; /* of each domain: written, or found, since the start */
	int *results;	   /* of each domain's preflight, while it runs; else -1 */
	struct dns_batch *records, *caa;
};

static dns_batch_done on_records_done, on_caa_done;

static struct dns_batch *make_batch(struct steps_dns *dns, const char *kinds, const char *what,
				    dns_batch_done *done, struct error *err)
{
	const struct steps_dns_options *o = &dns->options;
	const struct dns_batch_options options = {
	    .settings = o->settings,
	    .jobs = o->jobs,
	    .state = o->state,
	    .accounts = o->accounts,
	    .lane = &dns->lane,
	    .kinds = kinds,
	    .what = what,
	    .done = done,
	};

	return dns_batch_new(&options, err);
}

static int *make_results(size_t count)
{
	int *results = calloc(count, sizeof(*results));

	for (size_t i = 0; results != NULL && i < count; i++)
		results[i] = -1;
	return results;
}

struct steps_dns *steps_dns_new(const struct steps_dns_options *options, struct error *err)
{
	struct steps_dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL) {
		dns->options = *options;
		dns->has_records =
		    calloc(options->settings->domain_count, sizeof(*dns->has_records));
		dns->results = make_results(options->settings->domain_count);
	}
	if (dns == NULL || dns->has_records == NULL || dns->results == NULL) {
		steps_dns_free(dns);
		error_no_memory(err);
		return NULL;
	}
	lane_init(&dns->lane, DNS_BATCH_RUNS);
	dns->records = make_batch(dns, "alias,txt", "DNS records", on_records_done, err);
	if (dns->records != NULL)
		dns->caa = make_batch(dns, "caa", "CAA record", on_caa_done, err);
	if (dns->caa != NULL)
		return dns;
	steps_dns_free(dns);
	return NULL;
}

void steps_dns_free(struct steps_dns *dns)
{
	if (dns == NULL)
		return;
	for (size_t i = 0; dns->results != NULL && i < dns->options.settings->domain_count; i++)
		file_close(&dns->results[i]);
	free(dns->results);
	free(dns->has_records);
	dns_batch_free(dns->records);
	dns_batch_free(dns->caa);
	free(dns);
}

/* ---- RECORDS and CAA */

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

static void on_caa_done(struct domain *d, bool was_there, const struct error *err)
{
	(void)was_there;
	if (err == NULL)
		domain_done(d);
	else if (err->code == EXIT_OK) /* done, with something to tell */
		domain_passed(d, err);
	else
		fail_records(d, err);
}

/* Alias and TXT, with the app's id in it: where they were there before we wrote any, the app is
 * known. */
static void on_records_done(struct domain *d, bool was_there, const struct error *err)
{
	struct steps_dns *dns = domain_context(d);
	bool *has_records = &dns->has_records[domain_index(d)];

	if (!*has_records && was_there)
		steps_account_app_is_known(dns->options.accounts);
	*has_records = true;
	on_caa_done(d, was_there, err);
}

void steps_dns_records(struct domain *d, void *context)
{
	struct steps_dns *dns = context;
	const struct steps_dns_options *o = &dns->options;
	struct error err = ERROR_INIT;

	if (o->settings->app_id != NULL || state_app_id(o->state)[0] != '\0') {
		dns_batch_ask(dns->records, d);
		return;
	}
	error_set(&err, EXIT_UNREACHABLE,
		  "the app's id is not known yet: the guest agent has not answered and "
		  "APP_ID is not set");
	fail_records(d, &err);
}

void steps_dns_caa(struct domain *d, void *context)
{
	struct steps_dns *dns = context;

	if (!dns->options.settings->set_caa)
		domain_nothing(d);
	else
		dns_batch_ask(dns->caa, d);
}

/* ---- PREFLIGHT */

/* What it tells although an order can be made. */
static void take_caution(const struct dns_result *result, void *arg)
{
	if (result->is_done && result->told.text[0] != '\0')
		domain_set_caution(arg, result->told.text);
}

static void on_preflight_done(const struct process_result *result, void *arg)
{
	struct steps_dns *dns = domain_context(arg);
	int *results = &dns->results[domain_index(arg)];
	struct error err = ERROR_INIT;

	lane_leave(&dns->lane);
	domain_set_caution(arg, NULL);
	dns_results_read(*results, "before the latest order", take_caution, arg);
	file_close(results);
	if (process_check(result, "preflight", &err) == 0) {
		domain_done(arg);
	} else if (steps_order_is_urgent(dns->options.order, arg)) {
		log_warn("[%s] an order is tried although it may fail, since time runs out: %s",
			 domain_called(arg), err.text);
		domain_set_caution(arg, err.text);
		domain_done(arg);
	} else {
		domain_failed(arg, &err);
	}
}

static int start_preflight(struct steps_dns *dns, struct domain *d, struct error *err)
{
	const struct steps_dns_options *o = &dns->options;
	int *results = &dns->results[domain_index(d)];
	const char *const words[] = {"preflight",
				     "--account-uri",
				     steps_account_uri(o->accounts),
				     "--results-fd",
				     "3",
				     domain_called(d),
				     NULL};
	char app_id[STATE_ID_MAX + 8];
	const char *const extra[] = {o->settings->app_id == NULL ? app_id : NULL, NULL};
	struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .extra = extra,
	    .timeout = PREFLIGHT_TIMEOUT,
	    .output_level = LOG_INFO,
	    .done = on_preflight_done,
	    .arg = d,
	};

	snprintf(app_id, sizeof(app_id), "APP_ID=%s", state_app_id(o->state));
	*results = dns_results_open(err);
	if (*results < 0)
		return -1;
	job.third_fd = *results;
	if (jobs_start(o->jobs, &job, err) != NULL)
		return 0;
	file_close(results);
	return -1;
}

static void go_preflight(void *arg)
{
	struct steps_dns *dns = domain_context(arg);
	struct error err = ERROR_INIT;

	if (start_preflight(dns, arg, &err) == 0)
		return;
	lane_leave(&dns->lane);
	domain_failed(arg, &err);
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
