#include "supervisor/haproxy_apply.h"

#include "common/file.h"
#include "common/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHECK_TIMEOUT = 60, /* seconds; 10,000 routes take a few */
	RELOAD_TIMEOUT_MS = 10000,
	/* A master that re-executes may leave a connection waiting for good. */
	SHOW_TIMEOUT_MS = 300,
	POLL_INTERVAL_MS = 20,
	/* How long a new worker may take to appear: 30 s. */
	POLLS_MAX = 30 * 1000 / POLL_INTERVAL_MS,
	POLLS_STOPPING = 1000 / POLL_INTERVAL_MS,
};

static void begin(struct haproxy *h);

/* ---- who waits */

void haproxy_apply_forget(struct haproxy *h)
{
	master_command_cancel(h->command);
	h->command = NULL;
	waiters_clear(&h->waiters);
}

int haproxy_apply(struct haproxy *h, haproxy_applied *done, void *arg, struct error *err)
{
	if (waiters_add(&h->waiters, done, arg, err) != 0)
		return -1;
	if (h->phase == APPLY_IDLE)
		begin(h);
	return 0;
}

/* ---- the end of an apply */

static void remove_generation(struct haproxy *h, unsigned long number)
{
	char folder[HAPROXY_PATH_MAX];
	struct error err = ERROR_INIT;

	haproxy_generation_path(h, number, folder);
	if (file_remove_tree(folder, &err) != 0)
		log_warn("%s", err.text);
}

static void finish(struct haproxy *h, const struct error *err)
{
	h->phase = APPLY_IDLE;
	event_del(h->poll_timer);
	snprintf(h->error, sizeof(h->error), "%s", err == NULL ? "" : err->text);
	waiters_answer(&h->waiters, err);
	if (h->phase == APPLY_IDLE && waiters_any(&h->waiters) && !h->stopping)
		begin(h);
}

static void succeed(struct haproxy *h)
{
	remove_generation(h, h->generation);
	h->generation = h->candidate;
	h->applied_at = time(NULL);
	log_info("HAProxy serves configuration %lu (worker %d)", h->generation, (int)h->worker);
	finish(h, NULL);
}

/* It died and its next start takes the new configuration: nothing to go back to, but
 * nobody must believe that it is served. */
static void not_running(struct haproxy *h)
{
	struct error err = ERROR_INIT;

	remove_generation(h, h->generation);
	h->generation = h->candidate;
	error_set(&err, EXIT_TRY_LATER,
		  "HAProxy is not running; it is being started with the new configuration");
	finish(h, &err);
}

static void fail(struct haproxy *h, const struct error *err)
{
	struct error ignored = ERROR_INIT;

	log_error("configuration %lu is not in effect, %lu serves on: %s", h->candidate,
		  h->generation, err->text);
	if (haproxy_use_generation(h, h->generation, &ignored) != 0)
		log_error("%s", ignored.text);
	remove_generation(h, h->candidate);
	finish(h, err);
}

void haproxy_apply_interrupted(struct haproxy *h, const struct error *err)
{
	master_command_cancel(h->command);
	h->command = NULL;
	if (h->phase == APPLY_RELOADING || h->phase == APPLY_WAITING)
		fail(h, err);
}

/* ---- workers */

static void poll_soon(struct haproxy *h)
{
	static const struct timeval interval = {0, POLL_INTERVAL_MS * 1000};

	if (h->polls_left-- > 0) {
		event_add(h->poll_timer, &interval);
		return;
	}
	if (h->stopping) {
		process_signal(h->process, SIGTERM);
		return;
	}
	if (h->phase == APPLY_WAITING) {
		struct error err = ERROR_INIT;
		error_set(&err, EXIT_TRY_LATER,
			  "HAProxy brought up no new worker within %d s of the reload",
			  POLLS_MAX * POLL_INTERVAL_MS / 1000);
		fail(h, &err);
	}
}

