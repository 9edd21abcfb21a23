/*
 * How long a program that is to run always, and has ended, waits for its next start: 1 s at
 * first, then twice as long each time, up to 30 s.  One that stayed for a minute begins anew.
 */
#ifndef SUPERVISOR_CHILDREN_RESTARTS_H
#define SUPERVISOR_CHILDREN_RESTARTS_H

/* All zero at first. */
struct restarts {
	long long started_ms; /* clock_now_ms(); 0: it was not started since the latest delay */
	unsigned in_row;
};

/* The program runs now. */
void restarts_started(struct restarts *restarts);

/* It has ended, or could not be started: seconds until its next start. */
long restarts_next_delay(struct restarts *restarts);

#endif
