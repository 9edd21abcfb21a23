#include "supervisor/haproxy/haproxy.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/children/confined.h"
#include "supervisor/children/restarts.h"
#include "supervisor/haproxy/haproxy_words.h"
#include "supervisor/haproxy/rollout.h"
#include "supervisor/haproxy/silence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOADING_TOLD_FIRST = 30, /* seconds; then after twice as long each time */
	STOP_PATIENCE = 1,	 /* for a worker that loads, when it is to be stopped */
};

struct haproxy {
	struct haproxy_options options;
	struct generations generations;
	char *socket_path;
	struct workers *workers;
	struct rollout *rollout;
	struct silence master_silence, worker_silence;
	struct process *process;
	struct event *timer; /* for the next start; when stopping, for the master's end */
	time_t started_at;
	struct restarts restarts;
	unsigned restart_count;
	bool is_outdated;  /* the configuration has a certificate that was taken out since */
	pid_t worker;	   /* that was told of; 0: none yet */
	long loading_told; /* seconds; 0: not yet */

	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* ---- its workers */

static time_t loading_since(const struct haproxy *h)
{
	if (h->process != NULL && h->worker == 0)
		return h->started_at;
	return rollout_loading_since(h->rollout);
}

static void tell_of_loading(struct haproxy *h)
{
	time_t since = loading_since(h);
	long seconds = since == 0 ? 0 : (long)(time(NULL) - since);

	if (since == 0)
		h->loading_told = 0;
	else if (seconds >= (h->loading_told == 0 ? LOADING_TOLD_FIRST : 2 * h->loading_told)) {
		h->loading_told = seconds;
		log_warn("HAProxy has been loading its configuration for %ld s; %s", seconds,
			 h->worker == 0 ? "nothing is served until it has"
					: "what it had before is served meanwhile");
	}
}

static void take_worker(struct haproxy *h, pid_t worker)
{
	if (worker == 0 || worker == h->worker)
		return;
	if (h->worker == 0 && h->restart_count > 0)
		log_info("HAProxy serves again (worker %d)", (int)worker);
	else if (h->worker == 0 && h->loading_told > 0)
		log_info("HAProxy serves now, after loading for %ld s",
			 (long)(time(NULL) - h->started_at));
	h->worker = worker;
	if (h->options.worker_serves != NULL)
		h->options.worker_serves(worker, h->options.arg);
}

/* Its end is followed by a new start, as any other end. */
static void watch_silence(struct haproxy *h)
{
	if (h->process == NULL ||
	    !silence_lasts(&h->master_silence, process_pid(h->process), clock_now_ms()))
		return;
	log_error("HAProxy's master (pid %d) has neither answered nor worked for %d s; it is ended",
		  (int)process_pid(h->process), SILENCE_MAX);
	silence_end(&h->master_silence);
	process_end(h->process);
}

/* A worker that hangs serves nobody, and no reload helps: a new one would share the port with it.
 * Until that is sure the master is looked at, by way of which the worker was asked. */
static void on_heard(pid_t worker, bool answered, void *arg)
{
	struct haproxy *h = arg;

	if (answered || worker != h->worker || h->stopping) {
		silence_end(&h->worker_silence);
		return;
	}
	if (!silence_lasts_behind(&h->worker_silence, &h->master_silence, worker, clock_now_ms())) {
		if (rollout_loading_since(h->rollout) == 0)
			workers_look(h->workers);
		return;
	}
	log_error("HAProxy's worker (pid %d) has neither answered nor worked for %d s; HAProxy is "
		  "ended",
		  (int)worker, SILENCE_MAX);
	silence_end(&h->worker_silence);
	process_end(h->process);
}

static bool on_seen(const struct master_processes *list, void *arg)
{
	struct haproxy *h = arg;
	bool found_late = h->worker == 0;

	if (list != NULL) {
		silence_end(&h->master_silence);
		take_worker(h, list->worker);
	} else if (!h->stopping) {
		watch_silence(h);
	}
	if (h->stopping) {
		/* A worker that was there has been asked to finish; this one came later. */
		if (found_late && h->worker != 0)
			process_signal(h->process, SIGUSR1);
		return h->worker == 0;
	}
	bool awaited = rollout_seen(h->rollout, list);
	tell_of_loading(h);
	return awaited || h->worker == 0;
}

/* ---- the process */

static long start_later(struct haproxy *h);
static long start_now(struct haproxy *h);

/* A master that ends since its worker was killed by signal N has status 128 + N, and says that it
 * ends, which is no reason.  Whoever is killed has no last words. */
static void describe_end(const struct process_result *result, struct error *err)
{
	bool worker_was_killed = result->exit_code > 128;
	char how[PROCESS_END_SIZE];

	process_describe_end(worker_was_killed ? result->exit_code - 128 : result->status, how);
	if (worker_was_killed)
		error_set(err, EXIT_FAILED, "HAProxy ended since its worker %s", how);
	else if (result->exit_code > 0 && result->last_error[0] != '\0')
		error_set(err, EXIT_FAILED, "HAProxy %s; its last error was: %s", how,
			  result->last_error);
	else if (result->exit_code == 0)
		error_set(err, EXIT_FAILED, "HAProxy ended by itself");
	else
		error_set(err, EXIT_FAILED, "HAProxy %s", how);
}

static bool leave_out(const char *words, void *arg)
{
	struct haproxy *h = arg;
	char file[SERVED_PAIR_NAME_MAX], served[GENERATIONS_PATH_MAX];

	if (!haproxy_refused(words, file))
		return false;
	snprintf(served, sizeof(served), "%s/current/certs", h->generations.folder);
	return h->options.refused(file, served, h->options.arg);
}

/* The configuration that HAProxy has not started with is made again, without the certificate that
 * it names. */
static bool is_made_again(struct haproxy *h, const char *words)
{
	struct generations *g = &h->generations;
	unsigned long next = g->in_effect + 1;
	struct error err = ERROR_INIT;

	if (!h->is_outdated && !leave_out(words, h))
		return false;
	h->is_outdated = true;
	if (generations_make(g, next, &err) != 0 || generations_link(g, next, &err) != 0) {
		log_error("%s", err.text);
		return false;
	}
	generations_remove(g, g->in_effect);
	g->in_effect = next;
	h->is_outdated = false;
	return true;
}

static void on_exit_of_haproxy(const struct process_result *result, void *arg)
{
	struct haproxy *h = arg;
	struct error err = ERROR_INIT;
	bool has_served = h->worker != 0; /* what it said of certificates is of an earlier reload */
	/* Another configuration is on its way otherwise, which is judged in the same way. */
	bool is_latest = rollout_is_idle(h->rollout);

	h->process = NULL;
	h->worker = 0;
	h->loading_told = 0;
	workers_forget(h->workers);
	if (h->stopping) {
		event_del(h->timer);
		h->stopped(h->stopped_arg);
		return;
	}
	describe_end(result, &err);
	h->restart_count++;
	rollout_haproxy_ended(h->rollout, &err);
	bool again = !has_served && is_latest && is_made_again(h, result->tail);
	long delay = again ? start_now(h) : start_later(h);
	log_error("%s; it is started again in %ld s (restart %u)", err.text, delay,
		  h->restart_count);
}

static int launch(struct haproxy *h, struct error *err)
{
	char config[GENERATIONS_PATH_MAX], socket[GENERATIONS_PATH_MAX + 64];
	char openssl[GENERATIONS_PATH_MAX + 16];
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
	    .judge = haproxy_judge_line,
	    .extra_fd = -1,
	    .death_signal = SIGTERM,
	    .confinement = &confined_haproxy,
	    .done = on_exit_of_haproxy,
	    .arg = h,
	};

