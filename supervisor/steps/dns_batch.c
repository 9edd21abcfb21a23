#include "supervisor/steps/dns_batch.h"

#include "common/file.h"
#include "common/json.h"
#include "common/settings.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/state.h"
#include "supervisor/steps/dns_result.h"
#include "supervisor/steps/steps_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DOMAINS_PER_RUN = 32,
	/* Some providers allow a few requests a minute. */
	TIMEOUT = 180,
	TIMEOUT_FOR_ANOTHER = 60,
	FIXED_WORDS = 8, /* apply --only KINDS --account-uri URI --results-fd 3, and NULL */
};

/* A domain's place in the queue. */
struct waiting {
	struct domain *domain;
	bool alone; /* a run that it shared said nothing of it */
	STAILQ_ENTRY(waiting) link;
};

struct run {
	struct dns_batch *batch;
	struct waiting *domains[DOMAINS_PER_RUN]; /* NULL: it has been told */
	size_t count;				  /* 0: it does not run */
	int results;
};

struct dns_batch {
	struct dns_batch_options options;
	struct waiting *domains; /* one for each of settings->domains */
	STAILQ_HEAD(, waiting) queue;
	struct lane_place place; /* for the next run */
	bool is_waiting;	 /* at that place */
	struct run runs[DNS_BATCH_RUNS];
};

static void go(void *arg);

static void enter(struct dns_batch *batch)
{
	if (batch->is_waiting || STAILQ_EMPTY(&batch->queue))
		return;
	batch->is_waiting = true;
	lane_enter(batch->options.lane, &batch->place, go, batch);
}

/* ---- the end of a run */

static void tell(struct run *run, size_t index, const struct dns_outcome *outcome)
{
	struct waiting *waiting = run->domains[index];

	run->domains[index] = NULL;
	waiting->alone = false;
	run->batch->options.done(waiting->domain, outcome);
}

static void take_result(const struct dns_result *result, void *arg)
{
	struct run *run = arg;

	for (size_t i = 0; i < run->count; i++) {
		if (run->domains[i] == NULL ||
		    strcmp(domain_called(run->domains[i]->domain), result->domain) != 0)
			continue;
		bool is_silent = result->told.text[0] == '\0';
		const struct dns_outcome outcome = {
		    .err = is_silent ? NULL : &result->told,
		    .were_there = result->were_there,
		    .missing = result->missing,
		    .has_looked = result->is_done || result->missing != NULL,
		};
		tell(run, i, &outcome);
		return;
	}
}

/* Those of whom nothing was said, since the run was ended on another's account maybe, go again,
 * alone. */
static void finish(struct run *run, const struct error *err, bool may_go_again)
{
	struct dns_batch *batch = run->batch;
	size_t count = run->count;

	run->count = 0;
	file_close(&run->results);
	for (size_t i = 0; i < count; i++) {
		if (run->domains[i] == NULL)
			continue;
		if (count == 1 || !may_go_again) {
			tell(run, i, &(const struct dns_outcome){.err = err});
			continue;
		}
		run->domains[i]->alone = true;
		STAILQ_INSERT_TAIL(&batch->queue, run->domains[i], link);
	}
	lane_leave(batch->options.lane);
	enter(batch);
}

static void on_done(const struct process_result *result, void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;

	dns_results_read(run->results, run->batch->options.what, take_result, run);
	if (process_check(result, run->batch->options.what, &err) == 0)
		error_set(&err, EXIT_FAILED, "%s: ingress-dns has not told what became of it",
			  run->batch->options.what);
	finish(run, &err, true);
}

/* ---- its beginning */

static void fill(struct run *run)
{
	struct dns_batch *batch = run->batch;
	struct waiting *next;

	while (run->count < DOMAINS_PER_RUN && (next = STAILQ_FIRST(&batch->queue)) != NULL &&
	       (run->count == 0 || !next->alone)) {
		STAILQ_REMOVE_HEAD(&batch->queue, link);
		run->domains[run->count++] = next;
		if (next->alone)
			break;
	}
}

