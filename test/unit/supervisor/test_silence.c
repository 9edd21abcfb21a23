/* A process that is silent is given up when it does nothing, and waited for while it works. */
#include "test/unit/common/hidden_proc.h"

#include "supervisor/haproxy/silence.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINUTE_MS = SILENCE_MAX * 1000 };

static pid_t start_child(bool busy)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (volatile unsigned spins = 0;; spins++)
			if (!busy)
				pause();
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_that_does_nothing_is_given_up(void **state)
{
	struct silence watch = {0};
	pid_t pid = start_child(false);

	(void)state;
	assert_false(silence_lasts(&watch, pid, 1000));
	assert_false(silence_lasts(&watch, pid, 1000 + MINUTE_MS - 1));
	assert_true(silence_lasts(&watch, pid, 1000 + MINUTE_MS));
	/* After an answer it has its time again. */
	silence_end(&watch);
	assert_false(silence_lasts(&watch, pid, 1000 + 2 * MINUTE_MS));
	assert_false(silence_lasts(&watch, pid, 1000 + 3 * MINUTE_MS - 1));
	assert_true(silence_lasts(&watch, pid, 1000 + 3 * MINUTE_MS));
	end_child(pid);
}

/* The clock of the test goes on once the child has used some time of its own. */
static void one_that_works_is_waited_for(void **state)
{
	struct silence watch = {0};
	pid_t pid = start_child(true);
	long long now = 1000;

	(void)state;
	assert_false(silence_lasts(&watch, pid, now));
	for (int minute = 0; minute < 3; minute++) {
		unsigned long long before = watch.ticks;
		while (watch.ticks == before)
			assert_false(silence_lasts(&watch, pid, now));
		now += MINUTE_MS - 1;
		assert_false(silence_lasts(&watch, pid, now));
	}
	end_child(pid);
	/* One that has ended is told of elsewhere. */
	assert_false(silence_lasts(&watch, pid, 100LL * MINUTE_MS));
}

static void a_worker_is_not_blamed_for_its_master(void **state)
{
	struct silence silence = {0}, well = {0}, loading = {.since_ms = 1};
	pid_t pid = start_child(false);

	(void)state;
	assert_false(silence_lasts_behind(&silence, &well, pid, 1000));
	assert_false(silence_lasts_behind(&silence, &loading, pid, 1000 + 10 * MINUTE_MS));
	/* From the master's first answer on. */
	assert_false(silence_lasts_behind(&silence, &well, pid, 1000 + 11 * MINUTE_MS));
	assert_false(silence_lasts_behind(&silence, &well, pid, 1000 + 12 * MINUTE_MS - 1));
	assert_true(silence_lasts_behind(&silence, &well, pid, 1000 + 12 * MINUTE_MS));
	end_child(pid);
}

/* As HAProxy's worker is where ingressd is root of a rootless container. */
static pid_t start_hidden_child(bool busy)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (confinement_become(ANOTHER_USER) != 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (volatile unsigned spins = 0;; spins++)
			if (!busy)
				pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void one_that_proc_hides_is_judged_by_its_clock(void **state)
{
	struct silence watch = {0}, busy = {0};
	long long now = 1000;

	(void)state;
	needs_root();
	needs_hidden_proc();
	pid_t pid = start_hidden_child(false);
	assert_false(silence_lasts(&watch, pid, now));
	assert_false(silence_lasts(&watch, pid, now + MINUTE_MS - 1));
	assert_true(silence_lasts(&watch, pid, now + MINUTE_MS));
	end_child(pid);
	assert_false(silence_lasts(&watch, pid, now + 9 * MINUTE_MS));
	pid = start_hidden_child(true);
	assert_false(silence_lasts(&busy, pid, now));
	for (unsigned long long before = busy.ticks; busy.ticks == before;)
		assert_false(silence_lasts(&busy, pid, now));
	assert_false(silence_lasts(&busy, pid, now + MINUTE_MS - 1));
	end_child(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_that_does_nothing_is_given_up),
	    cmocka_unit_test(one_that_works_is_waited_for),
	    cmocka_unit_test(a_worker_is_not_blamed_for_its_master),
	    /* The last one: /proc stays as it is then. */
	    cmocka_unit_test(one_that_proc_hides_is_judged_by_its_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
