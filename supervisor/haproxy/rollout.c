#include "supervisor/haproxy/rollout.h"

#include "common/log.h"
#include "supervisor/children/confined.h"
#include "supervisor/haproxy/haproxy_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* 10,000 routes take a few seconds, 10,000 certificates on a slow disk minutes. */
	CHECK_TIMEOUT = 900,
	/* After so many looks at a master that answers, a reload that it has not begun is
	 * requested again, and one that it has begun without starting a worker has failed. */
	LOOKS_IN_VAIN = 25, /* three seconds */
	RELOADS_IN_VAIN = 3,
};

enum phase {
	IDLE,
	CHECKING,      /* `haproxy -c` runs on the candidate */
	BEFORE_RELOAD, /* for the worker that serves, to tell the new one from it */
	RELOADING,     /* for a worker that was not there before */
};

struct rollout {
	struct rollout_options options;
	enum phase phase;
	unsigned long candidate; /* generation being brought into effect */
	pid_t worker_before;
	long reloads_before;
	unsigned looks_in_vain, reloads_in_vain;
	struct waiters waiters;
	bool stopping;
	time_t applied_at, loading_since;
	char error[ERROR_TEXT_MAX];
};

static void begin(struct rollout *r);

/* ---- the end */

static void finish(struct rollout *r, const struct error *err)
{
	r->phase = IDLE;
	r->loading_since = 0;
	snprintf(r->error, sizeof(r->error), "%s", err == NULL ? "" : err->text);
	waiters_answer(&r->waiters, err);
	if (r->phase == IDLE && waiters_any(&r->waiters) && !r->stopping)
		begin(r);
}

static void keep_candidate(struct rollout *r)
{
	generations_remove(r->options.generations, r->options.generations->in_effect);
	r->options.generations->in_effect = r->candidate;
}

static void succeed(struct rollout *r, pid_t worker)
{
	keep_candidate(r);
	r->applied_at = time(NULL);
	log_info("HAProxy serves configuration %lu (worker %d)", r->candidate, (int)worker);
	finish(r, NULL);
}

static void fail(struct rollout *r, const struct error *err)
{
	struct generations *g = r->options.generations;
	struct error ignored = ERROR_INIT;

	log_error("configuration %lu is not in effect, %lu serves on: %s", r->candidate,
		  g->in_effect, err->text);
	if (generations_link(g, g->in_effect, &ignored) != 0)
		log_error("%s", ignored.text);
	generations_remove(g, r->candidate);
	finish(r, err);
}

/* HAProxy died, and its next start takes the new configuration.  There is nothing to go back to,
 * but the caller must not believe that the configuration is served. */
static void leave_to_next_start(struct rollout *r)
{
	struct error err = ERROR_INIT;

	if (generations_link(r->options.generations, r->candidate, &err) != 0) {
		fail(r, &err);
		return;
	}
	keep_candidate(r);
	error_set(&err, EXIT_TRY_LATER,
		  "HAProxy is not running; it is being started with the new configuration");
	finish(r, &err);
}

/* ---- the reload */

static void reload(struct rollout *r, const struct master_processes *list)
{
	struct error err = ERROR_INIT;

	r->phase = RELOADING;
	r->worker_before = list->worker;
	r->reloads_before = list->reloads;
	r->looks_in_vain = 0;
	if (r->loading_since == 0)
		r->loading_since = time(NULL);
	if (generations_link(r->options.generations, r->candidate, &err) != 0 ||
	    workers_reload(r->options.workers, &err) != 0)
		fail(r, &err);
}

/* The master answers and has not begun to reload: the request was lost.  True as long as it is
 * repeated. */
static bool reload_again(struct rollout *r, const struct master_processes *list)
{
	struct error err = ERROR_INIT;

	if (++r->looks_in_vain < LOOKS_IN_VAIN)
		return true;
	if (++r->reloads_in_vain < RELOADS_IN_VAIN) {
		log_warn("HAProxy's master has not taken the reload; it is told again");
		reload(r, list);
		return true;
	}
	error_set(&err, EXIT_TRY_LATER,
		  "HAProxy's master has been told to reload %d times and "
		  "does not",
		  RELOADS_IN_VAIN);
	fail(r, &err);
	return false;
}

