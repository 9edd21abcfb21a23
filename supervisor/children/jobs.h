/*
 * The programs of ours that the supervisor starts: which file each is, what it may see of the
 * settings (settings_child_environment()) and what it may do (confined.h).  Whoever starts one says
 * the rest: its words, its time, where its output goes.
 */
#ifndef SUPERVISOR_CHILDREN_JOBS_H
#define SUPERVISOR_CHILDREN_JOBS_H

#include "common/program_paths.h"
#include "common/settings.h"
#include "supervisor/children/process.h"

enum job_program {
	JOB_DNS,      /* ingress-dns */
	JOB_EVIDENCE, /* ingress-evidence */
	JOB_WEBHOOK,  /* the same, which may see the webhook's token */
	JOB_PROBE,    /* ingressctl, which connects to HAProxy */
	JOB_RESOLVE,  /* ingress-resolve */
};

struct job {
	enum job_program program;
	const char *const *words; /* behind the program's own name; NULL at the end */
	/* NAME=VALUE, NULL at the end, beside the settings that it may see; NULL: none. */
	const char *const *extra;
	const char *const *environment; /* in place of all that; NULL: all that */
	/* In seconds.  0 is for a service: it has no deadline, and what it says on standard error
	 * is logged; that of a job becomes its error. */
	long timeout;
	enum log_level output_level; /* of its standard output, unless ... */
	size_t capture_max;	     /* ... so much of it is kept for `done` */
	int stdin_fd;		     /* 0: /dev/null */
	int third_fd;		     /* the child's descriptor 3; 0: none */
	process_done *done;
	void *arg;
};

struct jobs;

/* What it is given outlives it. */
struct jobs *jobs_new(struct process_table *processes, const struct settings *settings,
		      const struct program_paths *programs, struct error *err);
void jobs_free(struct jobs *jobs);

/* NULL with err if it cannot be started; `done` is not called then. */
struct process *jobs_start(const struct jobs *jobs, const struct job *job, struct error *err);

/* Ends the jobs that run, and starts no more.  Services stay. */
void jobs_stop(struct jobs *jobs);
/* What becomes of a job from then on is no news to anybody. */
bool jobs_are_stopping(const struct jobs *jobs);

#endif
