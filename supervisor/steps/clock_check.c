#include "supervisor/steps/clock_check.h"

#include "common/log.h"
#include "common/utc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static void describe_span(long long seconds, char text[32])
{
	if (seconds >= 2 * DAY)
		snprintf(text, 32, "%lld days", seconds / DAY);
	else if (seconds >= 2 * HOUR)
		snprintf(text, 32, "%lld hours", seconds / HOUR);
	else
		snprintf(text, 32, "%lld minutes", seconds / MINUTE);
}

/* What was told already is not told again while it grows or shrinks. */
static void take(char problem[CLOCK_PROBLEM_MAX], const char *found)
{
	if (found[0] != '\0' && problem[0] == '\0')
		log_warn("%s", found);
	else if (found[0] == '\0' && problem[0] != '\0')
		log_info("the clock of this machine is right again");
	snprintf(problem, CLOCK_PROBLEM_MAX, "%s", found);
}

void clock_check_ca(struct clock_check *check, time_t ca_time, time_t now)
{
	long long ahead = (long long)now - ca_time;
	char found[CLOCK_PROBLEM_MAX] = "", span[32], theirs[UTC_SIZE];

	if (ca_time == 0)
		return;
	if (llabs(ahead) > CLOCK_TOLERANCE) {
		describe_span(llabs(ahead), span);
		utc_write(ca_time, theirs);
		snprintf(found, sizeof(found),
			 "the clock of this machine is %s %s the CA's, which says %s: certificates "
			 "are renewed at the wrong time until it is set right",
			 span, ahead > 0 ? "ahead of" : "behind", theirs);
	}
	take(check->by_ca, found);
}

void clock_check_certificate(struct clock_check *check, const char *domain, time_t not_before,
			     time_t now)
{
	char found[CLOCK_PROBLEM_MAX] = "", begin[UTC_SIZE];

	if (not_before > check->latest_begin)
		check->latest_begin = not_before;
	if (check->latest_begin > now + CLOCK_TOLERANCE) {
		if (check->by_certificate[0] != '\0')
			return;
		utc_write(not_before, begin);
		snprintf(found, sizeof(found),
			 "the clock of this machine is behind: the certificate of %.100s is valid "
			 "from %s on, which is still to come",
			 domain, begin);
	}
	take(check->by_certificate, found);
}

const char *clock_check_problem(const struct clock_check *check)
{
	return check->by_ca[0] != '\0' ? check->by_ca : check->by_certificate;
}
