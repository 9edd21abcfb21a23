/* Shared by haproxy.c (the process) and haproxy_apply.c (a new configuration); nobody
 * else includes this. */
#ifndef SUPERVISOR_HAPROXY_APPLY_H
#define SUPERVISOR_HAPROXY_APPLY_H

#include "supervisor/haproxy.h"
#include "supervisor/master_socket.h"
#include "supervisor/waiters.h"

#include <stdbool.h>

enum { HAPROXY_PATH_MAX = 512 };

enum apply_phase {
	APPLY_IDLE,
	APPLY_CHECKING,	 /* `haproxy -c` runs on the candidate */
	APPLY_RELOADING, /* the master was told */
	APPLY_WAITING,	 /* for a worker that was not there before */
};

struct haproxy {
	struct haproxy_options options;
	char *folder, *socket_path;
	struct process *process;
	struct event *restart_timer, *poll_timer;
	time_t started_at, applied_at;
	long restart_delay;
	unsigned restarts, restarts_in_row;
	pid_t worker; /* 0 until the master has been asked */
	unsigned old_workers;
	unsigned long generation; /* in effect */

	enum apply_phase phase;
	unsigned long candidate; /* generation being applied */
	pid_t worker_before;
	int polls_left;
	struct master_command *command;
	struct waiters waiters;
	char error[ERROR_TEXT_MAX];

	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

int haproxy_make_generation(struct haproxy *h, unsigned long number, struct error *err);
void haproxy_generation_path(const struct haproxy *h, unsigned long number,
			     char path[HAPROXY_PATH_MAX]);
int haproxy_use_generation(struct haproxy *h, unsigned long number, struct error *err);

/* Asks the master for its workers now and then until one is there. */
void haproxy_watch_worker(struct haproxy *h);
/* Asks the master for its worker, to have it finish (SIGUSR1); for a second, then ends the master.
 */
void haproxy_find_worker_to_stop(struct haproxy *h);
void haproxy_poll(int fd, short what, void *arg);
/* HAProxy died in the middle of an apply. */
void haproxy_apply_interrupted(struct haproxy *h, const struct error *err);
void haproxy_apply_forget(struct haproxy *h);

#endif