static bool look_for_new_worker(struct rollout *r, const struct master_processes *list)
{
	struct error err = ERROR_INIT;

	if (list->worker != 0 && list->worker != r->worker_before) {
		succeed(r, list->worker);
		return r->phase != IDLE;
	}
	if (list->reloads == r->reloads_before)
		return reload_again(r, list);
	/* HAProxy 3.1 and later do not call it a failure when not even the master can read the
	 * configuration: they start no worker. */
	if (!list->reload_failed && (list->loading != 0 || ++r->looks_in_vain < LOOKS_IN_VAIN))
		return true;
	error_set(&err, EXIT_FAILED,
		  "HAProxy's master reports that the reload failed; its reason is in the log");
	fail(r, &err);
	return false;
}

bool rollout_seen(struct rollout *r, const struct master_processes *list)
{
	if (list == NULL || r->stopping)
		return false;
	if (r->phase == RELOADING)
		return look_for_new_worker(r, list);
	if (r->phase != BEFORE_RELOAD)
		return false;
	if (list->worker != 0)
		reload(r, list);
	return true;
}

void rollout_haproxy_ended(struct rollout *r, const struct error *err)
{
	if (r->phase == RELOADING)
		fail(r, err);
	else if (r->phase == BEFORE_RELOAD)
		leave_to_next_start(r);
}

/* ---- the check */

static void make_candidate(struct rollout *r);

static void on_checked(const struct process_result *result, void *arg)
{
	struct rollout *r = arg;
	struct error err = ERROR_INIT;

	if (r->stopping)
		return;
	if (process_check(result, "HAProxy refuses the new configuration", &err) != 0) {
		if (r->options.leave_out(result->tail, r->options.arg))
			make_candidate(r);
		else
			fail(r, &err);
	} else if (!r->options.is_running(r->options.arg)) {
		leave_to_next_start(r);
	} else {
		/* A worker that is still loading is waited for. */
		r->phase = BEFORE_RELOAD;
		workers_look(r->options.workers);
	}
}

/* What is said without a level and is not HAProxy's good word is of something else, such as the
 * dynamic loader: it is why there is no judgement. */
static enum log_level judge_line(const char *line)
{
	enum log_level level = haproxy_judge_line(line);

	if (level != LOG_INFO)
		return level;
	if (strcmp(line, "Configuration file is valid") == 0 ||
	    strcmp(line, "Warnings were found.") == 0)
		return LOG_DEBUG;
	return LOG_ERROR;
}

static int check(struct rollout *r, struct error *err)
{
	char config[GENERATIONS_PATH_MAX], openssl[GENERATIONS_PATH_MAX + 16];
	const char *const argv[] = {r->options.program, "-c", "-f", config, NULL};
	const char *const environment[] = {openssl, NULL};
	const struct process_spec spec = {
	    .name = "haproxy -c",
	    .argv = argv,
	    .envp = environment,
	    .timeout = CHECK_TIMEOUT,
	    .stdout_level = LOG_DEBUG,
	    .stderr_level = LOG_WARN,
	    .judge = judge_line,
	    .extra_fd = -1,
	    .confinement = &confined_look,
	    .done = on_checked,
	    .arg = r,
	};

	generations_config(r->options.generations, r->candidate, config);
	generations_openssl(r->options.generations, r->candidate, openssl);
	return process_start(r->options.processes, &spec, err) == NULL ? -1 : 0;
}

static void make_candidate(struct rollout *r)
{
	struct error err = ERROR_INIT;

	r->candidate = r->options.generations->in_effect + 1;
	if (generations_make(r->options.generations, r->candidate, &err) != 0 ||
	    check(r, &err) != 0)
		fail(r, &err);
}

static void begin(struct rollout *r)
{
	r->phase = CHECKING;
	r->reloads_in_vain = 0;
	waiters_begin(&r->waiters);
	make_candidate(r);
}

/* ---- interface */

int rollout_request(struct rollout *r, waiter_done *done, void *arg, struct error *err)
{
	if (waiters_add(&r->waiters, done, arg, err) != 0)
		return -1;
	if (r->phase == IDLE)
		begin(r);
	return 0;
}

void rollout_stop(struct rollout *r)
{
	r->stopping = true;
}

struct rollout *rollout_new(const struct rollout_options *options, struct error *err)
{
	struct rollout *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		error_no_memory(err);
		return NULL;
	}
	r->options = *options;
	return r;
}

void rollout_free(struct rollout *r)
{
	if (r == NULL)
		return;
	waiters_clear(&r->waiters);
	free(r);
}

bool rollout_is_idle(const struct rollout *r)
{
	return r->phase == IDLE;
}

time_t rollout_applied_at(const struct rollout *r)
{
	return r->applied_at;
}

const char *rollout_error(const struct rollout *r)
{
	return r->error;
}

time_t rollout_loading_since(const struct rollout *r)
{
	return r->loading_since;
}
