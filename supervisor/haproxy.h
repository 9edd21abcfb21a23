/*
 * HAProxy: started in master-worker mode, restarted when it dies, and given a new
 * configuration as a two-phase commit.
 *
 * A configuration is rendered into a folder of its own and judged by `haproxy -c`; only
 * then does the link `current` move and the master reload, and only a new worker in
 * `show proc` counts as success.  On failure the link goes back and the old worker serves
 * on.
 */
#ifndef SUPERVISOR_HAPROXY_H
#define SUPERVISOR_HAPROXY_H

#include "common/error.h"
#include "supervisor/process.h"

#include <sys/types.h>
#include <time.h>

struct haproxy;

/* Writes the configuration as of now into `folder`. */
typedef int haproxy_render(void *arg, const char *folder, struct error *err);

struct haproxy_options {
	struct event_base *base;
	struct process_table *processes;
	const char *program; /* HAPROXY */
	const char *run_dir; /* its files are under run_dir/haproxy */
	haproxy_render *render;
	void *arg;
};

struct haproxy *haproxy_new(const struct haproxy_options *options, struct error *err);
void haproxy_free(struct haproxy *haproxy);

/* Renders and starts.  -1 only when the configuration cannot even be written; a HAProxy
 * that does not stay up is restarted, at most once a second, for as long as it takes. */
int haproxy_start(struct haproxy *haproxy, struct error *err);

/* err is NULL on success; its text is HAProxy's own words where it had any. */
typedef void haproxy_applied(const struct error *err, void *arg);

/* Puts the present state of affairs into effect.  Whoever asks while an apply is under
 * way is answered by the next one, which begins after it; all who ask meanwhile share it. */
int haproxy_apply(struct haproxy *haproxy, haproxy_applied *done, void *arg, struct error *err);

/* Lets connections finish, then ends it; `stopped` is called once when it is gone. */
void haproxy_stop(struct haproxy *haproxy, void (*stopped)(void *arg), void *arg);
/* No more waiting for connections. */
void haproxy_kill(struct haproxy *haproxy);

/* For the status. */
struct haproxy_status {
	pid_t master, worker; /* 0 when not running */
	unsigned old_workers;
	unsigned long generation; /* counts the configurations that went into effect */
	time_t applied_at;
	unsigned restarts; /* after it died by itself */
	const char *error; /* why the latest apply failed; "" after a success */
};
void haproxy_get_status(const struct haproxy *haproxy, struct haproxy_status *status);

#endif
