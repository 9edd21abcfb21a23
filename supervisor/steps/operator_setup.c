#include "supervisor/steps/operator_setup.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/children/jobs.h"
#include "supervisor/children/lane.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/domains/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WEBHOOKS_AT_ONCE = 2,
	WEBHOOK_TRIES = 3,
	/* Besides the tries: the guest agent's quote, and pauses. */
	WEBHOOK_OTHER_SECONDS = 90,
	SECOND_MS = 1000,
};

/* A domain, and what the operator has yet to make for it. */
struct missing {
	struct operator_setup *setup;
	struct domain *domain;
	cJSON *records; /* NULL: nothing is missing */
	cJSON *known;	/* what the webhook was told, since the start; NULL: nothing */
	char digest[SHA256_HEX_SIZE]; /* of them */
	long long since_ms;
	unsigned late_looks; /* since DNS_SETUP_TIMEOUT was over */

	/* The webhook. */
	bool is_telling; /* its turn is awaited, or it is being told ... */
	cJSON *task;	 /* ... of these records */
	char telling[SHA256_HEX_SIZE];
	unsigned failures; /* in a row */
	long long not_before_ms;
	struct lane_place place;
};

struct operator_setup {
	struct operator_setup_options options;
	struct missing *domains; /* one for each of settings->domains */
	struct lane lane;
};

/* ---- the webhook */

static void told(struct missing *m, const struct error *err)
{
	m->is_telling = false;
	if (err == NULL) {
		m->failures = 0;
		m->not_before_ms = 0;
		if (m->records != NULL)
			domain_set_told(m->domain, m->telling);
		cJSON_Delete(m->known);
		m->known = m->task;
		m->task = NULL;
		log_info("[%s] the webhook has been told which records to make",
			 domain_called(m->domain));
		return;
	}
	long delay = schedule_backoff(++m->failures, 1);
	m->not_before_ms = clock_now_ms() + delay * SECOND_MS;
	log_warn("[%s] the webhook was not told which records to make (again in %ld s or later): "
		 "%s",
		 domain_called(m->domain), delay, err->text);
}

static void on_told(const struct process_result *result, void *arg)
{
	struct missing *m = arg;
	struct error err = ERROR_INIT;
	bool is_done = process_check(result, "ingress-evidence webhook", &err) == 0;

	lane_leave(&m->setup->lane);
	told(m, is_done ? NULL : &err);
}

/* What `ingress-evidence webhook` reads; -1 with err. */
static int write_task(const struct missing *m, struct error *err)
{
	const struct operator_setup_options *o = &m->setup->options;
	const char *app_id = o->settings->app_id;
	AUTO_JSON cJSON *task = cJSON_CreateObject();

	cJSON_AddStringToObject(task, "domain", domain_called(m->domain));
	cJSON_AddStringToObject(task, "challenge", "dns-01");
	cJSON_AddStringToObject(task, "app_id", app_id != NULL ? app_id : state_app_id(o->state));
	cJSON_AddItemReferenceToObject(task, "records", m->records);
	AUTO_FREE char *text = json_print(task, false, err);
	return text == NULL ? -1 : file_in_memory("records", text, err);
}

static int start(struct missing *m, struct error *err)
{
	static const char *const words[] = {"webhook", NULL};
	AUTO_CLOSE int task = write_task(m, err);
	const struct job job = {
	    .program = JOB_WEBHOOK,
	    .words = words,
	    .timeout = WEBHOOK_OTHER_SECONDS +
		       WEBHOOK_TRIES * m->setup->options.settings->dns_webhook_timeout,
	    .output_level = LOG_DEBUG,
	    .stdin_fd = task,
	    .done = on_told,
	    .arg = m,
	};

	if (task < 0)
		return -1;
	memcpy(m->telling, m->digest, sizeof(m->telling));
	cJSON_Delete(m->task);
	m->task = cJSON_Duplicate(m->records, true);
	return jobs_start(m->setup->options.jobs, &job, err) == NULL ? -1 : 0;
}

