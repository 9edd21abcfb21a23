/*
 * Child processes in the event loop: started, their output logged line by line, ended at
 * their deadline, reaped, reported once.
 */
#ifndef SUPERVISOR_CHILDREN_PROCESS_H
#define SUPERVISOR_CHILDREN_PROCESS_H

#include "common/buffer.h"
#include "common/confinement.h"
#include "common/error.h"
#include "common/log.h"

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	PROCESS_KILL_DELAY = 5, /* seconds between TERM and KILL */
};

/* How a child ended. `exit_code` is -1 when it was killed by a signal. */
struct process_result {
	pid_t pid;
	int status; /* as waitpid() gives it */
	int exit_code;
	bool timed_out;
	const struct buffer *output; /* standard output, when it was captured */
	/* Its last line on standard error, or, where lines say or are judged how serious they are,
	 * the last error among them; "" if none. */
	const char *last_error;
	/* Its last lines on either stream, newline after each: for a reader who knows the
	 * program. */
	const char *tail;
};

typedef void process_done(const struct process_result *result, void *arg);

struct process_spec {
	const char *name; /* log prefix; outlives the process */
	const char *const *argv;
	const char *const *envp; /* NULL: empty */
	long timeout;		 /* seconds; 0: none (a service) */
	size_t capture_max;	 /* 0: standard output is logged; else kept for `done` */
	enum log_level stdout_level, stderr_level; /* of lines without a prefix, see log.h */
	/* For programs with a way of their own to say how serious a line is; may be NULL. */
	enum log_level (*judge)(const char *line);
	int stdin_fd;			       /* 0 (nobody's to give away): /dev/null */
	int extra_fd;			       /* descriptor 3 of the child, or -1 */
	const struct confinement *confinement; /* NULL: none; see confined.h */
	int death_signal;		       /* when the supervisor dies; 0: SIGKILL */
	process_done *done; /* called from the loop, exactly once; may start another */
	void *arg;
};

struct process_table;
struct process;

/* Takes over SIGCHLD and makes this process the reaper of orphaned descendants. */
struct process_table *process_table_new(struct event_base *base, struct error *err);
/* Kills what still runs, without calling `done`. */
void process_table_free(struct process_table *table);

/* NULL with err if it cannot be started; `done` is not called then. */
struct process *process_start(struct process_table *table, const struct process_spec *spec,
			      struct error *err);

pid_t process_pid(const struct process *process);
/* What was captured so far. */
const struct buffer *process_captured(const struct process *process);
/* A signal to the process alone. */
void process_signal(struct process *process, int signal);
/* TERM to its group now, KILL after PROCESS_KILL_DELAY. */
void process_end(struct process *process);

/* Ends everything that has a deadline (jobs, not services). */
void process_end_jobs(struct process_table *table);
size_t process_count(const struct process_table *table);

/* What the exit status of a program of ours that did not end well says. */
enum exit_code process_exit_code(int status);

/* "exited with status 1", "was killed by signal 9 (Killed); perhaps for want of memory: ...". */
enum { PROCESS_END_SIZE = 256 };
void process_describe_end(int status, char text[PROCESS_END_SIZE]);

/* Turns a failed result into an error: its own exit code if it is one of ours, and its
 * last words, or the signal that killed it. `what` names the attempt. Returns -1, or 0 if it exited
 * with 0. */
int process_check(const struct process_result *result, const char *what, struct error *err);

#endif
