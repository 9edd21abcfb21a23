#include "supervisor/steps/order_sweep.h"

#include "common/domain.h"
#include "common/log.h"
#include "common/settings.h"
#include "supervisor/children/jobs.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_TIMEOUT = 180 };

/* Of one domain. */
struct mark {
	bool is_under_way, has_left;
};

struct order_sweep {
	const struct settings *settings;
	const struct jobs *jobs;
	struct mark *marks; /* one for each of settings->domains */
	void (*done)(void *arg);
	void *arg;
	bool stopping;
};

struct order_sweep *order_sweep_new(const struct settings *settings, const struct jobs *jobs,
				    struct error *err)
{
	struct order_sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep != NULL)
		sweep->marks = calloc(settings->domain_count, sizeof(*sweep->marks));
	if (sweep == NULL || sweep->marks == NULL) {
		free(sweep);
		error_no_memory(err);
		return NULL;
	}
	sweep->settings = settings;
	sweep->jobs = jobs;
	return sweep;
}

void order_sweep_free(struct order_sweep *sweep)
{
	if (sweep == NULL)
		return;
	free(sweep->marks);
	free(sweep);
}

static void tell(const struct process_result *result)
{
	struct error err = ERROR_INIT;

	if (process_check(result, "removing left-over challenge records", &err) != 0)
		log_warn("%s", err.text);
}

static int start(struct order_sweep *sweep, const char *what, process_done *done)
{
	const char *const words[] = {"cleanup", what, NULL};
	const struct job job = {
	    .program = JOB_DNS,
	    .words = words,
	    .timeout = SWEEP_TIMEOUT,
	    .output_level = LOG_DEBUG,
	    .done = done,
	    .arg = sweep,
	};
	struct error err = ERROR_INIT;

	if (sweep->stopping || jobs_start(sweep->jobs, &job, &err) != NULL)
		return 0;
	log_warn("%s", err.text);
	return -1;
}

/* ---- at the start */

static void on_all_swept(const struct process_result *result, void *arg)
{
	struct order_sweep *sweep = arg;

	tell(result);
	sweep->done(sweep->arg);
}

void order_sweep_all(struct order_sweep *sweep, void (*done)(void *arg), void *arg)
{
	sweep->done = done;
	sweep->arg = arg;
	if (start(sweep, "--all", on_all_swept) != 0)
		done(arg);
}

/* ---- after an order */

static void on_swept(const struct process_result *result, void *arg)
{
	(void)arg;
	tell(result);
}

void order_sweep_begins(struct order_sweep *sweep, size_t domain)
{
	sweep->marks[domain].is_under_way = true;
}

/* A name and its wildcard have the same challenge name. */
static bool has_base(const struct order_sweep *sweep, size_t domain, const char *base)
{
	return strcmp(domain_base(sweep->settings->domains[domain]), base) == 0;
}

void order_sweep_ends(struct order_sweep *sweep, size_t domain, bool may_have_left)
{
	const char *base = domain_base(sweep->settings->domains[domain]);
	bool has_left = false;

	sweep->marks[domain].is_under_way = false;
	sweep->marks[domain].has_left = sweep->marks[domain].has_left || may_have_left;
	for (size_t i = 0; i < sweep->settings->domain_count; i++) {
		if (!sweep->marks[i].is_under_way && !sweep->marks[i].has_left)
			continue;
		if (!has_base(sweep, i, base))
			continue;
		if (sweep->marks[i].is_under_way)
			return; /* it sees to that when it ends */
		has_left = true;
	}
	if (!has_left)
		return;
	for (size_t i = 0; i < sweep->settings->domain_count; i++)
		if (sweep->marks[i].has_left && has_base(sweep, i, base))
			sweep->marks[i].has_left = false;
	start(sweep, base, on_swept);
}

void order_sweep_stop(struct order_sweep *sweep)
{
	sweep->stopping = true;
}
