#include "supervisor/schedule.h"

#include <string.h>

enum { DAY = 86400 };

time_t schedule_renewal(time_t not_before, time_t not_after, long days_before)
{
	if (days_before > 0)
		return not_after - days_before * DAY;
	return not_after - (not_after - not_before) / 3;
}

long schedule_backoff(unsigned attempt, int costly)
{
	static const long cheap[] = {2, 5, 10, 30, 60, 120, 300, 600};
	static const long orders[] = {60, 300, 900, 1800, 3600, 7200, 14400};
	const long *delays = costly ? orders : cheap;
	unsigned count = costly ? sizeof(orders) / sizeof(*orders) : sizeof(cheap) / sizeof(*cheap);

	if (attempt == 0)
		attempt = 1;
	return delays[(attempt < count ? attempt : count) - 1];
}

long schedule_jitter(long seconds, uint32_t random)
{
	long span = seconds / 5;

	if (span == 0)
		return seconds;
	return seconds - span / 2 + (long)(random % (uint32_t)(span + 1));
}

long schedule_left(time_t not_before, time_t now)
{
	return not_before > now && not_before <= now + LONGEST_WAIT ? not_before - now : 0;
}

time_t budget_next(struct budget *budget, time_t now)
{
	/* For good: else whoever asks again after the window would be told the same again. */
	for (unsigned i = 0; i < budget->count; i++)
		if (budget->attempts[i] > now)
			budget->attempts[i] = now;
	if (budget->count < BUDGET_ATTEMPTS)
		return now;
	time_t free_at = budget->attempts[0] + BUDGET_WINDOW;
	return free_at > now ? free_at : now;
}

void budget_spend(struct budget *budget, time_t now)
{
	if (budget->count == BUDGET_ATTEMPTS) {
		memmove(budget->attempts, budget->attempts + 1,
			(BUDGET_ATTEMPTS - 1) * sizeof(budget->attempts[0]));
		budget->count--;
	}
	budget->attempts[budget->count++] = now;
}
