#include "supervisor/children/restarts.h"

#include "common/clock.h"

enum {
	DELAY_MAX = 30, /* seconds */
	DOUBLINGS_MAX = 5,
	STABLE_MS = 60 * 1000,
};

void restarts_started(struct restarts *restarts)
{
	restarts->started_ms = clock_now_ms();
}

long restarts_next_delay(struct restarts *restarts)
{
	if (restarts->started_ms != 0 && clock_now_ms() - restarts->started_ms > STABLE_MS)
		restarts->in_row = 0;
	restarts->started_ms = 0;
	long delay =
	    1L << (restarts->in_row < DOUBLINGS_MAX ? restarts->in_row : (unsigned)DOUBLINGS_MAX);
	restarts->in_row++;
	return delay > DELAY_MAX ? DELAY_MAX : delay;
}
