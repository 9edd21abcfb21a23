#include "supervisor/haproxy.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/haproxy_apply.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESTART_DELAY_MAX = 30, STABLE_SECONDS = 60 };

/* ---- files */

int haproxy_make_generation(struct haproxy *h, unsigned long number, struct error *err)
{
	char folder[HAPROXY_PATH_MAX];

	haproxy_generation_path(h, number, folder);
	if (file_remove_tree(folder, err) != 0 || file_make_dirs(folder, 0700, err) != 0)
		return -1;
	return h->options.render(h->options.arg, folder, err);
}

void haproxy_generation_path(const struct haproxy *h, unsigned long number,
			     char path[HAPROXY_PATH_MAX])
{
	snprintf(path, HAPROXY_PATH_MAX, "%s/generation-%lu", h->folder, number);
}

int haproxy_use_generation(struct haproxy *h, unsigned long number, struct error *err)
{
	char target[64], link[HAPROXY_PATH_MAX];

	snprintf(target, sizeof(target), "generation-%lu", number);
	snprintf(link, sizeof(link), "%s/current", h->folder);
	return file_swap_link(target, link, err);
}

/* ---- the process */

static void start_later(struct haproxy *h);

static void on_exit_of_haproxy(const struct process_result *result, void *arg)
{
	struct haproxy *h = arg;
	struct error err = ERROR_INIT;
	time_t now = time(NULL);

	h->process = NULL;
	h->worker = 0;
	h->old_workers = 0;
	event_del(h->poll_timer);
	if (h->stopping) {
		master_command_cancel(h->command);
		h->command = NULL;
		h->stopped(h->stopped_arg);
		return;
	}
	process_check(result, "HAProxy ended", &err);
	if (result->exit_code == 0)
		error_set(&err, EXIT_FAILED, "HAProxy ended by itself");
	if (now - h->started_at > STABLE_SECONDS)
		h->restarts_in_row = 0;
	h->restarts++;
	start_later(h);
	log_error("%s; it is started again in %ld s (restart %u)", err.text, h->restart_delay,
		  h->restarts);
	haproxy_apply_interrupted(h, &err);
}

/* What HAProxy warns of although it is as it should be.  At every reload it has a line for
 * each proxy that stops: thousands, with thousands of routes. */
static const char *const expected[] = {
    " stopped (cumulated",
    "exited with code 0 ",
    "Exiting Master process",
    "All workers exited",
    "no SSL certificate specified for bind", /* before the first one is issued */
};

static enum log_level judge_line(const char *line)
{
	if (strncmp(line, "[ALERT]", 7) == 0)
		return LOG_ERROR;
	if (strncmp(line, "[NOTICE]", 8) == 0)
		return LOG_DEBUG;
	if (strncmp(line, "[WARNING]", 9) != 0)
		return LOG_INFO;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (strstr(line, expected[i]) != NULL)
			return LOG_DEBUG;
	return LOG_WARN;
}

static int launch(struct haproxy *h, struct error *err)
{
	char config[HAPROXY_PATH_MAX], socket[HAPROXY_PATH_MAX + 64];
	char openssl[HAPROXY_PATH_MAX + 16];
	const char *const argv[] = {
	    h->options.program, "-W", "-db", "-S", socket, "-f", config, NULL};
	/* Built from nothing: no secret can be in it.  OpenSSL takes and gives back some hundreds
	 * of small blocks for a handshake: keeping more than glibc's seven of each size at hand
	 * saves 1 % of a new connection's CPU, for at most 4.4 MB a thread. */
	const char *const environment[] = {openssl, "GLIBC_TUNABLES=glibc.malloc.tcache_count=127",
					   NULL};
	const struct process_spec spec = {
	    .name = "haproxy",
	    .argv = argv,
	    .envp = environment,
	    .stdout_level = LOG_INFO,
	    .stderr_level = LOG_INFO,
	    .judge = judge_line,
	    .extra_fd = -1,
	    .death_signal = SIGTERM,
	    .done = on_exit_of_haproxy,
	    .arg = h,
	};

	snprintf(config, sizeof(config), "%s/current/haproxy.cfg", h->folder);
	snprintf(socket, sizeof(socket), "%s,mode,600", h->socket_path);
	/* Through the link: a master that is reloaded reads it again. */
	snprintf(openssl, sizeof(openssl), "OPENSSL_CONF=%s/current/openssl.cnf", h->folder);
	h->process = process_start(h->options.processes, &spec, err);
	if (h->process == NULL)
		return -1;
	h->started_at = time(NULL);
	h->applied_at = h->started_at;
	haproxy_watch_worker(h);
	return 0;
}

