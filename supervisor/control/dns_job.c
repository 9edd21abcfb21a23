#include "supervisor/control/dns_job.h"

#include "common/log.h"
#include "supervisor/children/jobs.h"
#include "supervisor/store/certificate_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUTPUT_MAX = 8 * 1024 * 1024, /* 10,000 names, with CAA records, take 5 MB */
	KEPT_MAX = OUTPUT_MAX,	      /* of all runs before the latest */
	/* action, --only KINDS, --account-uri URI, and NULL */
	FIXED_WORDS = 6,
};

struct run {
	long number; /* 0: not used yet */
	enum dns_job_kind kind;
	struct buffer output; /* what the user gets to see of it so far */
	size_t taken;	      /* how much of the process's own is in there */
	struct error result;
	int exit_code;
};

struct dns_job {
	struct dns_job_options options;
	struct process *process; /* of the latest run; NULL: it has ended */
	long latest;		 /* 0: none yet */
	struct run runs[DNS_JOB_RUNS_KEPT];
};

static const char *const actions[] = {[DNS_JOB_PLAN] = "plan", [DNS_JOB_APPLY] = "apply"};

struct dns_job *dns_job_new(const struct dns_job_options *options, struct error *err)
{
	struct dns_job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		error_no_memory(err);
		return NULL;
	}
	job->options = *options;
	return job;
}

void dns_job_free(struct dns_job *job)
{
	if (job == NULL)
		return;
	for (size_t i = 0; i < DNS_JOB_RUNS_KEPT; i++)
		buffer_free(&job->runs[i].output);
	free(job);
}

static struct run *run_of(struct dns_job *job, long number)
{
	return &job->runs[number % DNS_JOB_RUNS_KEPT];
}

static void forget(struct run *run)
{
	buffer_free(&run->output);
	*run = (struct run){.result = ERROR_INIT};
}

/* The oldest ones go. */
static void forget_long_runs(struct dns_job *job)
{
	size_t kept = 0;

	for (long age = 0; age < DNS_JOB_RUNS_KEPT && age < job->latest; age++) {
		struct run *run = run_of(job, job->latest - age);
		kept += run->output.length;
		if (kept > KEPT_MAX)
			forget(run);
	}
}

/* ---- output */

static void take_output(struct run *run, const struct buffer *captured)
{
	if (captured->length > run->taken) {
		buffer_append(&run->output, captured->data + run->taken,
			      captured->length - run->taken);
		run->taken = captured->length;
	}
}

/* What was done to DNS by hand belongs into the log as well. */
static void log_output(const struct run *run)
{
	const char *at = buffer_text(&run->output);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		char *line = strndup(at, length);
		if (line != NULL)
			log_child("ingress-dns", LOG_INFO, line);
		free(line);
		at += length + (at[length] == '\n');
	}
}

static void on_done(const struct process_result *result, void *arg)
{
	struct dns_job *job = arg;
	struct run *run = run_of(job, job->latest);

	job->process = NULL;
	take_output(run, result->output);
	if (process_check(result, "ingress-dns", &run->result) != 0) {
		run->exit_code = (int)run->result.code;
	} else if (buffer_check(result->output, "what it has to say", &run->result) != 0) {
		error_wrap(&run->result, "it went well, but its output is not whole; name some of "
					 "the domains to see theirs");
		run->exit_code = EXIT_FAILED;
	}
	if (result->timed_out)
		error_set(
		    &run->result, EXIT_TRY_LATER,
		    "not finished after %d s; what is done is done, and running it again goes "
		    "on from there",
		    DNS_JOB_SECONDS);
	if (run->kind == DNS_JOB_APPLY)
		log_output(run);
	log_info("dns %s of ingressctl ended with status %d", actions[run->kind], run->exit_code);
}

/* ---- what it is asked to do */

static bool is_configured(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->domain_count; i++)
		if (domain_is_meant(settings->domains[i], name))
			return true;
	return false;
}

static int check_domains(const struct settings *settings, const char *const *domains, size_t count,
			 struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!is_configured(settings, domains[i]))
			return error_set(err, EXIT_USAGE_ERROR,
					 "%.100s is not one of the configured domains; `ingressctl "
					 "status` lists them",
					 domains[i]);
	return 0;
}

