#include "supervisor/publication.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/acme_account.h"
#include "supervisor/bundle.h"
#include "supervisor/confined.h"
#include "supervisor/schedule.h"
#include "supervisor/waiters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Asking for a quote takes a second or two on real hardware. */
enum { PUBLISH_TIMEOUT = 60 };

struct publication {
	struct publication_options options;
	struct event *retry;
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

/* The argument list: the account if there is one, and each certificate that is served.
 * Owns its strings. */
struct arguments {
	char **list;
	size_t count, room;
};

static int add(struct arguments *a, char *text /* taken over */)
{
	if (text == NULL || a->count + 1 >= a->room) {
		free(text);
		return -1;
	}
	a->list[a->count++] = text;
	return 0;
}

static void arguments_free(struct arguments *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->list[i]);
	free(a->list);
}

static char *describe_certificate(const struct publication *p, size_t domain)
{
	const char *name = p->options.settings->domains[domain];
	char file[BUNDLE_NAME_MAX];
	char *text = NULL;

	bundle_file_name(name, file);
	if (asprintf(&text, "%s=%s/%s.chain.pem", name, p->options.certs_folder, file) < 0)
		return NULL;
	return text;
}

static int add_account(const struct publication *p, struct arguments *a, struct error *err)
{
	const struct settings *s = p->options.settings;
	struct acme_account account;
	int found = acme_account_find(s->letsencrypt_dir, s->acme_server, &account, err);

	if (found < 0)
		return -1;
	int rc = 0;
	if (found > 0 &&
	    (add(a, strdup("--account")) != 0 || add(a, strdup(account.regr_path)) != 0))
		rc = error_no_memory(err);
	acme_account_clear(&account);
	return rc;
}

static int arguments_make(const struct publication *p, struct arguments *a, struct error *err)
{
	size_t domains = p->options.settings->domain_count;

	a->room = 2 * domains + 6;
	a->list = calloc(a->room, sizeof(*a->list));
	if (a->list == NULL || add(a, strdup(p->options.program)) != 0 ||
	    add(a, strdup("publish")) != 0)
		return error_no_memory(err);
	if (add_account(p, a, err) != 0)
		return -1;
	for (size_t i = 0; i < domains; i++)
		if (p->options.bundles[i].present &&
		    (add(a, strdup("--cert")) != 0 || add(a, describe_certificate(p, i)) != 0))
			return error_no_memory(err);
	return 0;
}

static int run(struct publication *p, struct error *err)
{
	struct arguments arguments = {0};
	struct process_spec spec = {
	    .name = "ingress-evidence",
	    .timeout = PUBLISH_TIMEOUT,
	    .stdout_level = LOG_DEBUG,
	    .stderr_level = LOG_DEBUG,
	    .extra_fd = -1,
	    .confinement = &confined_evidence,
	    .done = on_published,
	    .arg = p,
	};
	char **environment = NULL;
	int rc = -1;

	if (arguments_make(p, &arguments, err) != 0)
		goto out;
	environment = settings_child_environment(p->options.settings, FOR_EVIDENCE, NULL, err);
	if (environment == NULL)
		goto out;
	spec.argv = (const char *const *)arguments.list;
	spec.envp = (const char *const *)environment;
	if (process_start(p->options.processes, &spec, err) != NULL)
		rc = 0;
out:
	settings_free_environment(environment);
	arguments_free(&arguments);
	return rc;
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

int publication_request(struct publication *p, publication_done *done, void *arg, struct error *err)
{
	if (done != NULL && p->failing_since != 0) {
		done(&p->error, arg);
		return 0;
	}
	if (done != NULL && waiters_add(&p->waiters, done, arg, err) != 0)
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
	p->retry = evtimer_new(options->base, on_retry, p);
	if (p->retry == NULL)
		goto fail;
	return p;
fail:
	free(p);
	error_no_memory(err);
	return NULL;
}

void publication_free(struct publication *p)
{
	if (p == NULL)
		return;
	waiters_clear(&p->waiters);
	event_free(p->retry);
	free(p);
}

void publication_get_status(const struct publication *p, struct publication_status *status)
{
	*status = (struct publication_status){p->published_at, p->failing_since, p->error.text};
}
