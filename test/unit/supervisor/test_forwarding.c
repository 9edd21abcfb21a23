/* Log lines of the DNS hooks on their way through the supervisor: its event loop goes on although
 * nobody reads its log. */
#include "test/unit/common/unit.h"

#include "supervisor/log_pipe.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE = 60 };

static void write_lines(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(90);
	close(fd);
}

/* In a child: standard error goes to `log`, and a loop that hangs ends it. */
static int forward_in_child(const char *path, int log, const char *text)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct error err = ERROR_INIT;
		struct event_base *base = event_base_new();
		struct log_pipe *log_pipe = log_pipe_new(base, path, &err);

		alarm(DEADLINE);
		dup2(log, STDERR_FILENO);
		write_lines(path, text);
		event_base_loop(base, EVLOOP_ONCE);
		log_pipe_free(log_pipe);
		event_base_free(base);
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void lines_move_on_as_they_are(void **state)
{
	AUTO_FREE char *path = file_join(*state, "log.pipe");
	char got[256] = "";
	int log[2];

	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	int status = forward_in_child(path, log[1], "one\n{\"two\": 2}\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_true(read(log[0], got, sizeof(got) - 1) > 0);
	assert_string_equal(got, "one\n{\"two\": 2}\n");
	close(log[0]);
	close(log[1]);
}

static void a_reader_that_is_stuck_costs_lines_and_not_the_loop(void **state)
{
	AUTO_FREE char *path = file_join(*state, "log.pipe");
	char page[4096] = {0};
	int log[2];

	assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(log[1], page, sizeof(page)) > 0)
		;
	fcntl(log[1], F_SETFL, 0); /* a write to it waits, as to Docker's */
	int status = forward_in_child(path, log[1], "one\ntwo\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(log[0]);
	close(log[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(lines_move_on_as_they_are),
	    scratch_test(a_reader_that_is_stuck_costs_lines_and_not_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
