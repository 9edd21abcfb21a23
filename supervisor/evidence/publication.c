#include "supervisor/evidence/publication.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/children/jobs.h"
#include "supervisor/children/waiters.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/evidence/history.h"
#include "supervisor/evidence/key_origin.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PUBLISH_TIMEOUT = 60, /* seconds; a quote takes one or two on real hardware */
	FILES_A_SECOND = 50,  /* made and removed by a slow disk; what they take is on top */
};

/* What the history has been told of a domain: looking there each time would take long. */
struct noted {
	char serial[CERTIFICATE_SERIAL_MAX];
	bool made_here;
};

struct publication {
	struct publication_options options;
	struct event *retry;
	struct history *history; /* NULL until the first publication */
	struct noted *noted;	 /* one for each of settings->domains */
	bool running;
	struct waiters waiters;
	unsigned failures;
	time_t published_at, failing_since;
	struct error error;
};

static void begin(struct publication *p);

/* ---- the result */

static void finish(struct publication *p, const struct error *err)
{
	p->running = false;
	if (jobs_are_stopping(p->options.jobs))
		return;
	if (err == NULL) {
		if (p->failures > 0)
			log_info("evidence is published again");
		p->failures = 0;
		p->failing_since = 0;
		p->published_at = time(NULL);
		p->error.text[0] = '\0';
	} else {
		long delay = schedule_backoff(++p->failures, 0);
		log_warn("evidence is not published (attempt %u, again in %ld s): %s", p->failures,
			 delay, err->text);
		if (p->failing_since == 0)
			p->failing_since = time(NULL);
		p->error = *err;
		event_add(p->retry, &(struct timeval){delay, 0});
	}
	waiters_answer(&p->waiters, err);
	if (waiters_any(&p->waiters) && !p->running)
		begin(p);
}

static void on_published(const struct process_result *result, void *arg)
{
	struct error err = ERROR_INIT;
	int failed = process_check(result, "ingress-evidence publish", &err);

	finish(arg, failed ? &err : NULL);
}

/* ---- one run */

/* What ingress-evidence is told: the account if there is one, and where it finds the certificates
 * that are served.  Owns its strings. */
enum { WORDS_MAX = 12, LIST_MAX = 16 * 1024 * 1024 };

struct words {
	char *list[WORDS_MAX];
	size_t count;
};

static int add(struct words *w, char *text /* taken over */)
{
	if (text == NULL || w->count + 1 >= WORDS_MAX) {
		free(text);
		return -1;
	}
	w->list[w->count++] = text;
	return 0;
}

static void words_free(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->list[i]);
}

/* Each certificate that is served, as a line of a file: thousands are more than the words of a
 * command line may be. */
static int add_certificates(const struct publication *p, struct words *w, struct error *err)
{
	const struct settings *s = p->options.settings;
	char *path = file_join(s->run_dir, "published.list");
	char file[SERVED_PAIR_NAME_MAX];
	struct buffer list;
	int rc = -1;

	buffer_init(&list, LIST_MAX);
	for (size_t i = 0; i < s->domain_count; i++) {
		if (!p->options.pairs[i].present)
			continue;
		served_pair_file_name(s->domains[i], file);
		buffer_printf(&list, "%s=%s/%s.chain.pem\n", s->domains[i], p->options.certs_folder,
			      file);
	}
	if (path == NULL)
		error_no_memory(err);
	else if (buffer_check(&list, "the list of certificates", err) == 0)
		rc = file_write(path, 0600, buffer_text(&list), list.length, err);
	buffer_free(&list);
	if (rc == 0 && (add(w, strdup("--certs")) != 0 || add(w, strdup(path)) != 0))
		rc = error_no_memory(err);
	free(path);
	return rc;
}

static int add_account(struct words *w, const struct acme_account *account, struct error *err)
{
	if (account != NULL &&
	    (add(w, strdup("--account")) != 0 || add(w, strdup(account->regr_path)) != 0))
		return error_no_memory(err);
	return 0;
}

static int add_history(const struct publication *p, struct words *w, struct error *err)
{
	if (add(w, strdup("--directory")) != 0 ||
	    add(w, strdup(p->options.settings->acme_server)) != 0 ||
	    add(w, strdup("--history-fd")) != 0 || add(w, strdup("3")) != 0)
		return error_no_memory(err);
	return 0;
}

