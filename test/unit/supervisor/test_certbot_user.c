/* What root does about a user that it does not trust. */
#include "test/unit/common/hidden_proc.h"
#include "test/unit/common/scratch_files.h"

#include "common/confinement.h"
#include "supervisor/certbot/certbot_user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nobody else's, whatever else is tested on this machine. */
enum { HOSTILE = 59390, DEADLINE = 60 };

static int signalled[2];

/* As the event loop's handler does, which a child of the process shares. */
static void on_signal(int number)
{
	ssize_t written = write(signalled[1], &number, 1);

	(void)written;
}

static int root_with_orphans(void **state)
{
	if (geteuid() == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return -1;
	alarm(DEADLINE);
	return make_scratch(state);
}

/* A child of that user that does `act` until it is ended; returns when it has begun. */
static pid_t begin(void (*act)(void))
{
	int ends[2];
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		if (confinement_become(HOSTILE) != 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		close(ends[1]);
		for (;;)
			act();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return child;
}

static void ended_well(void)
{
	struct error err = ERROR_INIT;

	if (certbot_user_end_processes(HOSTILE, &err) != 0)
		fail_msg("%s", err.text);
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_int_equal(certbot_user_claim(HOSTILE, &err), 0);
}

/* ---- processes */

static void stay(void)
{
	pause();
}

static void leave(void)
{
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_IGN);
	setsid();
	if (fork() > 0)
		_exit(0);
	pause();
}

static void run_away(void)
{
	if (fork() != 0)
		_exit(0);
}

static void multiply(void)
{
	fork();
}

/* Whoever has its user's ids gets these, and root's child has them for a moment. */
static void disturb(void)
{
	kill(-1, SIGTERM);
}

static void murder(void)
{
	kill(-1, SIGKILL);
}

static void halt(void)
{
	kill(-1, SIGSTOP);
}

static void all_of_a_users_processes_are_ended(void **state)
{
	static void (*const acts[])(void) = {stay, leave, run_away};

	(void)state;
	needs_root();
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		begin(acts[i]);
		ended_well();
	}
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		begin(acts[i]);
	ended_well();
}

static void multiply_up_to_a_limit(void)
{
	static const struct confinement few = {.processes_max = 100};

	confinement_apply(&few);
	for (;;)
		multiply();
}

static void as_many_as_there_may_be_are_ended(void **state)
{
	(void)state;
	needs_root();
	begin(multiply_up_to_a_limit);
	ended_well();
}

static void who_disturbs_the_end_reaches_nobody(void **state)
{
	(void)state;
	needs_root();
	char byte;
	assert_int_equal(pipe2(signalled, O_CLOEXEC | O_NONBLOCK), 0);
	for (int i = 0; i < 30; i++) {
		begin(i % 2 == 0 ? disturb : halt);
		signal(SIGTERM, on_signal);
		ended_well();
		signal(SIGTERM, SIG_DFL);
	}
	assert_int_equal(read(signalled[0], &byte, 1), -1);
	close(signalled[0]);
	close(signalled[1]);
}

/* Those that nobody sees, and that would end the one that ends them. */
static void where_proc_hides_them_they_are_ended_too(void **state)
{
	(void)state;
	needs_root();
	needs_hidden_proc();
	for (int i = 0; i < 30; i++) {
		begin(i % 3 == 0 ? stay : i % 3 == 1 ? halt : murder);
		ended_well();
	}
}

/* One that has another parent is of another ingressd. */
static void what_another_program_has_started_is_left_alone(void **state)
{
	struct error err = ERROR_INIT;
	int ends[2];
	pid_t theirs = 0;

	(void)state;
	needs_root();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		theirs = begin(stay);
		_exit(write(ends[1], &theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(certbot_user_claim(HOSTILE, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	begin(stay);
	assert_int_equal(certbot_user_end_processes(HOSTILE, &err), 0);
	assert_int_equal(kill(theirs, 0), 0);
	assert_int_equal(kill(theirs, SIGKILL), 0);
	while (certbot_user_claim(HOSTILE, &err) != 0)
		usleep(1000);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(ends[0]);
	close(ends[1]);
}

/* ---- rights */

static void files_are_opened_with_the_users_rights(void **state)
{
	struct error err = ERROR_INIT;

	needs_root();
	put(at(state, "secret"), "x");
	put(at(state, "open"), "x");
	assert_int_equal(chmod(at(state, "open"), 0644), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	AUTO_CLOSE int folder = open(*state, O_RDONLY | O_DIRECTORY);
	assert_int_equal(certbot_user_open(HOSTILE, folder, "secret", O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	AUTO_CLOSE int readable = certbot_user_open(HOSTILE, folder, "open", O_RDONLY);
	assert_true(readable >= 0);
	AUTO_CLOSE int own = certbot_user_open(0, folder, "secret", O_RDONLY);
	assert_true(own >= 0);
	assert_int_equal(certbot_user_begin(HOSTILE, &err), 0);
	assert_int_equal(open(at(state, "secret"), O_RDONLY), -1);
	certbot_user_end(HOSTILE);
	AUTO_CLOSE int again = open(at(state, "secret"), O_RDONLY);
	assert_true(again >= 0);
}

static void what_a_user_cannot_use_is_named(void **state)
{
	char why[512] = "";

	needs_root();
	assert_int_equal(chmod(*state, 0755), 0);
	put(at(state, "script"), "#!/bin/sh\n");
	assert_false(certbot_user_can_run(HOSTILE, at(state, "script"), *state, why, sizeof(why)));
	assert_contains(why, "user 59390, whom it would have, cannot use ");
	assert_contains(why, "script");
	assert_int_equal(chmod(at(state, "script"), 0755), 0);
	assert_true(certbot_user_can_run(HOSTILE, at(state, "script"), *state, why, sizeof(why)));
	put(at(state, "closed"), "#!/bin/sh\n");
	assert_int_equal(chmod(at(state, "closed"), 0700), 0);
	char script[600];
	snprintf(script, sizeof(script), "#! %s -x\n", at(state, "closed"));
	put(at(state, "script"), script);
	assert_int_equal(chmod(at(state, "script"), 0755), 0);
	assert_false(certbot_user_can_run(HOSTILE, at(state, "script"), *state, why, sizeof(why)));
	assert_contains(why, "closed");
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(
	    certbot_user_can_run(HOSTILE, "/bin/sh", at(state, "inner"), why, sizeof(why)));
}

#define user_test(f) cmocka_unit_test_setup_teardown(f, root_with_orphans, remove_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    user_test(all_of_a_users_processes_are_ended),
	    user_test(as_many_as_there_may_be_are_ended),
	    user_test(who_disturbs_the_end_reaches_nobody),
	    user_test(what_another_program_has_started_is_left_alone),
	    user_test(files_are_opened_with_the_users_rights),
	    user_test(what_a_user_cannot_use_is_named),
	    /* The last one: /proc stays as it is then. */
	    user_test(where_proc_hides_them_they_are_ended_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