static struct job job_of(struct run *run, const char *const *words)
{
	return (struct job){
	    .program = JOB_DNS,
	    .words = words,
	    .timeout = TIMEOUT + TIMEOUT_FOR_ANOTHER * (long)(run->count - 1),
	    .output_level = LOG_DEBUG,
	    .third_fd = run->results,
	    .done = on_done,
	    .arg = run,
	};
}

static int start_apply(struct run *run, struct error *err)
{
	const struct dns_batch_options *o = &run->batch->options;
	const char *account = steps_account_uri(o->accounts);
	const char *words[FIXED_WORDS + DOMAINS_PER_RUN] = {"apply", "--only", o->kinds,
							    "--results-fd", "3"};
	char app_id[STATE_ID_MAX + 8];
	const char *const extra[] = {o->settings->app_id == NULL ? app_id : NULL, NULL};
	struct job job = job_of(run, words);
	size_t count = 5;

	snprintf(app_id, sizeof(app_id), "APP_ID=%s", state_app_id(o->state));
	job.extra = extra;
	if (account[0] != '\0') {
		words[count++] = "--account-uri";
		words[count++] = account;
	}
	for (size_t i = 0; i < run->count; i++)
		words[count++] = domain_called(run->domains[i]->domain);
	return jobs_start(o->jobs, &job, err) == NULL ? -1 : 0;
}

/* What `ingress-dns look` reads; -1 with err. */
static int write_records(const struct run *run, struct error *err)
{
	const struct dns_batch_options *o = &run->batch->options;
	AUTO_JSON cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < run->count; i++) {
		const struct domain *domain = run->domains[i]->domain;
		cJSON *item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "domain", domain_called(domain));
		cJSON_AddItemToObject(
		    item, "records",
		    cJSON_Duplicate(o->records_of(domain_index(domain), o->arg), true));
		cJSON_AddItemToArray(list, item);
	}
	AUTO_FREE char *text = json_print(list, false, err);
	return text == NULL ? -1 : file_in_memory("records", text, err);
}

static int start_look(struct run *run, struct error *err)
{
	static const char *const words[] = {"look", "--results-fd", "3", NULL};
	struct job job = job_of(run, words);
	AUTO_CLOSE int records = write_records(run, err);

	job.stdin_fd = records;
	return records < 0 || jobs_start(run->batch->options.jobs, &job, err) == NULL ? -1 : 0;
}

static int start(struct run *run, struct error *err)
{
	return run->batch->options.kinds == NULL ? start_look(run, err) : start_apply(run, err);
}

static void go(void *arg)
{
	struct dns_batch *batch = arg;
	struct run *run = batch->runs;
	struct error err = ERROR_INIT;

	while (run->count > 0) /* the lane has let it go: one is free */
		run++;
	batch->is_waiting = false;
	fill(run);
	run->results = dns_results_open(&err);
	if (run->results < 0 || start(run, &err) != 0)
		finish(run, &err, false);
	else
		enter(batch);
}

void dns_batch_ask(struct dns_batch *batch, struct domain *domain)
{
	struct waiting *waiting = &batch->domains[domain_index(domain)];

	waiting->domain = domain;
	STAILQ_INSERT_TAIL(&batch->queue, waiting, link);
	enter(batch);
}

/* ---- the object */

struct dns_batch *dns_batch_new(const struct dns_batch_options *options, struct error *err)
{
	struct dns_batch *batch = calloc(1, sizeof(*batch));

	if (batch != NULL)
		batch->domains = calloc(options->settings->domain_count, sizeof(*batch->domains));
	if (batch == NULL || batch->domains == NULL) {
		dns_batch_free(batch);
		error_no_memory(err);
		return NULL;
	}
	batch->options = *options;
	STAILQ_INIT(&batch->queue);
	for (size_t i = 0; i < DNS_BATCH_RUNS; i++)
		batch->runs[i] = (struct run){.batch = batch, .results = -1};
	return batch;
}

void dns_batch_free(struct dns_batch *batch)
{
	if (batch == NULL)
		return;
	for (size_t i = 0; i < DNS_BATCH_RUNS; i++)
		file_close(&batch->runs[i].results);
	free(batch->domains);
	free(batch);
}
