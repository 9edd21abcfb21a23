/* Commands to HAProxy's master process over its socket (HAProxy management guide,
 * section 9.4 "Master CLI"), without blocking. */
#ifndef SUPERVISOR_HAPROXY_MASTER_SOCKET_H
#define SUPERVISOR_HAPROXY_MASTER_SOCKET_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

/* The counters of 10,000 backends take 3 MB. */
enum { MASTER_REPLY_MAX = 16 * 1024 * 1024 };

/* `reply` is all that came until the master closed; NULL when it could not be reached or
 * did not finish before the deadline. */
typedef void master_reply(const char *reply, void *arg);

struct master_command;

/* NULL when there is no such socket or memory ran out; `done` is not called then. */
struct master_command *master_command(struct event_base *base, const char *socket_path,
				      const char *command, int timeout_ms, master_reply *done,
				      void *arg);
void master_command_cancel(struct master_command *command);

enum { MASTER_OLD_WORKERS_MAX = 64 };

/* The answer to `show proc`. */
struct master_processes {
	pid_t worker; /* the current one; 0 when there is none */
	/* The newest of the others, or 0: it serves as long as the current one is still loading,
	 * which HAProxy 3.1 and later list from its beginning on. */
	pid_t worker_before;
	pid_t loading; /* see workers.h; 0 here */
	pid_t old_workers[MASTER_OLD_WORKERS_MAX];
	unsigned old_worker_count; /* all of them, also those beyond the array */
	long reloads;		   /* that the master has taken so far, those that failed too */
	bool reload_failed;	   /* the latest of them failed */
};

/* false when the text is not such an answer. */
bool master_parse_processes(const char *reply, struct master_processes *processes);
/* Counts an old worker no more as one. */
void master_drop_old_worker(struct master_processes *processes, pid_t pid);

#endif
