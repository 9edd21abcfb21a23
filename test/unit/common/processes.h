/* Waiting for processes of a test, never longer than PATIENCE_MS. */
#ifndef TEST_UNIT_COMMON_PROCESSES_H
#define TEST_UNIT_COMMON_PROCESSES_H

#include "unit.h"

#include "common/clock.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

/* The wait status of `child`, which must end by itself in good time. */
static inline int wait_for(pid_t child)
{
	long long deadline = clock_now_ms() + PATIENCE_MS;
	int status;

	for (;;) {
		pid_t ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			return status;
		if (ended != 0 || clock_now_ms() > deadline)
			fail_msg("process %d does not end", (int)child);
		clock_sleep_ms(5);
	}
}

/* The decimal number that a child writes to `fd`. */
static inline pid_t read_pid(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char digits[32] = "";

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	assert_true(read(fd, digits, sizeof(digits) - 1) > 0);
	long pid = strtol(digits, NULL, 10);
	assert_true(pid > 1);
	return (pid_t)pid;
}

#endif