static int words_make(const struct publication *p, const struct acme_account *account,
		      bool has_history, struct words *w, struct error *err)
{
	if (add(w, strdup("publish")) != 0)
		return error_no_memory(err);
	if (add_account(w, account, err) != 0 || (has_history && add_history(p, w, err) != 0))
		return -1;
	return add_certificates(p, w, err);
}

/* ---- the history of certificates */

static int note_domain(struct publication *p, size_t domain, const char *account, struct error *err)
{
	const struct served_pair *pair = &p->options.pairs[domain];
	const char *origin = key_origin_of(p->options.key_origin, domain);
	bool made_here = origin != NULL && strcmp(origin, "made here") == 0;
	struct noted *noted = &p->noted[domain];

	if (!pair->present ||
	    (strcmp(noted->serial, pair->serial) == 0 && (noted->made_here || !made_here)))
		return 0;
	if (history_note(p->history, p->options.settings->domains[domain], pair, account, made_here,
			 err) != 0)
		return -1;
	snprintf(noted->serial, sizeof(noted->serial), "%s", pair->serial);
	noted->made_here = made_here;
	return 0;
}

/* Evidence with a history that lags is better than none: a failure is told. */
static void note_history(struct publication *p, const char *account)
{
	const struct settings *s = p->options.settings;
	struct error err = ERROR_INIT;
	int rc = 0;

	if (p->history == NULL)
		p->history = history_open(s->letsencrypt_dir, &err);
	if (p->history == NULL)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < s->domain_count; i++)
		rc = note_domain(p, i, account, &err);
	if (rc == 0)
		rc = history_save(p->history, &err);
	if (rc != 0)
		log_warn("%s", err.text);
}

static int start(struct publication *p, const struct acme_account *account, int history_fd,
		 struct error *err)
{
	struct words words = {0};
	struct job job = {
	    .program = JOB_EVIDENCE,
	    .timeout = PUBLISH_TIMEOUT + (long)(p->options.settings->domain_count / FILES_A_SECOND),
	    .output_level = LOG_DEBUG,
	    .third_fd = history_fd,
	    .done = on_published,
	    .arg = p,
	};
	int rc = words_make(p, account, history_fd >= 0, &words, err);

	job.words = (const char *const *)words.list; /* the last is NULL */
	if (rc == 0 && jobs_start(p->options.jobs, &job, err) == NULL)
		rc = -1;
	words_free(&words);
	return rc;
}

static int run(struct publication *p, struct error *err)
{
	const struct acme_account *account;

	if (store_account(p->options.store, &account, err) < 0)
		return -1;
	note_history(p, account == NULL ? NULL : account->uri);
	AUTO_CLOSE int history_fd = p->history == NULL ? -1 : history_read_fd(p->history);
	return start(p, account, history_fd, err);
}

static void begin(struct publication *p)
{
	struct error err = ERROR_INIT;

	event_del(p->retry);
	p->running = true;
	waiters_begin(&p->waiters);
	if (run(p, &err) != 0)
		finish(p, &err);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct publication *p = arg;

	(void)fd;
	(void)what;
	if (!p->running)
		begin(p);
}

/* ---- interface */

static void on_nothing(const struct error *err, void *arg)
{
	(void)err;
	(void)arg;
}

int publication_request(struct publication *p, publication_done *done, void *arg, struct error *err)
{
	if (done != NULL && p->failing_since != 0) {
		done(&p->error, arg);
		return 0;
	}
	/* One that is under way may have begun before what this one is to publish. */
	if (waiters_add(&p->waiters, done == NULL ? on_nothing : done, arg, err) != 0)
		return -1;
	if (!p->running)
		begin(p);
	return 0;
}

struct publication *publication_new(const struct publication_options *options, struct error *err)
{
	struct publication *p = calloc(1, sizeof(*p));

	if (p == NULL)
		goto fail;
	p->options = *options;
	p->noted = calloc(options->settings->domain_count, sizeof(*p->noted));
	p->retry = evtimer_new(options->base, on_retry, p);
	if (p->retry == NULL || p->noted == NULL)
		goto fail;
	return p;
fail:
	publication_free(p);
	error_no_memory(err);
	return NULL;
}

void publication_free(struct publication *p)
{
	if (p == NULL)
		return;
	waiters_clear(&p->waiters);
	if (p->retry != NULL)
		event_free(p->retry);
	history_free(p->history);
	free(p->noted);
	free(p);
}

void publication_get_status(const struct publication *p, struct publication_status *status)
{
	*status = (struct publication_status){p->published_at, p->failing_since, p->error.text};
}
