/*
 * HAProxy's workers, as its master tells of them: the one that serves, old ones that still let
 * their connections finish; and commands to any of them.
 *
 * The master is asked often while something is awaited (a worker that loads), every few seconds
 * while there are old workers, and not at all otherwise.  Nothing here gives up: a worker is
 * found whenever it comes.
 */
#ifndef SUPERVISOR_HAPROXY_WORKERS_H
#define SUPERVISOR_HAPROXY_WORKERS_H

#include "common/error.h"
#include "supervisor/haproxy/master_socket.h"

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

struct workers;

/* Called after each look at the master's list, whose `worker` has answered (one that has not is
 * `loading`); NULL: the master did not answer (it is loading, or not there yet).  The answer:
 * whether to look again soon. */
typedef bool workers_seen(const struct master_processes *list, void *arg);

/* Called when a command to the worker that serves was answered, or was not in time. */
typedef void workers_heard(pid_t worker, bool answered, void *arg);

struct workers *workers_new(struct event_base *base, const char *socket_path, workers_seen *seen,
			    void *arg, struct error *err);
/* Commands that have no answer yet get none. */
void workers_free(struct workers *workers);

/* With the `arg` of `seen`. */
void workers_listen(struct workers *workers, workers_heard *heard);

/* Looks at once, then with pauses that grow, until `seen` has had enough. */
void workers_look(struct workers *workers);
/* HAProxy is gone, and with it all of them; commands are answered with NULL. */
void workers_forget(struct workers *workers);

/* As of the latest look. */
pid_t workers_current(const struct workers *workers); /* 0: none is known */
unsigned workers_old_count(const struct workers *workers);
/* Up to `room` of them; how many there were. */
unsigned workers_old(const struct workers *workers, pid_t *pids, unsigned room);

/* Has the master load its configuration anew, then looks.  The master's own answer is not
 * trusted: 2.6 says nothing and drops the connection, later versions have been seen to call a
 * slow success a failure.  The list tells. */
int workers_reload(struct workers *workers, struct error *err);

enum {
	WORKERS_COMMANDS_MAX = 64,	  /* that may be under way or wait */
	WORKERS_COMMAND_LENGTH_MAX = 8192 /* HAProxy's own limit is 16 KiB a line */
};

/*
 * A command of HAProxy's management guide (section 9.3) to the worker `pid`; several may stand in
 * `text`, separated by "; ", and their answers follow each other with an empty line between.
 * One after the other, in order.  `done` is called once, later, as master_command() has it:
 * NULL also when there is no such worker any more.  -1, and no call, with EXIT_TRY_LATER when too
 * many wait.
 */
int workers_command(struct workers *workers, pid_t pid, const char *text, master_reply *done,
		    void *arg, struct error *err);

#endif
