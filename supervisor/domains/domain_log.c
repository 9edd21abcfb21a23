#include "supervisor/domains/domain_log.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void forget(char **told)
{
	free(*told);
	*told = NULL;
}

static void drop(struct error **untold)
{
	free(*untold);
	*untold = NULL;
}

void domain_log_free(struct domain_log *log)
{
	for (size_t step = 0; step < STEP_COUNT; step++) {
		forget(&log->told[step]);
		drop(&log->untold[step]);
	}
}

/* ---- causes */

/* What is behind the last ": " but so many; the whole text if there are fewer. */
static const char *behind_colons(const char *text, unsigned count)
{
	const char *at = text + strlen(text);

	while (at > text)
		if (--at > text && at[-1] == ':' && at[0] == ' ' && count-- == 0)
			return at + 1;
	return text;
}

static bool is_away(const struct error *err)
{
	return (err->code == EXIT_UNREACHABLE || err->code == EXIT_TRY_LATER) &&
	       err->retry_after == 0;
}

/*
 * What could not be asked at the same time is away for the same reason: DNS, or the network.  Else
 * the texts decide.  They go from what was tried to what was in its way ("cannot read the records
 * of app.example.com: HTTP status 403: invalid token"), and the last part alone may be the system's
 * word for many things.
 */
static bool is_of_one_cause(const struct error *one, const struct error *other)
{
	return (is_away(one) && is_away(other)) ||
	       strcmp(behind_colons(one->text, 1), behind_colons(other->text, 1)) == 0;
}

/* ---- lines */

/* `next_at` is 0 where nothing is tried again. */
static void tell(const struct domain_log *log, enum log_level level, enum step step, time_t next_at,
		 const char *words, const char *why)
{
	const char *name = lifecycle_step_name(step);

	log_facts(level,
		  &(struct log_facts){.domain = log->domain, .step = name, .next_at = next_at},
		  "%s%s: %s", name, words, why);
}

/* Tells what waits to be told; that which `cause` is behind, if it is not NULL, only to those who
 * want to know all. */
static void tell_rest(struct domain_log *log, time_t next_at, const char *words,
		      const struct error *cause)
{
	for (int step = 0; step < STEP_COUNT; step++) {
		struct error **untold = &log->untold[step];
		if (*untold == NULL)
			continue;
		if (cause != NULL && is_of_one_cause(*untold, cause)) {
			tell(log, LOG_DEBUG, (enum step)step, 0, " failed for the same reason",
			     (*untold)->text);
		} else {
			tell(log, LOG_WARN, (enum step)step, next_at, words, (*untold)->text);
			forget(&log->told[step]);
			log->told[step] = strdup((*untold)->text);
		}
		drop(untold);
	}
}

void domain_log_passed(struct domain_log *log, enum step step, const struct error *why)
{
	const char *told = log->told[step];

	if (log->since_ms[step] == 0)
		log->since_ms[step] = clock_now_ms();
	if (told != NULL && strcmp(told, why->text) == 0) {
		tell(log, LOG_DEBUG, step, 0, " still fails", why->text);
		return;
	}
	drop(&log->untold[step]);
	log->untold[step] = malloc(sizeof(*why));
	if (log->untold[step] == NULL)
		tell(log, LOG_WARN, step, 0, " failed", why->text);
	else
		*log->untold[step] = *why;
}

/* What the status puts before an error, "preflight: ", says no more than the line does. */
static const char *without_step(const char *why, const char *step)
{
	size_t length = strlen(step);

	return strncmp(why, step, length) == 0 && strncmp(why + length, ": ", 2) == 0
		   ? why + length + 2
		   : why;
}

void domain_log_failed(struct domain_log *log, enum step step, unsigned attempt, long seconds,
		       const struct error *why)
{
	const char *name = lifecycle_step_name(step);

	log_facts(LOG_WARN,
		  &(struct log_facts){.domain = log->domain,
				      .step = name,
				      .attempt = attempt,
				      .next_at = time(NULL) + seconds},
		  "%s failed (attempt %u, again in %ld s): %s", name, attempt, seconds,
		  without_step(why->text, name));
	tell_rest(log, 0, " failed as well", why);
}

void domain_log_waits(struct domain_log *log, enum step step, const struct error *why, bool is_news)
{
	if (is_news)
		tell(log, LOG_WARN, step, 0, "", why->text);
	tell_rest(log, 0, " failed as well", why);
}

void domain_log_done(struct domain_log *log, enum step step)
{
	char words[96];
	long long seconds = (clock_now_ms() - log->since_ms[step]) / 1000;

	log->since_ms[step] = 0;
	drop(&log->untold[step]);
	if (log->told[step] == NULL)
		return;
	snprintf(words, sizeof(words), " succeeded, after it had failed for %lld s", seconds);
	tell(log, LOG_INFO, step, 0, words, log->told[step]);
	forget(&log->told[step]);
}

static bool is_all_well(const struct domain_log *log)
{
	for (size_t step = 0; step < STEP_COUNT; step++)
		if (log->told[step] != NULL)
			return false;
	return true;
}

void domain_log_rests(struct domain_log *log, unsigned failures, long seconds)
{
	char words[96];

	snprintf(words, sizeof(words), " failed, which holds up nothing (again in %ld s)", seconds);
	tell_rest(log, time(NULL) + seconds, words, NULL);
	if (failures == 0)
		return;
	log_info("[%s] %s, after %u failed attempt%s", log->domain,
		 is_all_well(log) ? "all is well again" : "the certificate is in order", failures,
		 failures == 1 ? "" : "s");
}

void domain_log_stops(struct domain_log *log)
{
	tell_rest(log, 0, " failed", NULL);
}
