#include "supervisor/addresses/resolver.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/addresses/address_news.h"
#include "supervisor/addresses/resolve_program.h"
#include "supervisor/children/jobs.h"
#include "supervisor/children/restarts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NETWORKS_FRESH_MS = 1000,
	SAVE_DELAY = 1,
	/* In this time each name has been looked up many times. */
	SILENCE_MAX = 120,
	FILE_MAX = 8 * 1024 * 1024,
};

struct resolver {
	struct resolver_options options;
	struct allowed_networks allowed;
	long long allowed_found; /* clock_now_ms(); 0: never */
	struct process *process;
	struct event *restart, *readable, *save, *silence, *patience;
	struct evbuffer *input;
	int fd; /* what the program writes comes out here; -1 while it does not run */
	struct restarts restarts;
	bool stopping;
	void (*waited)(void *arg); /* NULL: nobody waits for the first answers */
	void *waited_arg;
};

/* ---- the first answers */

static void tell_unknown(const struct backend_addresses *table)
{
	size_t without = 0, first = 0;

	for (size_t i = backend_addresses_count(table); i-- > 0;)
		if (!backend_addresses_at(table, i)->known) {
			without++;
			first = i;
		}
	if (without > 0)
		log_warn(
		    "DNS has told no address yet for %zu of %zu backends (%s%s): their clients "
		    "are refused until it does",
		    without, backend_addresses_count(table),
		    backend_addresses_at(table, first)->name, without > 1 ? ", ..." : "");
}

static bool may_answer_soon(const struct resolver *r)
{
	return r->fd >= 0 && backend_addresses_unanswered(r->options.table) > 0;
}

static void end_wait(struct resolver *r)
{
	void (*done)(void *arg) = r->waited;

	if (done == NULL)
		return;
	r->waited = NULL;
	event_del(r->patience);
	tell_unknown(r->options.table);
	done(r->waited_arg);
}

static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_wait(arg);
}

void resolver_wait(struct resolver *r, int milliseconds, void (*done)(void *arg), void *arg)
{
	r->waited = done;
	r->waited_arg = arg;
	if (!may_answer_soon(r))
		end_wait(r);
	else
		event_add(r->patience,
			  &(struct timeval){milliseconds / 1000, milliseconds % 1000 * 1000L});
}

/* ---- answers */

/* A container may be connected to another network, or get another address, as it runs. */
static void refresh_networks(struct resolver *r)
{
	struct error err = ERROR_INIT;
	long long now = clock_now_ms();

	if (r->allowed_found != 0 && now - r->allowed_found < NETWORKS_FRESH_MS)
		return;
	if (own_networks_find(&r->allowed, &err) != 0)
		log_warn("%s", err.text);
	r->allowed_found = now;
}

static void stop_reading(struct resolver *r)
{
	if (r->readable != NULL)
		event_free(r->readable);
	r->readable = NULL;
	file_close(&r->fd);
	evbuffer_drain(r->input, evbuffer_get_length(r->input));
}

