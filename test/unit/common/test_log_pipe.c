/* Where log lines go, and what a reader that does not read does to their writer.  Each test
 * logs in a child, since the pipe is taken for the rest of a process's life. */
#include "stderr.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *make_pipe(void **state)
{
	char *path = file_join(*state, "log");

	assert_non_null(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	return path;
}

static int log_in_child(const char *pipe_path, int lines)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* The default, as certbot has it; and an end to waiting for what never comes. */
		signal(SIGPIPE, SIG_DFL);
		alarm(60);
		setenv("INGRESS_LOG_PIPE", pipe_path, 1);
		log_setup_from_environment("ingress-dns");
		for (int i = 0; i < lines; i++)
			log_info("waiting");
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void the_pipe_gets_the_lines(void **state)
{
	AUTO_FREE char *path = make_pipe(state);
	AUTO_CLOSE int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int status = log_in_child(path, 2);

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ssize_t length = read(reader, caught, sizeof(caught) - 1);
	assert_true(length > 0);
	caught[length] = '\0';
	assert_matches(caught, "^[^\n]*ingress-dns: waiting\n[^\n]*ingress-dns: waiting\n$");
}

static void a_full_pipe_costs_lines_not_the_program(void **state)
{
	AUTO_FREE char *path = make_pipe(state);
	AUTO_CLOSE int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int filler = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	char page[4096] = {0};

	assert_true(reader >= 0);
	while (write(filler, page, sizeof(page)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	int status = log_in_child(path, 3);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* As under a container engine that has stopped reading. */
static void a_full_standard_error_costs_lines_not_the_program(void **state)
{
	int ends[2];
	int status;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(ends[1], caught, 4096) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* writing would wait from here on */
	pid_t child = fork();
	if (child == 0) {
		alarm(20);
		dup2(ends[1], STDERR_FILENO);
		log_setup("x", LOG_INFO, LOG_TEXT);
		log_info("a");
		log_info("b");
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(ends[0]);
	close(ends[1]);
}

static void a_pipe_without_reader_means_standard_error(void **state)
{
	AUTO_FREE char *path = make_pipe(state);
	void *unused = NULL;

	assert_int_equal(catch_stderr(&unused), 0);
	int status = log_in_child(path, 1);
	const char *lines = written();
	assert_int_equal(release_stderr(&unused), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_contains(lines, "ingress-dns: waiting\n");
}

static void a_reader_that_leaves_costs_lines_not_the_program(void **state)
{
	AUTO_FREE char *path = make_pipe(state);
	AUTO_CLOSE int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int status;

	assert_true(reader >= 0);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		setenv("INGRESS_LOG_PIPE", path, 1);
		log_setup_from_environment("ingress-dns");
		file_close(&reader); /* the test has closed its own before waiting */
		raise(SIGSTOP);
		log_info("to nobody");
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	file_close(&reader);
	kill(child, SIGCONT);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void a_file_is_no_pipe(void **state)
{
	AUTO_FREE char *path = file_join(*state, "file");
	struct error err = ERROR_INIT;
	struct buffer content;
	void *unused = NULL;

	assert_int_equal(file_write(path, 0600, "kept", 4, &err), 0);
	assert_int_equal(catch_stderr(&unused), 0);
	log_in_child(path, 1);
	assert_int_equal(release_stderr(&unused), 0);
	buffer_init(&content, 100);
	assert_int_equal(file_read(path, &content, &err), 0);
	assert_string_equal(buffer_text(&content), "kept");
	buffer_free(&content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(the_pipe_gets_the_lines),
	    scratch_test(a_full_pipe_costs_lines_not_the_program),
	    cmocka_unit_test(a_full_standard_error_costs_lines_not_the_program),
	    scratch_test(a_pipe_without_reader_means_standard_error),
	    scratch_test(a_reader_that_leaves_costs_lines_not_the_program),
	    scratch_test(a_file_is_no_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
