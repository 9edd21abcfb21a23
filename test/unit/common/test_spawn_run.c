#include "processes.h"

#include "common/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>

static void assert_run(const char *script, const char *output_expected, const char *ending)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status = -1;
	char text[64];

	spec.argv = (const char *const[]){"/bin/sh", "-c", script, NULL};
	buffer_init(&output, 1000);
	if (spawn_run(&spec, PATIENCE_MS, &output, &status, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(buffer_text(&output), output_expected);
	spawn_describe_status(status, text, sizeof(text));
	assert_string_equal(text, ending);
	buffer_free(&output);
}

static void status_and_output_are_the_childs(void **state)
{
	char text[64];

	(void)state;
	assert_run("echo one; echo two >&2; echo three", "one\nthree\n", "exited with status 0");
	assert_run("exit 3", "", "exited with status 3");
	assert_run("echo last; kill -9 $$", "last\n", "was killed by signal 9 (Killed)");
	assert_run("kill -TERM $$", "", "was killed by signal 15 (Terminated)");
	spawn_describe_status(SIGRTMIN + 3, text, sizeof(text));
	assert_contains(text, "(unknown)");
	spawn_describe_status(0x7f | SIGSTOP << 8, text, sizeof(text));
	assert_string_equal(text, "ended with wait status 0x137f");
}

static void standard_error_may_be_part_of_the_output(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status = -1;

	(void)state;
	spec.argv = (const char *const[]){"/bin/sh", "-c", "echo one; echo two >&2; echo 3", NULL};
	spec.join_stderr = true;
	buffer_init(&output, 1000);
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), 0);
	assert_string_equal(buffer_text(&output), "one\ntwo\n3\n");
	buffer_free(&output);
}

static void output_larger_than_a_pipe_arrives_whole(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	(void)state;
	spec.argv = (const char *const[]){"/usr/bin/head", "-c", "1000000", "/dev/zero", NULL};
	buffer_init(&output, 1000000);
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), 0);
	assert_int_equal(output.length, 1000000);
	assert_int_equal(status, 0);
	buffer_free(&output);
}

static void output_that_may_be_dropped_does_not_end_the_child(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	(void)state;
	spec.argv = (const char *const[]){"/bin/sh", "-c", "yes | head -c 3000000; exit 7", NULL};
	spec.drops_excess = true;
	buffer_init(&output, 100000);
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), 0);
	assert_int_equal(output.length, 100000);
	assert_int_equal(WEXITSTATUS(status), 7);
	buffer_free(&output);
	/* The deadline holds all the same. */
	spec.argv = (const char *const[]){"/usr/bin/yes", NULL};
	buffer_init(&output, 100000);
	assert_int_equal(spawn_run(&spec, 200, &output, &status, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	buffer_free(&output);
}

static void too_much_output_ends_the_child(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	(void)state;
	spec.argv = (const char *const[]){"/bin/sh", "-c", "trap '' TERM; yes", NULL};
	buffer_init(&output, 100000);
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), -1);
	assert_contains(err.text, "/bin/sh");
	assert_contains(err.text, "output is larger than 100000 bytes");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	buffer_free(&output);
}

/* Runs `script`, which writes the pid of a grandchild to descriptor 3, and checks that the
 * grandchild is killed. */
static int run_and_expect_grandchild_killed(const char *script, long timeout_ms,
					    struct buffer *output, struct error *err)
{
	struct spawn spec = SPAWN_INIT;
	int ends[2];
	int status;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec.argv = (const char *const[]){"/bin/sh", "-c", script, NULL};
	spec.extra_fd = ends[1];
	int result = spawn_run(&spec, timeout_ms, output, &status, err);
	int ending = wait_for(read_pid(ends[0]));
	assert_true(WIFSIGNALED(ending));
	assert_int_equal(WTERMSIG(ending), SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close(ends[0]);
	close(ends[1]);
	return result;
}

static void what_a_child_leaves_behind_is_killed_not_waited_for(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer output;
	long long begin = clock_now_ms();

	(void)state;
	buffer_init(&output, 100);
	/* The grandchild keeps standard output open. */
	assert_int_equal(run_and_expect_grandchild_killed("sleep 1000 & echo $! >&3; echo done",
							  PATIENCE_MS, &output, &err),
			 0);
	assert_string_equal(buffer_text(&output), "done\n");
	assert_true(clock_now_ms() - begin < PATIENCE_MS);
	buffer_free(&output);
}

static void the_deadline_ends_the_whole_group(void **state)
{
	struct error err = ERROR_INIT;
	long long begin = clock_now_ms();

	(void)state;
	/* Nobody here minds TERM: two seconds later comes KILL. */
	assert_int_equal(run_and_expect_grandchild_killed(
			     "trap '' TERM; sleep 1000 & echo $! >&3; wait", 1000, NULL, &err),
			 -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_string_equal(err.text, "/bin/sh did not end within 1000 ms and was killed");
	assert_in_range(clock_now_ms() - begin, 3000, PATIENCE_MS);
}

static void a_child_may_tidy_up_when_its_time_is_over(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	(void)state;
	spec.argv = (const char *const[]){"/bin/sh", "-c",
					  "trap 'echo tidied; exit 4' TERM; echo begun; "
					  "while :; do sleep 0.05; done",
					  NULL};
	buffer_init(&output, 100);
	assert_int_equal(spawn_run(&spec, 1500, &output, &status, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_string_equal(buffer_text(&output), "begun\ntidied\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	buffer_free(&output);
}

static void without_a_buffer_the_given_descriptor_gets_the_output(void **state)
{
	AUTO_FREE char *path = file_join(*state, "out");
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer content;
	int status;

	spec.argv = (const char *const[]){"/bin/echo", "hello", NULL};
	spec.stdout_fd = fd;
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, NULL, &status, &err), 0);
	buffer_init(&content, 100);
	assert_int_equal(file_read(path, &content, &err), 0);
	assert_string_equal(buffer_text(&content), "hello\n");
	buffer_free(&content);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* still the caller's */
}

static void starting_leaks_no_descriptor(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	(void)state;
	int before = dup(STDOUT_FILENO);
	close(before);
	buffer_init(&output, 10);
	spec.argv = (const char *const[]){"/bin/true", NULL};
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), 0);
	spec.argv = (const char *const[]){"/no/such/program", NULL};
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), -1);
	int after = dup(STDOUT_FILENO);
	close(after);
	assert_int_equal(before, after);
	buffer_free(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(status_and_output_are_the_childs),
	    cmocka_unit_test(standard_error_may_be_part_of_the_output),
	    cmocka_unit_test(output_larger_than_a_pipe_arrives_whole),
	    cmocka_unit_test(output_that_may_be_dropped_does_not_end_the_child),
	    cmocka_unit_test(too_much_output_ends_the_child),
	    cmocka_unit_test(what_a_child_leaves_behind_is_killed_not_waited_for),
	    cmocka_unit_test(the_deadline_ends_the_whole_group),
	    cmocka_unit_test(a_child_may_tidy_up_when_its_time_is_over),
	    scratch_test(without_a_buffer_the_given_descriptor_gets_the_output),
	    cmocka_unit_test(starting_leaks_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
