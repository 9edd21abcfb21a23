#include "supervisor/haproxy/handshakes.h"

#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/utc.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum {
	RUNS = 2,
	TARGETS_PER_RUN = 64,
	RUN_TIMEOUT = 30,
	ANSWER_MAX = 128 * 1024,
	TARGET_MAX = DOMAIN_MAX + CERTIFICATE_SERIAL_MAX + 4,
	FIXED_WORDS = 6, /* probe --json --port PORT --proxy, and NULL */
};

/* What is known of a domain, and who waits to know more. */
struct entry {
	char serial[CERTIFICATE_SERIAL_MAX]; /* that it is served with; "": not known to be */
	time_t until;
	bool is_queued;
	handshake_seen *done; /* NULL: nobody waits */
	void *arg;
	STAILQ_ENTRY(entry) link;
};

/* One handshake of a run: as it was when the run began. */
struct question {
	size_t domain;
	char serial[CERTIFICATE_SERIAL_MAX];
	time_t until;
	handshake_seen *done;
	void *arg;
	bool is_answered;
};

struct run {
	struct handshakes *all;
	struct question questions[TARGETS_PER_RUN];
	size_t count; /* 0: it does not run */
};

struct handshakes {
	struct handshakes_options options;
	struct entry *entries; /* one for each of settings->domains */
	STAILQ_HEAD(, entry) queue;
	struct run runs[RUNS];
	struct event *retry;
	unsigned looks_in_vain;
};

static void begin_runs(struct handshakes *h);

static bool is_known(const struct handshakes *h, size_t domain)
{
	return h->entries[domain].serial[0] != '\0';
}

bool handshakes_is_served(const struct handshakes *h, size_t domain)
{
	const struct entry *entry = &h->entries[domain];

	return is_known(h, domain) &&
	       (strcmp(entry->serial, h->options.pairs[domain].serial) == 0 ||
		time(NULL) < entry->until);
}

/* ---- answers */

/* The one line that says that a certificate has arrived, and what comes next. */
static void tell_served(const struct handshakes *h, const struct question *q)
{
	const struct served_pair *pair = &h->options.pairs[q->domain];
	time_t renewal = schedule_renewal(pair->not_before, pair->not_after,
					  h->options.settings->renew_days_before);
	const struct log_facts facts = {
	    .domain = h->options.settings->domains[q->domain],
	    .serial = q->serial,
	    .not_after = pair->not_after,
	    .next_at = renewal,
	};
	char end[UTC_SIZE], next[UTC_SIZE];

	utc_write(pair->not_after, end);
	utc_write(renewal, next);
	log_facts(LOG_INFO, &facts,
		  "certificate %s is served, valid until %s; to be renewed from %s on", q->serial,
		  end, next);
}

static void answer(struct run *run, struct question *q, const struct error *err)
{
	struct handshakes *h = run->all;
	struct entry *entry = &h->entries[q->domain];
	handshake_seen *done = q->done;

	q->is_answered = true;
	q->done = NULL;
	/* Meanwhile another one was installed, which somebody else will ask for. */
	if (done == NULL && strcmp(h->options.pairs[q->domain].serial, q->serial) != 0)
		return;
	if (err == NULL && strcmp(entry->serial, q->serial) != 0)
		tell_served(h, q);
	snprintf(entry->serial, sizeof(entry->serial), "%s", err == NULL ? q->serial : "");
	entry->until = q->until;
	if (done != NULL)
		done(err, q->arg);
	else if (err != NULL)
		log_warn("[%s] %s", h->options.settings->domains[q->domain], err->text);
}

static void take_line(struct run *run, const char *line, size_t length)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json = json_parse(line, length, "the answer of ingressctl probe", &err);
	const char *name = json == NULL ? NULL : json_string(json, "name");
	const char *wrong = json == NULL ? NULL : json_string(json, "error");

	for (size_t i = 0; name != NULL && i < run->count; i++) {
		struct question *q = &run->questions[i];
		if (q->is_answered ||
		    strcmp(run->all->options.settings->domains[q->domain], name) != 0)
			continue;
		if (wrong != NULL)
			error_set(&err, EXIT_FAILED, "the certificate is not served: %s", wrong);
		answer(run, q, wrong == NULL ? NULL : &err);
		return;
	}
}

static bool any_unserved(const struct handshakes *h)
{
	for (size_t i = 0; i < h->options.settings->domain_count; i++)
		if (h->options.pairs[i].present && !is_known(h, i))
			return true;
	return false;
}

static void look_again_later(struct handshakes *h)
{
	if (!STAILQ_EMPTY(&h->queue) || event_pending(h->retry, EV_TIMEOUT, NULL))
		return;
	if (!any_unserved(h)) {
		h->looks_in_vain = 0;
		return;
	}
	long delay = schedule_backoff(++h->looks_in_vain, 0);
	event_add(h->retry, &(struct timeval){delay, 0});
}

