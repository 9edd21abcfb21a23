#include "supervisor/steps/steps_dns.h"

#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/state.h"
#include "supervisor/steps/dns_batch.h"
#include "supervisor/steps/dns_result.h"
#include "supervisor/steps/operator_setup.h"
#include "supervisor/steps/steps_account.h"
#include "supervisor/steps/steps_order.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PREFLIGHT_TIMEOUT = 180, /* some providers allow a few requests a minute */
	LOOKS = 20,
};

/* What is known of a domain since the start. */
struct progress {
	bool has_records; /* written, or found */
	/* Records of the first step are missing, and the operator is told of them with those of
	 * CAA. */
	bool is_told_later;
	bool is_at_caa;
	/* So often DNS alone is asked for what the operator has to make, before the provider is
	 * asked again; 0: nothing is waited for. */
	unsigned looks;
};

struct steps_dns {
	struct steps_dns_options options;
	struct lane lane;
	struct progress *progress; /* of each domain */
	int *results;		   /* of each domain's preflight, while it runs; else -1 */
	struct dns_batch *records, *caa, *all, *looks;
	struct operator_setup *setup;
};

static dns_batch_done on_records_done, on_caa_done, on_all_done, on_look_done;

static struct progress *progress_of(const struct domain *d)
{
	return &((struct steps_dns *)domain_context(d))->progress[domain_index(d)];
}

static const cJSON *records_of(size_t domain, void *arg)
{
	return operator_setup_records(arg, domain);
}

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
	    .records_of = records_of,
	    .arg = dns->setup,
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

static int make_batches(struct steps_dns *dns, struct error *err)
{
	const struct steps_dns_options *o = &dns->options;
	const struct operator_setup_options setup = {o->settings, o->jobs, o->state};

	dns->setup = operator_setup_new(&setup, err);
	if (dns->setup == NULL)
		return -1;
	dns->records = make_batch(dns, "alias,txt", "DNS records", on_records_done, err);
	if (dns->records != NULL)
		dns->caa = make_batch(dns, "caa", "CAA record", on_caa_done, err);
	if (dns->caa != NULL)
		dns->all = make_batch(dns, "alias,txt,caa", "DNS records", on_all_done, err);
	if (dns->all != NULL)
		dns->looks = make_batch(dns, NULL, "DNS records", on_look_done, err);
	return dns->looks == NULL ? -1 : 0;
}

struct steps_dns *steps_dns_new(const struct steps_dns_options *options, struct error *err)
{
	struct steps_dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL) {
		dns->options = *options;
		dns->progress = calloc(options->settings->domain_count, sizeof(*dns->progress));
		dns->results = make_results(options->settings->domain_count);
	}
	if (dns == NULL || dns->progress == NULL || dns->results == NULL) {
		steps_dns_free(dns);
		error_no_memory(err);
		return NULL;
	}
	lane_init(&dns->lane, DNS_BATCH_RUNS);
	if (make_batches(dns, err) == 0)
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
	free(dns->progress);
	dns_batch_free(dns->records);
	dns_batch_free(dns->caa);
	dns_batch_free(dns->all);
	dns_batch_free(dns->looks);
	operator_setup_free(dns->setup);
	free(dns);
}

/* ---- RECORDS and CAA */

/*
 * A domain that has had a certificate must not go without one because a record of its is not as it
 * should be, whatever the reason: whether the challenge can be answered is for the preflight to
 * say. One that has had none waits: nobody would get there.
 */
static bool has_certificate(const struct domain *d)
{
	const struct steps_dns_options *o = &((struct steps_dns *)domain_context(d))->options;

	return o->pairs[domain_index(d)].present || steps_order_has_certificate(o->order, d);
}

static void fail_records(struct domain *d, const struct error *err)
{
	if (has_certificate(d))
		domain_passed(d, err);
	else
		domain_failed(d, err);
}

/* Credentials that may not write where the operator has to have that code as well. */
static bool is_another_failure(const struct error *err)
{
	return (err->code != EXIT_TRY_LATER && err->code != EXIT_BAD_CONFIG) ||
	       err->retry_after > 0;
}

/* Tells the operator, and waits for him.  What failed for another reason as well waits as that
 * does, and who is served already does not wait. */