static void on_restart_timer(evutil_socket_t fd, short what, void *arg)
{
	struct haproxy *h = arg;
	struct error err = ERROR_INIT;

	(void)fd;
	(void)what;
	if (h->stopping || h->process != NULL)
		return;
	if (launch(h, &err) != 0) {
		log_error("%s", err.text);
		start_later(h);
	}
}

/* At once is tempting, but a HAProxy that cannot start would keep a core busy. */
static void start_later(struct haproxy *h)
{
	h->restart_delay = 1L << (h->restarts_in_row < 5 ? h->restarts_in_row : 5);
	if (h->restart_delay > RESTART_DELAY_MAX)
		h->restart_delay = RESTART_DELAY_MAX;
	h->restarts_in_row++;
	event_add(h->restart_timer, &(struct timeval){h->restart_delay, 0});
}

/* Files of an earlier run are of no use: the folder is on a volume that may survive. */
static int prepare_folder(struct haproxy *h, struct error *err)
{
	if (file_remove_tree(h->folder, err) != 0)
		return -1;
	return file_make_dirs(h->folder, 0700, err);
}

int haproxy_start(struct haproxy *h, struct error *err)
{
	if (prepare_folder(h, err) != 0 || haproxy_make_generation(h, 1, err) != 0 ||
	    haproxy_use_generation(h, 1, err) != 0)
		return -1;
	h->generation = 1;
	return launch(h, err);
}

/* ---- stop */

void haproxy_stop(struct haproxy *h, void (*stopped)(void *arg), void *arg)
{
	h->stopping = true;
	h->stopped = stopped;
	h->stopped_arg = arg;
	event_del(h->restart_timer);
	event_del(h->poll_timer);
	if (h->process == NULL) {
		stopped(arg);
		return;
	}
	/* A master that does not answer yet would miss the request to finish, and with it the
	 * connections that its worker has already: it is asked for that first. */
	if (h->worker != 0)
		process_signal(h->process, SIGUSR1);
	else
		haproxy_find_worker_to_stop(h);
}

void haproxy_kill(struct haproxy *h)
{
	if (h->process != NULL)
		process_end(h->process);
}

/* ---- the object */

struct haproxy *haproxy_new(const struct haproxy_options *options, struct error *err)
{
	struct haproxy *h = calloc(1, sizeof(*h));

	if (h == NULL)
		goto fail;
	h->options = *options;
	h->folder = file_join(options->run_dir, "haproxy");
	h->socket_path = file_join(options->run_dir, "haproxy/master.sock");
	h->restart_timer = evtimer_new(options->base, on_restart_timer, h);
	h->poll_timer = evtimer_new(options->base, haproxy_poll, h);
	if (!h->folder || !h->socket_path || !h->restart_timer || !h->poll_timer)
		goto fail;
	return h;
fail:
	haproxy_free(h);
	error_no_memory(err);
	return NULL;
}

void haproxy_free(struct haproxy *h)
{
	if (h == NULL)
		return;
	haproxy_apply_forget(h);
	if (h->restart_timer != NULL)
		event_free(h->restart_timer);
	if (h->poll_timer != NULL)
		event_free(h->poll_timer);
	free(h->folder);
	free(h->socket_path);
	free(h);
}

void haproxy_get_status(const struct haproxy *h, struct haproxy_status *status)
{
	*status = (struct haproxy_status){
	    .master = h->process == NULL ? 0 : process_pid(h->process),
	    .worker = h->worker,
	    .old_workers = h->old_workers,
	    .generation = h->generation,
	    .applied_at = h->applied_at,
	    .restarts = h->restarts,
	    .error = h->error,
	};
}
