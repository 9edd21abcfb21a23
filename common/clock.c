#include "common/clock.h"

#include <errno.h>
#include <time.h>

long long clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_sleep_ms(long long milliseconds)
{
	if (milliseconds <= 0)
		return;
	long long until = clock_now_ms() + milliseconds;
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}
