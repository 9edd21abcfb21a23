#include "supervisor/domain_log.h"

#include "common/log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void forget(char **passed)
{
	free(*passed);
	*passed = NULL;
}

void domain_log_free(struct domain_log *log)
{
	for (size_t step = 0; step < STEP_COUNT; step++)
		forget(&log->passed[step]);
}

void domain_log_failed(const struct domain_log *log, enum step step, unsigned attempt, long seconds,
		       const char *why)
{
	const char *name = lifecycle_step_name(step);

	log_facts(LOG_WARN,
		  &(struct log_facts){.domain = log->domain,
				      .step = name,
				      .attempt = attempt,
				      .next_at = time(NULL) + seconds},
		  "%s failed (attempt %u, again in %ld s): %s", name, attempt, seconds, why);
}

void domain_log_passed(struct domain_log *log, enum step step, const char *why)
{
	const char *name = lifecycle_step_name(step);
	char **passed = &log->passed[step];
	bool is_told = *passed != NULL && strcmp(*passed, why) == 0;

	log_facts(is_told ? LOG_DEBUG : LOG_WARN,
		  &(struct log_facts){.domain = log->domain, .step = name},
		  "%s failed, which holds up nothing: %s", name, why);
	if (is_told)
		return;
	forget(passed);
	*passed = strdup(why);
}

void domain_log_done(struct domain_log *log, enum step step)
{
	const char *name = lifecycle_step_name(step);

	if (log->passed[step] == NULL)
		return;
	log_facts(LOG_INFO, &(struct log_facts){.domain = log->domain, .step = name},
		  "%s: this is over: %s", name, log->passed[step]);
	forget(&log->passed[step]);
}

static bool is_all_well(const struct domain_log *log)
{
	for (size_t step = 0; step < STEP_COUNT; step++)
		if (log->passed[step] != NULL)
			return false;
	return true;
}

void domain_log_rests(const struct domain_log *log, unsigned failures)
{
	if (failures == 0)
		return;
	log_info("[%s] %s, after %u failed attempt%s", log->domain,
		 is_all_well(log) ? "all is well again" : "the certificate is in order", failures,
		 failures == 1 ? "" : "s");
}