/* Meanwhile all may have been made. */
static void go(void *arg)
{
	struct missing *m = arg;
	struct error err = ERROR_INIT;
	bool is_needed = m->records != NULL;

	if (is_needed && start(m, &err) == 0)
		return;
	lane_leave(&m->setup->lane);
	if (is_needed)
		told(m, &err);
	else
		m->is_telling = false;
}

/* Whether the webhook knows all that is missing: some of what it was told may have been made. */
static bool is_known(const struct missing *m)
{
	const cJSON *record, *known;

	cJSON_ArrayForEach(record, m->records)
	{
		bool is_there = false;
		cJSON_ArrayForEach(known, m->known) is_there =
		    is_there || cJSON_Compare(record, known, true);
		if (!is_there)
			return false;
	}
	return true;
}

static void tell_webhook(struct missing *m)
{
	if (m->is_telling || is_known(m) || strcmp(domain_told(m->domain), m->digest) == 0 ||
	    clock_now_ms() < m->not_before_ms)
		return;
	m->is_telling = true;
	lane_enter(&m->setup->lane, &m->place, go, m);
}

/* ---- what becomes of a domain */

static long next_look(struct missing *m)
{
	const struct settings *settings = m->setup->options.settings;
	long interval = settings->dns_setup_interval;

	if (clock_now_ms() - m->since_ms < settings->dns_setup_timeout * (long long)SECOND_MS)
		return interval;
	long longer = schedule_backoff(++m->late_looks, 0);
	return longer > interval ? longer : interval;
}

/* Without memory for them, those of the time before stay; the domain waits all the same. */
static void keep(struct missing *m, const cJSON *records)
{
	struct error err = ERROR_INIT;
	cJSON *copy = cJSON_Duplicate(records, true);
	AUTO_FREE char *text = copy == NULL ? NULL : json_print(copy, false, &err);

	if (text == NULL || digest_sha256_hex(text, strlen(text), m->digest, &err) != 0) {
		cJSON_Delete(copy);
		return;
	}
	cJSON_Delete(m->records);
	m->records = copy;
}

long operator_setup_missing(struct operator_setup *setup, struct domain *domain,
			    const cJSON *records)
{
	struct missing *m = &setup->domains[domain_index(domain)];

	m->domain = domain;
	if (m->records == NULL) {
		m->since_ms = clock_now_ms();
		m->late_looks = 0;
	}
	keep(m, records);
	if (m->records != NULL && setup->options.settings->dns_setup_mode == SETUP_WEBHOOK)
		tell_webhook(m);
	return next_look(m);
}

void operator_setup_complete(struct operator_setup *setup, struct domain *domain)
{
	struct missing *m = &setup->domains[domain_index(domain)];

	if (m->records != NULL)
		log_info("[%s] DNS shows the records that were missing", domain_called(domain));
	cJSON_Delete(m->records);
	cJSON_Delete(m->known);
	m->records = m->known = NULL;
	m->failures = 0;
	m->not_before_ms = 0;
	domain_set_told(domain, "");
}

const cJSON *operator_setup_records(const struct operator_setup *setup, size_t domain)
{
	return setup->domains[domain].records;
}

/* ---- the object */

struct operator_setup *operator_setup_new(const struct operator_setup_options *options,
					  struct error *err)
{
	struct operator_setup *setup = calloc(1, sizeof(*setup));
	size_t count = options->settings->domain_count;

	if (setup != NULL)
		setup->domains = calloc(count, sizeof(*setup->domains));
	if (setup == NULL || setup->domains == NULL) {
		operator_setup_free(setup);
		error_no_memory(err);
		return NULL;
	}
	setup->options = *options;
	lane_init(&setup->lane, WEBHOOKS_AT_ONCE);
	for (size_t i = 0; i < count; i++)
		setup->domains[i].setup = setup;
	return setup;
}

void operator_setup_free(struct operator_setup *setup)
{
	if (setup == NULL)
		return;
	for (size_t i = 0; setup->domains != NULL && i < setup->options.settings->domain_count;
	     i++) {
		cJSON_Delete(setup->domains[i].records);
		cJSON_Delete(setup->domains[i].known);
		cJSON_Delete(setup->domains[i].task);
	}
	free(setup->domains);
	free(setup);
}
