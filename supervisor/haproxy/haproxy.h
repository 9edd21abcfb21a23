/*
 * HAProxy: started in master-worker mode, restarted when it dies, and given a new
 * configuration without a connection lost (see rollout.h).  A certificate that it does not start
 * with is left out: the others are served without it.
 */
#ifndef SUPERVISOR_HAPROXY_HAPROXY_H
#define SUPERVISOR_HAPROXY_HAPROXY_H

#include "common/error.h"
#include "supervisor/children/process.h"
#include "supervisor/haproxy/generations.h"
#include "supervisor/haproxy/workers.h"

#include <sys/types.h>
#include <time.h>

struct haproxy;

struct haproxy_options {
	struct event_base *base;
	struct process_table *processes;
	const char *program; /* HAPROXY */
	const char *run_dir; /* its files are under run_dir/haproxy */
	generations_render *render;
	/* There is a new worker, with what its configuration says.  Called before whoever waits
	 * for that configuration is answered.  May be NULL. */
	void (*worker_serves)(pid_t worker, void *arg);
	/* HAProxy does not start with the pair FILE.pem (haproxy_words.h).  What serves now may
	 * have another one, in the folder `served`.  Whether what is rendered from now on is
	 * without it. */
	bool (*refused)(const char *file, const char *served, void *arg);
	void *arg;
};

struct haproxy *haproxy_new(const struct haproxy_options *options, struct error *err);
void haproxy_free(struct haproxy *haproxy);

/* Renders and starts.  -1 only when the configuration cannot even be written; a HAProxy
 * that does not stay up is restarted, at most once a second, for as long as it takes.  One that
 * takes long to load is waited for. */
int haproxy_start(struct haproxy *haproxy, struct error *err);

/* err is NULL on success; its text is HAProxy's own words where it had any. */
typedef void haproxy_applied(const struct error *err, void *arg);

/* Puts the present state of affairs into effect.  Whoever asks while an apply is under
 * way is answered by the next one, which begins after it; all who ask meanwhile share it. */
int haproxy_apply(struct haproxy *haproxy, haproxy_applied *done, void *arg, struct error *err);

/* For commands to its workers. */
struct workers *haproxy_workers(const struct haproxy *haproxy);

/* Lets connections finish, then ends it; `stopped` is called once when it is gone. */
void haproxy_stop(struct haproxy *haproxy, void (*stopped)(void *arg), void *arg);
/* No more waiting for connections. */
void haproxy_kill(struct haproxy *haproxy);

/* For the status. */
struct haproxy_status {
	pid_t master, worker; /* 0 when not running; the worker also while it loads */
	unsigned old_workers;
	time_t loading_since;	  /* HAProxy loads a configuration since then; 0: it does not */
	unsigned long generation; /* counts the configurations that went into effect */
	time_t applied_at;
	unsigned restarts; /* after it died by itself */
	const char *error; /* why the latest apply failed; "" after a success */
};
void haproxy_get_status(const struct haproxy *haproxy, struct haproxy_status *status);

#endif
