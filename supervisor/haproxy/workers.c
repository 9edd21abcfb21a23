#include "supervisor/haproxy/workers.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	RELOAD_TIMEOUT_MS = 10000,
	COMMAND_TIMEOUT_MS = 10000,
	/* A master that re-executes may leave a connection waiting for good, so each look has a
	 * deadline.  The deadline grows with the pauses between the looks, so that a slow master
	 * is heard in the end. */
	SHOW_TIMEOUT_MS = 300,
	SHOW_TIMEOUT_PAUSES = 5,
	PAUSE_FIRST_MS = 20,
	PAUSE_LONGEST_MS = 1000,
	OLD_WORKERS_PAUSE_MS = 5000,
};

struct request {
	STAILQ_ENTRY(request) link;
	pid_t pid;
	char *text;
	master_reply *done;
	void *arg;
};

struct workers {
	struct event_base *base;
	char *socket_path;
	workers_seen *seen;
	workers_heard *heard; /* or NULL */
	void *arg;

	struct master_processes list; /* the latest; its worker has answered */
	struct master_processes next; /* the same, before its worker has */
	int pause_ms;
	struct event *timer;
	struct master_command *show; /* `show proc`, what follows it, or `reload` */

	STAILQ_HEAD(, request) requests; /* the first is under way when `command` is not NULL */
	unsigned request_count;
	struct master_command *command;
	struct event *next_request; /* from the loop: `done` may ask for more */
};

/* ---- looks */

