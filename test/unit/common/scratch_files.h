/* Files below the scratch folder of a test. */
#ifndef TEST_UNIT_COMMON_SCRATCH_FILES_H
#define TEST_UNIT_COMMON_SCRATCH_FILES_H

#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>

enum { CONTENT_MAX = 1024 * 1024 };

/* A path below the scratch folder, in one of a few turns of static memory. */
static inline const char *at(void **state, const char *name)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", (const char *)*state, name);
	return path;
}

static inline void put(const char *path, const char *text)
{
	struct error err = ERROR_INIT;

	if (file_write(path, 0600, text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
}

static inline void assert_content(const char *path, const char *expected)
{
	struct buffer b;
	struct error err = ERROR_INIT;

	buffer_init(&b, CONTENT_MAX);
	if (file_read(path, &b, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(buffer_text(&b), expected);
	buffer_free(&b);
}

static inline unsigned mode_of(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static inline int count_entries(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count - 2; /* "." and ".." */
}

#endif