	snprintf(config, sizeof(config), "%s/current/haproxy.cfg", h->generations.folder);
	snprintf(socket, sizeof(socket), "%s,mode,600", h->socket_path);
	/* Through the link: a master that is reloaded reads it again. */
	generations_openssl(&h->generations, 0, openssl);
	h->process = process_start(h->options.processes, &spec, err);
	if (h->process == NULL)
		return -1;
	h->started_at = time(NULL);
	restarts_started(&h->restarts);
	silence_end(&h->master_silence);
	silence_end(&h->worker_silence);
	workers_look(h->workers);
	return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct haproxy *h = arg;
	struct error err = ERROR_INIT;

	(void)fd;
	(void)what;
	if (h->stopping && h->process != NULL && h->worker == 0)
		process_signal(h->process, SIGTERM);
	if (h->stopping || h->process != NULL)
		return;
	if (launch(h, &err) != 0) {
		log_error("%s", err.text);
		start_later(h);
	}
}

/* At once is tempting, but a HAProxy that cannot start would keep a core busy. */
static long start_later(struct haproxy *h)
{
	long delay = restarts_next_delay(&h->restarts);

	event_add(h->timer, &(struct timeval){delay, 0});
	return delay;
}

/* Each time with one certificate less, so that it ends. */
static long start_now(struct haproxy *h)
{
	event_add(h->timer, &(struct timeval){0, 0});
	return 0;
}

