/* Catching what a test writes to standard error. */
#ifndef TEST_UNIT_COMMON_STDERR_H
#define TEST_UNIT_COMMON_STDERR_H

#include "unit.h"

#include <regex.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CAUGHT_MAX = 64 * 1024 };

static int real_stderr = -1;
static char caught[CAUGHT_MAX];

static inline int catch_stderr(void **state)
{
	AUTO_CLOSE int fd = memfd_create("stderr", MFD_CLOEXEC);

	(void)state;
	real_stderr = dup(STDERR_FILENO);
	return fd < 0 || real_stderr < 0 || dup2(fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static inline int release_stderr(void **state)
{
	(void)state;
	if (dup2(real_stderr, STDERR_FILENO) < 0)
		return -1;
	file_close(&real_stderr);
	return 0;
}

/* What was written since the last call. */
static inline const char *written(void)
{
	ssize_t length = pread(STDERR_FILENO, caught, sizeof(caught) - 1, 0);

	assert_true(length >= 0);
	caught[length] = '\0';
	assert_int_equal(ftruncate(STDERR_FILENO, 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return caught;
}

static inline void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match %s", text, pattern);
	regfree(&regex);
}

#endif