/* Those that the program said nothing of have its failure. */
static void end_run(struct run *run, const struct error *err)
{
	bool is_news = !jobs_are_stopping(run->all->options.jobs);

	for (size_t i = 0; is_news && i < run->count; i++)
		if (!run->questions[i].is_answered)
			answer(run, &run->questions[i], err);
	run->count = 0;
	if (is_news)
		look_again_later(run->all);
}

static void on_done(const struct process_result *result, void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;
	const char *at = buffer_text(result->output);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		take_line(run, at, length);
		at += length + (at[length] == '\n');
	}
	if (process_check(result, "the certificate is not served", &err) == 0)
		error_set(&err, EXIT_FAILED, "ingressctl probe said nothing of this domain");
	end_run(run, &err);
	begin_runs(run->all);
}

/* ---- questions */

static void fill(struct run *run)
{
	struct handshakes *h = run->all;

	while (run->count < TARGETS_PER_RUN && !STAILQ_EMPTY(&h->queue)) {
		struct entry *entry = STAILQ_FIRST(&h->queue);
		size_t domain = (size_t)(entry - h->entries);
		const struct served_pair *pair = &h->options.pairs[domain];
		struct question *q = &run->questions[run->count++];
		STAILQ_REMOVE_HEAD(&h->queue, link);
		*q = (struct question){.domain = domain,
				       .until = pair->not_after,
				       .done = entry->done,
				       .arg = entry->arg};
		snprintf(q->serial, sizeof(q->serial), "%s", pair->serial);
		entry->is_queued = false;
		entry->done = NULL;
	}
}

static int start(struct run *run, struct error *err)
{
	const struct settings *s = run->all->options.settings;
	char texts[TARGETS_PER_RUN][TARGET_MAX], port[8];
	const char *words[FIXED_WORDS + TARGETS_PER_RUN] = {"probe", "--json", "--port", port};
	const struct job job = {
	    .program = JOB_PROBE,
	    .words = words,
	    .timeout = RUN_TIMEOUT,
	    .capture_max = ANSWER_MAX,
	    .done = on_done,
	    .arg = run,
	};
	size_t count = 4;

	snprintf(port, sizeof(port), "%hu", s->port);
	if (s->accept_proxy_protocol)
		words[count++] = "--proxy";
	for (size_t i = 0; i < run->count; i++) {
		const struct question *q = &run->questions[i];
		snprintf(texts[i], TARGET_MAX, "%s=%s", s->domains[q->domain], q->serial);
		words[count++] = texts[i];
	}
	return jobs_start(run->all->options.jobs, &job, err) == NULL ? -1 : 0;
}

static void begin_runs(struct handshakes *h)
{
	for (size_t i = 0; i < RUNS; i++) {
		struct run *run = &h->runs[i];
		while (run->count == 0 && !STAILQ_EMPTY(&h->queue)) {
			struct error err = ERROR_INIT;
			fill(run);
			if (start(run, &err) != 0)
				end_run(run, &err);
		}
	}
}

static void queue(struct handshakes *h, struct entry *entry)
{
	if (entry->is_queued)
		return;
	entry->is_queued = true;
	STAILQ_INSERT_TAIL(&h->queue, entry, link);
}

void handshakes_ask(struct handshakes *h, size_t domain, handshake_seen *done, void *arg)
{
	struct entry *entry = &h->entries[domain];

	entry->done = done;
	entry->arg = arg;
	queue(h, entry);
	begin_runs(h);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct handshakes *h = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < h->options.settings->domain_count; i++)
		if (h->options.pairs[i].present && !is_known(h, i))
			queue(h, &h->entries[i]);
	begin_runs(h);
}

void handshakes_look(struct handshakes *h)
{
	h->looks_in_vain = 0;
	event_add(h->retry, &(struct timeval){0, 0});
}

/* ---- the object */

struct handshakes *handshakes_new(const struct handshakes_options *options, struct error *err)
{
	struct handshakes *h = calloc(1, sizeof(*h));

	if (h == NULL)
		goto fail;
	h->options = *options;
	STAILQ_INIT(&h->queue);
	for (size_t i = 0; i < RUNS; i++)
		h->runs[i].all = h;
	h->entries = calloc(options->settings->domain_count, sizeof(*h->entries));
	h->retry = evtimer_new(options->base, on_retry, h);
	if (h->entries == NULL || h->retry == NULL)
		goto fail;
	return h;
fail:
	handshakes_free(h);
	error_no_memory(err);
	return NULL;
}

void handshakes_free(struct handshakes *h)
{
	if (h == NULL)
		return;
	if (h->retry != NULL)
		event_free(h->retry);
	free(h->entries);
	free(h);
}
