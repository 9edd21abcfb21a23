#include "unit.h"

#include "common/standard_streams.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_null(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

/* In a process of its own; `closed` has a bit for each descriptor. */
static int open_without(unsigned closed)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if ((closed & 1U << fd) != 0)
			close(fd);
	int next = open("/", O_RDONLY | O_CLOEXEC);
	close(next);
	bool is_free = next <= STDERR_FILENO;
	standard_streams_open();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if ((closed & 1U << fd) != 0 && !is_null(fd))
			return 1;
	int after = open("/", O_RDONLY | O_CLOEXEC);
	bool is_taken = after > STDERR_FILENO;
	close(after);
	/* What was open is left alone, and nothing is left open beside. */
	return is_taken && is_free == (closed != 0) && (closed != 0 || after == next) ? 0 : 2;
}

static void closed_streams_lead_to_null_and_open_ones_stay(void **state)
{
	(void)state;
	for (unsigned closed = 0; closed < 8; closed++) {
		int status;
		pid_t child = fork();
		if (child == 0)
			_exit(open_without(closed));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(closed_streams_lead_to_null_and_open_ones_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
