/* What every unit test here includes: cmocka with what it needs, and scratch folders. */
#ifndef TEST_UNIT_COMMON_UNIT_H
#define TEST_UNIT_COMMON_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/error.h"
#include "common/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define assert_contains(text, part)                                      \
	do {                                                             \
		if (strstr(text, part) == NULL)                          \
			fail_msg("\"%s\" is not in \"%s\"", part, text); \
	} while (0)

#define assert_lacks(text, part)                                     \
	do {                                                         \
		if (strstr(text, part) != NULL)                      \
			fail_msg("\"%s\" is in \"%s\"", part, text); \
	} while (0)

/* Leaves a test for want of something; where CI is set nothing may be missing. */
#define needs(is_there, what)                                           \
	do {                                                            \
		const char *ci = getenv("CI");                          \
		if (!(is_there) && ci != NULL && *ci != '\0')           \
			fail_msg("%s is missing, and CI is set", what); \
		if (!(is_there))                                        \
			skip();                                         \
	} while (0)

#define needs_root() needs(geteuid() == 0, "root")

/* For cmocka_unit_test_setup_teardown(): *state is the path of an empty folder. */
static inline int make_scratch(void **state)
{
	const char *parent = getenv("TMPDIR");
	char *path = file_join(parent == NULL ? "/tmp" : parent, "unit-XXXXXX");

	*state = path;
	return path == NULL || mkdtemp(path) == NULL ? -1 : 0;
}

static inline int remove_scratch(void **state)
{
	struct error err = ERROR_INIT;
	int result = file_remove_tree(*state, &err);

	if (result != 0)
		print_error("%s\n", err.text);
	free(*state);
	return result;
}

#define scratch_test(function) \
	cmocka_unit_test_setup_teardown(function, make_scratch, remove_scratch)

#endif