static void look_in(struct workers *w, int ms)
{
	event_add(w->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static void look_again(struct workers *w, bool soon)
{
	if (w->show != NULL || event_pending(w->timer, EV_TIMEOUT, NULL))
		return; /* asked for from within `seen` */
	if (!soon) {
		if (w->list.old_worker_count > 0)
			look_in(w, OLD_WORKERS_PAUSE_MS);
		return;
	}
	look_in(w, w->pause_ms);
	/* A second apart after eight seconds. */
	w->pause_ms += w->pause_ms / 8;
	if (w->pause_ms > PAUSE_LONGEST_MS)
		w->pause_ms = PAUSE_LONGEST_MS;
}

static void take_list(struct workers *w, bool answered)
{
	struct master_processes list = w->next;

	if (answered)
		w->list = list;
	bool soon = w->seen(answered ? &list : NULL, w->arg);
	look_again(w, soon || !answered);
}

static int time_to_answer(const struct workers *w)
{
	int grown = SHOW_TIMEOUT_PAUSES * w->pause_ms;

	return grown > SHOW_TIMEOUT_MS ? grown : SHOW_TIMEOUT_MS;
}

static bool is_info(const char *reply)
{
	return reply != NULL && strstr(reply, "Name: ") != NULL;
}

/* Until the new worker answers, the worker before it serves, if there is one. */
static void on_worker_answer(const char *reply, void *arg)
{
	struct workers *w = arg;

	w->show = NULL;
	if (!is_info(reply)) {
		w->next.loading = w->next.worker;
		w->next.worker =
		    w->next.worker_before == w->list.worker ? w->next.worker_before : 0;
		master_drop_old_worker(&w->next, w->next.worker);
	}
	take_list(w, true);
}

static void on_list(const char *reply, void *arg)
{
	struct workers *w = arg;
	bool answered = reply != NULL && master_parse_processes(reply, &w->next);
	char command[64];

	w->show = NULL;
	if (answered && w->next.worker != 0 && w->next.worker != w->list.worker) {
		/* HAProxy 3.1 and later also list a worker that is still loading. */
		snprintf(command, sizeof(command), "@!%d; show info", (int)w->next.worker);
		w->show = master_command(w->base, w->socket_path, command, time_to_answer(w),
					 on_worker_answer, w);
		answered = w->show != NULL;
	}
	if (w->show == NULL)
		take_list(w, answered);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;

	(void)fd;
	(void)what;
	w->show =
	    master_command(w->base, w->socket_path, "show proc", time_to_answer(w), on_list, w);
	if (w->show == NULL)
		take_list(w, false);
}

static void stop_looking(struct workers *w)
{
	event_del(w->timer);
	master_command_cancel(w->show);
	w->show = NULL;
	w->pause_ms = PAUSE_FIRST_MS;
}

void workers_look(struct workers *w)
{
	stop_looking(w);
	look_in(w, 0);
}

/* ---- reload */

static void on_reload_reply(const char *reply, void *arg)
{
	struct workers *w = arg;

	log_debug("HAProxy's answer to reload: %s", reply == NULL ? "none" : reply);
	w->show = NULL;
	workers_look(w);
}

int workers_reload(struct workers *w, struct error *err)
{
	stop_looking(w);
	w->show = master_command(w->base, w->socket_path, "reload", RELOAD_TIMEOUT_MS,
				 on_reload_reply, w);
	if (w->show == NULL)
		return error_set(err, EXIT_TRY_LATER,
				 "HAProxy's master socket %s cannot be reached", w->socket_path);
	return 0;
}

/* ---- commands */

static void run_next_soon(struct workers *w)
{
	if (w->command == NULL && !STAILQ_EMPTY(&w->requests))
		event_add(w->next_request, &(struct timeval){0, 0});
}

static void free_request(struct workers *w, struct request *request)
{
	STAILQ_REMOVE(&w->requests, request, request, link);
	w->request_count--;
	free(request->text);
	free(request);
}

static void answer_first(struct workers *w, const char *reply)
{
	struct request *request = STAILQ_FIRST(&w->requests);
	master_reply *done = request->done;
	void *arg = request->arg;

	w->command = NULL;
	free_request(w, request);
	run_next_soon(w);
	done(reply, arg);
}

static void on_answer(const char *reply, void *arg)
{
	struct workers *w = arg;
	pid_t pid = STAILQ_FIRST(&w->requests)->pid;

	if (reply != NULL && strncmp(reply, "Can't find the target", 21) == 0) {
		/* Somebody else has reloaded HAProxy, or the worker is gone: the list is out of
		 * date. */
		reply = NULL;
		workers_look(w);
	} else if (w->heard != NULL && pid == w->list.worker) {
		w->heard(pid, reply != NULL, w->arg);
	}
	answer_first(w, reply);
}

static void on_next_request(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	struct request *request = STAILQ_FIRST(&w->requests);
	char text[WORKERS_COMMAND_LENGTH_MAX + 32];

	(void)fd;
	(void)what;
	if (request == NULL || w->command != NULL)
		return;
	snprintf(text, sizeof(text), "@!%d; %s", (int)request->pid, request->text);
	w->command =
	    master_command(w->base, w->socket_path, text, COMMAND_TIMEOUT_MS, on_answer, w);
	if (w->command == NULL)
		answer_first(w, NULL);
}

int workers_command(struct workers *w, pid_t pid, const char *text, master_reply *done, void *arg,
		    struct error *err)
{
	struct request *request;

	if (w->request_count >= WORKERS_COMMANDS_MAX)
		return error_set(err, EXIT_TRY_LATER, "%u commands wait for HAProxy already",
				 w->request_count);
	if (strlen(text) > WORKERS_COMMAND_LENGTH_MAX)
		return error_set(err, EXIT_FAILED, "a command to HAProxy is longer than %d bytes",
				 WORKERS_COMMAND_LENGTH_MAX);
	request = calloc(1, sizeof(*request));
	if (request != NULL)
		*request =
		    (struct request){.pid = pid, .text = strdup(text), .done = done, .arg = arg};
	if (request == NULL || request->text == NULL) {
		free(request);
		return error_no_memory(err);
	}
	STAILQ_INSERT_TAIL(&w->requests, request, link);
	w->request_count++;
	run_next_soon(w);
	return 0;
}

void workers_listen(struct workers *w, workers_heard *heard)
{
	w->heard = heard;
}

/* ---- what is known */

pid_t workers_current(const struct workers *w)
{
	return w->list.worker;
}

unsigned workers_old_count(const struct workers *w)
{
	return w->list.old_worker_count;
}

unsigned workers_old(const struct workers *w, pid_t *pids, unsigned room)
{
	unsigned known = w->list.old_worker_count < MASTER_OLD_WORKERS_MAX
			     ? w->list.old_worker_count
			     : MASTER_OLD_WORKERS_MAX;
	unsigned count = known < room ? known : room;

	memcpy(pids, w->list.old_workers, count * sizeof(*pids));
	return count;
}

/* ---- the object */

void workers_forget(struct workers *w)
{
	unsigned waiting = w->request_count; /* not those that are asked for meanwhile */

	stop_looking(w);
	w->list = (struct master_processes){0};
	master_command_cancel(w->command);
	while (waiting-- > 0)
		answer_first(w, NULL);
}

struct workers *workers_new(struct event_base *base, const char *socket_path, workers_seen *seen,
			    void *arg, struct error *err)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		goto fail;
	*w = (struct workers){
	    .base = base,
	    .socket_path = strdup(socket_path),
	    .seen = seen,
	    .arg = arg,
	    .pause_ms = PAUSE_FIRST_MS,
	    .timer = evtimer_new(base, on_timer, w),
	    .next_request = evtimer_new(base, on_next_request, w),
	};
	STAILQ_INIT(&w->requests);
	if (w->socket_path == NULL || w->timer == NULL || w->next_request == NULL)
		goto fail;
	return w;
fail:
	workers_free(w);
	error_no_memory(err);
	return NULL;
}

void workers_free(struct workers *w)
{
	if (w == NULL)
		return;
	master_command_cancel(w->show);
	master_command_cancel(w->command);
	while (!STAILQ_EMPTY(&w->requests))
		free_request(w, STAILQ_FIRST(&w->requests));
	if (w->timer != NULL)
		event_free(w->timer);
	if (w->next_request != NULL)
		event_free(w->next_request);
	free(w->socket_path);
	free(w);
}
