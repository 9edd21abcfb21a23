/*
 * The one way this project starts a program.
 *
 * The child leads its own process group, has an empty signal mask and default signal
 * actions, no file descriptor but the ones given, exactly the given environment, and a
 * parent-death signal, so that it does not outlive a killed parent.  "Parent" is the thread
 * that called (prctl(2), PR_SET_PDEATHSIG): start children from the main one.
 */
#ifndef COMMON_SPAWN_H
#define COMMON_SPAWN_H

#include "common/buffer.h"
#include "common/confinement.h"
#include "common/error.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH if it has no '/' */
	const char *const *envp; /* NULL: no variable at all */
	int stdin_fd;		 /* -1: /dev/null; otherwise not closed here */
	int stdout_fd;		 /* -1: /dev/null */
	int stderr_fd;		 /* -1: /dev/null */
	int extra_fd;		 /* handed to the child as descriptor 3; -1: none */
	int death_signal;	 /* what the child gets when its parent dies; 0: SIGKILL */
	const char *work_dir;	 /* NULL: the parent's */
	bool join_stderr;	 /* standard error goes where standard output does */
	const struct confinement *confinement; /* NULL: none, but no core is dumped */
	bool drops_excess; /* spawn_run(): output that no longer fits is read, and lost */
};

#define SPAWN_INIT                                                            \
	{                                                                     \
		NULL, NULL, -1, -1, -1, -1, SIGKILL, NULL, false, NULL, false \
	}

/* The child's pid, or -1.  A program that cannot be executed is reported here, not as an
 * exit status of the child.  The caller reaps it. */
pid_t spawn_start(const struct spawn *spec, struct error *err);

/*
 * Runs to the end, for programs that have nothing else to do meanwhile: appends standard
 * output to `output` (in place of stdout_fd; NULL: stdout_fd is used), and ends the process
 * group by TERM, then KILL two seconds later, when `timeout_ms` has passed (err says so,
 * EXIT_TRY_LATER).  More output than `output` takes: KILL, and an error, unless it drops_excess.
 * What the child left running in its group is killed, and the child reaped, in every case.  Returns
 * 0 and the wait status as waitpid() gives it.
 */
int spawn_run(const struct spawn *spec, long timeout_ms, struct buffer *output, int *status,
	      struct error *err);

/* Where `name` is found in PATH (or itself, if it has a '/').  The caller frees. */
char *spawn_find_program(const char *name, struct error *err);

/* "exited with status 1", "was killed by signal 9 (Killed)": for messages. */
void spawn_describe_status(int status, char *text, size_t size);

#endif
