#include "common/deadline.h"

#include "common/clock.h"

#include <limits.h>

deadline deadline_in(long milliseconds)
{
	return clock_now_ms() + milliseconds;
}

long deadline_left(deadline when)
{
	long long left = when - clock_now_ms();

	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (long)left; /* poll() takes an int */
}

deadline deadline_nearer(deadline a, deadline b)
{
	return a < b ? a : b;
}

void deadline_sleep(long milliseconds, deadline limit)
{
	long left = deadline_left(limit);

	clock_sleep_ms(milliseconds < left ? milliseconds : left);
}