/* What the supervisor knows by now; texts are borrowed. */
struct known {
	char kinds[32]; /* --only */
	char app_id[STATE_ID_MAX + 8];
	const struct acme_account *account; /* NULL: there is none */
};

/* Kinds of which something is missing are left out, rather than failing the others. */
static int find_known(const struct dns_job *job, struct run *run, struct known *known,
		      struct error *err)
{
	const struct settings *s = job->options.settings;
	const char *app_id = s->app_id != NULL ? s->app_id : state_app_id(job->options.state);
	bool has_account = false;

	if (s->set_caa) {
		int found = store_account(job->options.store, &known->account, err);
		if (found < 0)
			return -1;
		has_account = found > 0;
		if (!has_account)
			buffer_puts(&run->output,
				    "CAA records are left out: there is no ACME account yet that "
				    "they could name.\n");
	}
	if (app_id[0] == '\0')
		buffer_puts(&run->output,
			    "TXT records are left out: the app's id is not known yet.\n");
	snprintf(known->kinds, sizeof(known->kinds), "alias%s%s", app_id[0] == '\0' ? "" : ",txt",
		 has_account ? ",caa" : "");
	snprintf(known->app_id, sizeof(known->app_id), "APP_ID=%s", app_id);
	return 0;
}

static int launch(struct dns_job *dns, enum dns_job_kind kind, const struct known *known,
		  const char *const *domains, size_t count, struct error *err)
{
	const char **words = calloc(count + FIXED_WORDS, sizeof(*words));
	const char *const extra[] = {known->app_id, NULL};
	const struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .extra = extra,
	    .timeout = DNS_JOB_SECONDS,
	    .capture_max = OUTPUT_MAX,
	    .done = on_done,
	    .arg = dns,
	};
	size_t n = 0;

	if (words == NULL)
		return error_no_memory(err);
	words[n++] = actions[kind];
	words[n++] = "--only";
	words[n++] = known->kinds;
	if (known->account != NULL) {
		words[n++] = "--account-uri";
		words[n++] = known->account->uri;
	}
	memcpy(words + n, domains, count * sizeof(*words));
	dns->process = jobs_start(dns->options.jobs, &job, err);
	free(words);
	return dns->process == NULL ? -1 : 0;
}

long dns_job_start(struct dns_job *job, enum dns_job_kind kind, const char *const *domains,
		   size_t count, struct error *err)
{
	struct known known = {0};
	struct run *run = run_of(job, job->latest + 1);
	int rc = check_domains(job->options.settings, domains, count, err);

	if (rc != 0)
		return -1;
	if (job->process != NULL)
		return error_set(err, EXIT_TRY_LATER,
				 "a `dns %s` of ingressctl is under way; wait for its end",
				 actions[run_of(job, job->latest)->kind]);
	forget_long_runs(job);
	forget(run);
	run->kind = kind;
	buffer_init(&run->output, OUTPUT_MAX * 2);
	rc = find_known(job, run, &known, err);
	if (rc == 0)
		rc = launch(job, kind, &known, domains, count, err);
	if (rc != 0)
		return -1;
	log_info("dns %s for ingressctl", actions[kind]);
	run->number = ++job->latest;
	return run->number;
}

int dns_job_look(struct dns_job *job, long number, struct dns_job_view *view)
{
	if (number <= 0 || run_of(job, number)->number != number)
		return -1;
	struct run *run = run_of(job, number);
	bool is_running = job->process != NULL && number == job->latest;
	if (is_running)
		take_output(run, process_captured(job->process));
	*view = (struct dns_job_view){
	    .is_running = is_running,
	    .output = buffer_text(&run->output),
	    .length = run->output.length,
	    .exit_code = run->exit_code,
	    .error = run->result.text,
	};
	if (!view->is_running)
		return 0;
	view->error = "";
	/* Half a line may be half a character. */
	while (view->length > 0 && view->output[view->length - 1] != '\n')
		view->length--;
	return 0;
}