int haproxy_start(struct haproxy *h, struct error *err)
{
	struct generations *g = &h->generations;

	if (generations_open(g, h->options.run_dir, h->options.render, h->options.arg, err) != 0 ||
	    generations_make(g, 1, err) != 0 || generations_link(g, 1, err) != 0)
		return -1;
	g->in_effect = 1;
	return launch(h, err);
}

/* ---- a new configuration */

int haproxy_apply(struct haproxy *h, haproxy_applied *done, void *arg, struct error *err)
{
	if (h->generations.in_effect == 0)
		return error_set(err, EXIT_TRY_LATER,
				 "HAProxy has not been started yet; when it is, it has the latest "
				 "configuration");
	return rollout_request(h->rollout, done, arg, err);
}

static bool is_running(void *arg)
{
	const struct haproxy *h = arg;

	return h->process != NULL;
}

struct workers *haproxy_workers(const struct haproxy *h)
{
	return h->workers;
}

/* ---- stop */

void haproxy_stop(struct haproxy *h, void (*stopped)(void *arg), void *arg)
{
	h->stopping = true;
	h->stopped = stopped;
	h->stopped_arg = arg;
	event_del(h->timer);
	rollout_stop(h->rollout);
	if (h->process == NULL) {
		stopped(arg);
		return;
	}
	/* A master that does not answer yet would miss the request to finish, and with it the
	 * connections that its worker has already: it is asked for that first. */
	if (h->worker != 0) {
		process_signal(h->process, SIGUSR1);
		return;
	}
	workers_look(h->workers);
	event_add(h->timer, &(struct timeval){STOP_PATIENCE, 0});
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
		goto no_memory;
	h->options = *options;
	h->socket_path = file_join(options->run_dir, "haproxy/master.sock");
	h->timer = evtimer_new(options->base, on_timer, h);
	if (h->socket_path == NULL || h->timer == NULL)
		goto no_memory;
	h->workers = workers_new(options->base, h->socket_path, on_seen, h, err);
	if (h->workers == NULL)
		goto fail;
	workers_listen(h->workers, on_heard);
	h->rollout =
	    rollout_new(&(struct rollout_options){options->processes, &h->generations, h->workers,
						  options->program, is_running, leave_out, h},
			err);
	if (h->rollout == NULL)
		goto fail;
	return h;
no_memory:
	error_no_memory(err);
fail:
	haproxy_free(h);
	return NULL;
}

void haproxy_free(struct haproxy *h)
{
	if (h == NULL)
		return;
	rollout_free(h->rollout);
	workers_free(h->workers);
	if (h->timer != NULL)
		event_free(h->timer);
	free(h->socket_path);
	free(h);
}

void haproxy_get_status(const struct haproxy *h, struct haproxy_status *status)
{
	time_t applied_at = rollout_applied_at(h->rollout);

	*status = (struct haproxy_status){
	    .master = h->process == NULL ? 0 : process_pid(h->process),
	    .worker = h->worker,
	    .old_workers = workers_old_count(h->workers),
	    .loading_since = loading_since(h),
	    .generation = h->generations.in_effect,
	    .applied_at = applied_at > h->started_at ? applied_at : h->started_at,
	    .restarts = h->restart_count,
	    .error = rollout_error(h->rollout),
	};
}
