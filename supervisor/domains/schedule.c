#include "supervisor/domains/schedule.h"

#include <string.h>

enum { DAY = 86400, SHORT_LIFETIME = 10 * DAY };

/* The longest time ahead of its end at which it may be renewed. */
static time_t longest_ahead(time_t lifetime)
{
	return lifetime < SHORT_LIFETIME ? lifetime / 2 : lifetime / 3 * 2;
}

bool schedule_is_too_early(time_t not_before, time_t not_after, long days_before)
{
	return days_before * DAY > longest_ahead(not_after - not_before);
}

time_t schedule_renewal(time_t not_before, time_t not_after, long days_before)
{
	time_t lifetime = not_after - not_before;

	if (schedule_is_too_early(not_before, not_after, days_before))
		return not_after - longest_ahead(lifetime);
	if (days_before > 0)
		return not_after - days_before * DAY;
	return not_after - (lifetime < SHORT_LIFETIME ? lifetime / 2 : lifetime / 3);
}

bool schedule_is_nearly_over(time_t not_before, time_t not_after, time_t now)
{
	return now >= not_after - (not_after - not_before) / 10;
}

bool schedule_is_due(time_t not_before, time_t not_after, long days_before, time_t issued_at,
		     time_t now)
{
	time_t rest_until = issued_at + (not_after - not_before) / 3;

	if (issued_at > 0 && issued_at <= now && now < rest_until)
		return false;
	return now >= schedule_renewal(not_before, not_after, days_before);
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

static void forget_future(struct budget *budget, time_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < budget->count; i++)
		if (budget->attempts[i] <= now)
			budget->attempts[kept++] = budget->attempts[i];
	budget->count = kept;
}

time_t budget_next(struct budget *budget, time_t now)
{
	forget_future(budget, now);
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

void budget_refund(struct budget *budget)
{
	if (budget->count > 0)
		budget->count--;
}

static time_t full_at(const struct bucket *bucket, struct bucket_size size, time_t now)
{
	bool is_from_the_future = bucket->full_at > now + (time_t)size.burst * size.refill;

	return is_from_the_future || bucket->full_at < now ? now : bucket->full_at;
}

time_t bucket_next(const struct bucket *bucket, struct bucket_size size, time_t now)
{
	time_t next = full_at(bucket, size, now) - (time_t)(size.burst - 1) * size.refill;

	return next > now ? next : now;
}

void bucket_take(struct bucket *bucket, struct bucket_size size, time_t now)
{
	bucket->full_at = full_at(bucket, size, now) + size.refill;
}

void bucket_give_back(struct bucket *bucket, struct bucket_size size)
{
	bucket->full_at -= size.refill;
}