static void wait_for_operator(struct domain *d, const struct dns_outcome *outcome)
{
	struct steps_dns *dns = domain_context(d);
	struct progress *progress = progress_of(d);
	long seconds = operator_setup_missing(dns->setup, d, outcome->missing);
	unsigned looks = progress->looks;
	struct error why = ERROR_INIT;

	progress->looks = 0;
	if (outcome->err == NULL || outcome->err->code == EXIT_OK) { /* he is told, no more */
		domain_done(d);
		return;
	}
	error_set(&why, outcome->err->code, "waiting for the operator: %s", outcome->err->text);
	if (has_certificate(d)) {
		domain_passed(d, &why);
	} else if (is_another_failure(outcome->err)) {
		domain_failed(d, outcome->err);
	} else {
		progress->looks = looks == 0 ? LOOKS : looks - 1;
		domain_waits(d, seconds, &why);
	}
}

static void end_records(struct domain *d, const struct error *err)
{
	if (err == NULL)
		domain_done(d);
	else if (err->code == EXIT_OK) /* done, with something to tell */
		domain_passed(d, err);
	else
		fail_records(d, err);
}

static void on_caa_done(struct domain *d, const struct dns_outcome *outcome)
{
	struct steps_dns *dns = domain_context(d);

	if (outcome->missing != NULL) {
		wait_for_operator(d, outcome);
		return;
	}
	if (outcome->has_looked)
		operator_setup_complete(dns->setup, d);
	end_records(d, outcome->err);
}

static void note_records(struct domain *d, bool were_there)
{
	struct steps_dns *dns = domain_context(d);
	struct progress *progress = progress_of(d);

	if (!progress->has_records && were_there)
		steps_account_app_is_known(dns->options.accounts);
	progress->has_records = true;
}

static void on_all_done(struct domain *d, const struct dns_outcome *outcome)
{
	note_records(d, outcome->were_there);
	on_caa_done(d, outcome);
}

/* Alias and TXT, with the app's id in it: where they were there before we wrote any, the app is
 * known.  What is missing is told together with CAA records, which take an account. */
static void on_records_done(struct domain *d, const struct dns_outcome *outcome)
{
	struct steps_dns *dns = domain_context(d);
	struct progress *progress = progress_of(d);

	note_records(d, outcome->were_there);
	progress->is_told_later = outcome->missing != NULL && dns->options.settings->set_caa;
	if (progress->is_told_later)
		domain_nothing(d);
	else if (dns->options.settings->set_caa)
		end_records(d, outcome->err); /* whether all is there, CAA has to tell */
	else
		on_caa_done(d, outcome);
}

static void ask_for_records(struct domain *d)
{
	struct steps_dns *dns = domain_context(d);
	struct progress *progress = progress_of(d);

	if (!progress->is_at_caa)
		dns_batch_ask(dns->records, d);
	else
		dns_batch_ask(progress->is_told_later ? dns->all : dns->caa, d);
}

/* What DNS shows now is made sure of with the provider: it may be more than what was missing. */
static void on_look_done(struct domain *d, const struct dns_outcome *outcome)
{
	if (outcome->missing != NULL) {
		wait_for_operator(d, outcome);
		return;
	}
	progress_of(d)->looks = 0;
	ask_for_records(d);
}

/* While the operator is waited for DNS is asked often, the provider seldom. */
static void begin_records(struct domain *d, bool is_at_caa)
{
	struct steps_dns *dns = domain_context(d);
	struct progress *progress = progress_of(d);
	bool is_waiting = progress->looks > 1 && progress->is_at_caa == is_at_caa &&
			  steps_dns_missing(dns, domain_index(d)) != NULL;

	progress->is_at_caa = is_at_caa;
	if (is_waiting) {
		dns_batch_ask(dns->looks, d);
		return;
	}
	progress->looks = 0;
	ask_for_records(d);
}

void steps_dns_records(struct domain *d, void *context)
{
	struct steps_dns *dns = context;
	const struct steps_dns_options *o = &dns->options;
	struct error err = ERROR_INIT;

	if (o->settings->app_id != NULL || state_app_id(o->state)[0] != '\0') {
		begin_records(d, false);
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
		begin_records(d, true);
}

const cJSON *steps_dns_missing(const struct steps_dns *dns, size_t domain)
{
	return operator_setup_records(dns->setup, domain);
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
	    .output_level = LOG_DEBUG,
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