static void take_lines(struct resolver *r)
{
	bool changed = false;
	char *line;

	while ((line = evbuffer_readln(r->input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		changed |= address_news_take(r->options.table, line, &r->allowed);
		free(line);
	}
	if (!changed)
		return;
	if (!event_pending(r->save, EV_TIMEOUT, NULL))
		event_add(r->save, &(struct timeval){SAVE_DELAY, 0});
	r->options.changed(r->options.arg);
}

static void read_some(struct resolver *r)
{
	int got = evbuffer_read(r->input, r->fd, -1);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	event_add(r->silence, &(struct timeval){SILENCE_MAX, 0});
	refresh_networks(r);
	take_lines(r);
	if (got > 0 && evbuffer_get_length(r->input) < DNS_ANSWER_LINE_MAX)
		return;
	/* The program has ended: it is started again once its exit status is known. */
	stop_reading(r);
	if (got > 0 && r->process != NULL) {
		log_error("ingress-resolve writes a line without an end; it is stopped");
		process_end(r->process);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	read_some(r);
	if (!may_answer_soon(r))
		end_wait(r);
}

static void on_silence(evutil_socket_t fd, short what, void *arg)
{
	const struct resolver *r = arg;

	(void)fd;
	(void)what;
	if (r->process == NULL)
		return;
	log_error("ingress-resolve has said nothing for %d s; it is stopped", SILENCE_MAX);
	process_end(r->process);
}

/* ---- the file */

static void load(struct resolver *r)
{
	struct error err = ERROR_INIT;
	struct buffer text;

	if (!file_exists(r->options.file))
		return;
	buffer_init(&text, FILE_MAX);
	if (file_read(r->options.file, &text, &err) != 0)
		log_warn("the addresses of an earlier run cannot be read: %s", err.text);
	else
		backend_addresses_load(r->options.table, buffer_text(&text), &r->allowed);
	buffer_free(&text);
}

static void save(struct resolver *r)
{
	struct error err = ERROR_INIT;
	struct buffer text;

	buffer_init(&text, FILE_MAX);
	backend_addresses_save(r->options.table, &text);
	if (buffer_check(&text, r->options.file, &err) != 0 ||
	    file_write(r->options.file, 0600, buffer_text(&text), text.length, &err) != 0)
		log_warn("the addresses of backends are not kept for a restart: %s", err.text);
	buffer_free(&text);
}

static void on_save(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	save(arg);
}

/* ---- the process */

static void on_exit_of_program(const struct process_result *result, void *arg);

static int launch(struct resolver *r, int names, int lines, struct error *err)
{
	static const char *const words[] = {"follow", "--fd", "3", NULL};
	struct resolve_environment environment;
	const struct job service = {
	    .program = JOB_RESOLVE,
	    .words = words,
	    .environment = environment.variables,
	    .output_level = LOG_INFO,
	    .stdin_fd = names,
	    .third_fd = lines,
	    .done = on_exit_of_program,
	    .arg = r,
	};

	resolve_environment_make(&environment);
	r->process = jobs_start(r->options.jobs, &service, err);
	return r->process == NULL ? -1 : 0;
}

static int start(struct resolver *r, struct error *err)
{
	int names AUTO_CLOSE = resolve_names_file(r->options.table, err), lines AUTO_CLOSE = -1;
	int ends[2];

	if (names < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a pipe");
	r->fd = ends[0];
	lines = ends[1];
	r->readable = event_new(r->options.base, r->fd, EV_READ | EV_PERSIST, on_readable, r);
	if (r->readable == NULL || event_add(r->readable, NULL) != 0) {
		stop_reading(r);
		return error_no_memory(err);
	}
	if (fcntl(r->fd, F_SETFL, O_NONBLOCK) != 0 || launch(r, names, lines, err) != 0) {
		stop_reading(r);
		return -1;
	}
	event_add(r->silence, &(struct timeval){SILENCE_MAX, 0});
	restarts_started(&r->restarts);
	return 0;
}

static long start_later(struct resolver *r)
{
	long delay = restarts_next_delay(&r->restarts);

	event_add(r->restart, &(struct timeval){delay, 0});
	return delay;
}

static void on_exit_of_program(const struct process_result *result, void *arg)
{
	struct resolver *r = arg;
	struct error err = ERROR_INIT;

	r->process = NULL;
	if (r->fd >= 0)
		while (evbuffer_read(r->input, r->fd, -1) > 0)
			take_lines(r);
	stop_reading(r);
	if (r->stopping)
		return;
	end_wait(r);
	if (process_check(result, "ingress-resolve ended", &err) == 0)
		error_set(&err, EXIT_FAILED, "ingress-resolve ended by itself");
	log_error("%s; it is started again in %ld s, until then backends stay where they are",
		  err.text, start_later(r));
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct error err = ERROR_INIT;

	(void)fd;
	(void)what;
	if (!r->stopping && start(r, &err) != 0) {
		log_error("%s", err.text);
		start_later(r);
	}
}

/* ---- the object */

struct resolver *resolver_new(const struct resolver_options *options, struct error *err)
{
	struct resolver *r = calloc(1, sizeof(*r));
	struct error trouble = ERROR_INIT;

	if (r == NULL)
		goto fail;
	r->options = *options;
	r->fd = -1;
	r->allowed.listed = options->settings->backend_networks;
	r->allowed.listed_count = options->settings->backend_network_count;
	r->input = evbuffer_new();
	r->restart = evtimer_new(options->base, on_restart, r);
	r->save = evtimer_new(options->base, on_save, r);
	r->silence = evtimer_new(options->base, on_silence, r);
	r->patience = evtimer_new(options->base, on_patience_over, r);
	if (!r->input || !r->restart || !r->save || !r->silence || !r->patience)
		goto fail;
	if (backend_addresses_count(options->table) == 0)
		return r;
	refresh_networks(r);
	load(r);
	if (start(r, &trouble) != 0) {
		log_error("%s", trouble.text);
		start_later(r);
	}
	return r;
fail:
	resolver_free(r);
	error_no_memory(err);
	return NULL;
}

void resolver_stop(struct resolver *r)
{
	r->stopping = true;
	event_del(r->restart);
	if (event_pending(r->save, EV_TIMEOUT, NULL)) {
		event_del(r->save);
		save(r);
	}
	if (r->process != NULL)
		process_end(r->process);
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	if (r->readable != NULL)
		event_free(r->readable);
	if (r->restart != NULL)
		event_free(r->restart);
	if (r->save != NULL)
		event_free(r->save);
	if (r->silence != NULL)
		event_free(r->silence);
	if (r->patience != NULL)
		event_free(r->patience);
	if (r->input != NULL)
		evbuffer_free(r->input);
	file_close(&r->fd);
	own_networks_clear(&r->allowed);
	free(r);
}
