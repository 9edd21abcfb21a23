/*
 * A new configuration for a running HAProxy, as a two-phase commit.
 *
 * It is rendered into a folder of its own and judged by `haproxy -c`; only then does the link
 * `current` move and the master reload, and only a new worker in the master's list counts as
 * success, however long it takes to load.  A candidate that is refused for a certificate is made
 * again without it (haproxy_words.h).  On failure the link goes back and the old worker
 * serves on.
 */
#ifndef SUPERVISOR_HAPROXY_ROLLOUT_H
#define SUPERVISOR_HAPROXY_ROLLOUT_H

#include "common/error.h"
#include "supervisor/children/process.h"
#include "supervisor/children/waiters.h"
#include "supervisor/haproxy/generations.h"
#include "supervisor/haproxy/workers.h"

#include <stdbool.h>
#include <time.h>

struct rollout;

struct rollout_options {
	struct process_table *processes;
	struct generations *generations;
	struct workers *workers;
	const char *program;	       /* HAPROXY */
	bool (*is_running)(void *arg); /* whether there is a master */
	/* HAProxy refuses the candidate with these words.  Whether it is worth another try, since
	 * what is rendered now is without what they name. */
	bool (*leave_out)(const char *words, void *arg);
	void *arg;
};

struct rollout *rollout_new(const struct rollout_options *options, struct error *err);
void rollout_free(struct rollout *rollout);

/* Whoever asks while one is under way is answered by the next one, which begins after it; all
 * who ask meanwhile share it. */
int rollout_request(struct rollout *rollout, waiter_done *done, void *arg, struct error *err);

/* What workers.h has seen; the answer is whether more is awaited. */
bool rollout_seen(struct rollout *rollout, const struct master_processes *list);
/* HAProxy has ended, for the reason `err`. */
void rollout_haproxy_ended(struct rollout *rollout, const struct error *err);
/* No more of it: HAProxy is being stopped. */
void rollout_stop(struct rollout *rollout);

bool rollout_is_idle(const struct rollout *rollout);
/* When the latest one went into effect; 0: none did. */
time_t rollout_applied_at(const struct rollout *rollout);
/* Why the latest one failed; "" after a success. */
const char *rollout_error(const struct rollout *rollout);
/* Since when HAProxy has been loading a new configuration; 0: it is not. */
time_t rollout_loading_since(const struct rollout *rollout);

#endif