static void on_processes(const char *reply, void *arg)
{
	struct haproxy *h = arg;
	struct master_processes processes;

	h->command = NULL;
	if (h->stopping && h->worker != 0)
		return; /* it has been asked to finish */
	if (reply == NULL || !master_parse_processes(reply, &processes)) {
		poll_soon(h); /* it may be re-executing */
		return;
	}
	h->worker = processes.worker;
	h->old_workers = processes.old_worker_count;
	if (h->stopping && h->worker != 0) {
		process_signal(h->process, SIGUSR1);
		return;
	}
	if (h->stopping || h->phase != APPLY_WAITING) {
		if (h->worker == 0)
			poll_soon(h);
		return;
	}
	if (h->worker != 0 && h->worker != h->worker_before) {
		succeed(h);
		return;
	}
	if (processes.reload_failed) {
		struct error err = ERROR_INIT;
		error_set(&err, EXIT_FAILED,
			  "HAProxy's master reports that the reload failed; its reason is in "
			  "the log");
		fail(h, &err);
		return;
	}
	poll_soon(h);
}

void haproxy_poll(int fd, short what, void *arg)
{
	struct haproxy *h = arg;

	(void)fd;
	(void)what;
	if (h->command != NULL)
		return;
	h->command = master_command(h->options.base, h->socket_path, "show proc", SHOW_TIMEOUT_MS,
				    on_processes, h);
	if (h->command == NULL)
		poll_soon(h);
}

void haproxy_watch_worker(struct haproxy *h)
{
	h->polls_left = POLLS_MAX;
	poll_soon(h);
}

void haproxy_find_worker_to_stop(struct haproxy *h)
{
	h->polls_left = POLLS_STOPPING;
	haproxy_poll(-1, 0, h);
}

/* ---- the steps of an apply */

/* The reply is not trusted: 2.6 says nothing and drops the socket, later versions have
 * been seen to call a slow success a failure.  `show proc` tells. */
static void on_reload_reply(const char *reply, void *arg)
{
	struct haproxy *h = arg;

	h->command = NULL;
	log_debug("HAProxy's answer to reload: %s", reply == NULL ? "none" : reply);
	h->phase = APPLY_WAITING;
	h->polls_left = POLLS_MAX;
	haproxy_poll(-1, 0, h);
}

static void reload(struct haproxy *h)
{
	struct error err = ERROR_INIT;

	if (haproxy_use_generation(h, h->candidate, &err) != 0) {
		fail(h, &err);
		return;
	}
	if (h->process == NULL) {
		not_running(h);
		return;
	}
	if (h->worker == 0) { /* a new worker could not be told from the first one */
		error_set(&err, EXIT_TRY_LATER, "HAProxy is still starting");
		fail(h, &err);
		return;
	}
	master_command_cancel(h->command);
	event_del(h->poll_timer);
	h->phase = APPLY_RELOADING;
	h->worker_before = h->worker;
	h->command = master_command(h->options.base, h->socket_path, "reload", RELOAD_TIMEOUT_MS,
				    on_reload_reply, h);
	if (h->command == NULL) {
		error_set(&err, EXIT_TRY_LATER, "HAProxy's master socket %s cannot be reached",
			  h->socket_path);
		fail(h, &err);
	}
}

static void on_checked(const struct process_result *result, void *arg)
{
	struct haproxy *h = arg;
	struct error err = ERROR_INIT;

	if (h->stopping)
		return;
	if (process_check(result, "HAProxy refuses the new configuration", &err) != 0) {
		fail(h, &err);
		return;
	}
	reload(h);
}

static int check(struct haproxy *h, struct error *err)
{
	char folder[HAPROXY_PATH_MAX], config[HAPROXY_PATH_MAX + 16];
	const char *const argv[] = {h->options.program, "-c", "-f", config, NULL};
	const struct process_spec spec = {
	    .name = "haproxy -c",
	    .argv = argv,
	    .timeout = CHECK_TIMEOUT,
	    .stdout_level = LOG_DEBUG,
	    .stderr_level = LOG_WARN,
	    .extra_fd = -1,
	    .done = on_checked,
	    .arg = h,
	};

	haproxy_generation_path(h, h->candidate, folder);
	snprintf(config, sizeof(config), "%s/haproxy.cfg", folder);
	return process_start(h->options.processes, &spec, err) == NULL ? -1 : 0;
}

static void begin(struct haproxy *h)
{
	struct error err = ERROR_INIT;

	h->phase = APPLY_CHECKING;
	waiters_begin(&h->waiters);
	h->candidate = h->generation + 1;
	if (haproxy_make_generation(h, h->candidate, &err) != 0 || check(h, &err) != 0)
		fail(h, &err);
}
