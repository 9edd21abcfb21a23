/* What the tests of generations share: file sets, and a look at a folder from outside. */
#ifndef TEST_UNIT_EVIDENCE_EVIDENCE_FOLDER_H
#define TEST_UNIT_EVIDENCE_EVIDENCE_FOLDER_H

#include "test/unit/common/unit.h"

#include "evidence/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A set of the files in `names` (separated by spaces), each with `content` in it. */
static inline struct file_set make_file_set(const char *names, const char *content)
{
	struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;
	AUTO_FREE char *copy = strdup(names);
	char *rest = copy;

	for (char *name = strsep(&rest, " "); name != NULL; name = strsep(&rest, " "))
		if (file_set_add(&set, name, content, strlen(content), &err) != 0)
			fail_msg("%s", err.text);
	return set;
}

/* Returns generation_publish()'s result. */
static inline int publish_files(const char *dir, const char *names, const char *content,
				struct error *err)
{
	AUTO_FILE_SET struct file_set set = make_file_set(names, content);
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct shared_folder folder = {fd, dir};

	assert_true(fd >= 0);
	return generation_publish(&folder, &set, err);
}

static inline void must_publish(const char *dir, const char *names, const char *content)
{
	struct error err = ERROR_INIT;

	if (publish_files(dir, names, content, &err) != 0)
		fail_msg("%s", err.text);
}

/* The entries of a folder that begin with `prefix`, sorted, each followed by a space. */
static inline void list_entries(const char *dir, const char *prefix, char *out, size_t size)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);
	size_t used = 0;

	assert_true(count >= 0);
	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    strncmp(name, prefix, strlen(prefix)) == 0)
			used += (size_t)snprintf(out + used, size - used, "%s ", name);
		assert_true(used < size);
		free(entries[i]);
	}
	free(entries);
}

/* The names that readers see: all without a dot in front. */
static inline void list_visible(const char *dir, char *out, size_t size)
{
	char all[4096], hidden[4096];

	list_entries(dir, "", all, sizeof(all));
	list_entries(dir, ".", hidden, sizeof(hidden));
	/* '.' sorts before letters and digits */
	snprintf(out, size, "%s", all + strlen(hidden));
}

static inline void assert_visible(const char *dir, const char *names)
{
	char seen[4096];

	list_visible(dir, seen, sizeof(seen));
	assert_string_equal(seen, names);
}

static inline size_t count_entries(const char *dir, const char *prefix)
{
	char names[4096];
	size_t count = 0;

	list_entries(dir, prefix, names, sizeof(names));
	for (const char *at = names; *at != '\0'; at++)
		count += *at == ' ';
	return count;
}

/* The content of dir/name through whatever links there are; "" when it cannot be read. */
static inline void read_entry(const char *dir, const char *name, char *out, size_t size)
{
	AUTO_FREE char *path = file_join(dir, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, out, size - 1);

	assert_true(length >= 0);
	out[length] = '\0';
}

static inline void assert_content(const char *dir, const char *name, const char *content)
{
	char seen[256];

	read_entry(dir, name, seen, sizeof(seen));
	assert_string_equal(seen, content);
}

/* The current generation as the server reads it, which is complete or not there. */
static inline int read_current(const char *dir, struct snapshot *snapshot)
{
	struct error err = ERROR_INIT;
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	int found = generation_read(fd, snapshot, &err);
	if (found < 0)
		fail_msg("%s", err.text);
	return found;
}

/* Whether the current generation is exactly these files with that content. */
static inline bool current_is(const char *dir, const char *names, const char *content)
{
	AUTO_FILE_SET struct file_set wanted = make_file_set(names, content);
	struct snapshot snapshot = {0};
	bool same = read_current(dir, &snapshot) == 1 && snapshot.files.count == wanted.count;

	for (size_t i = 0; same && i < wanted.count; i++)
		same = strcmp(snapshot.files.files[i].name, wanted.files[i].name) == 0 &&
		       strcmp(snapshot.files.files[i].sha256, wanted.files[i].sha256) == 0;
	file_set_free(&snapshot.files);
	return same;
}

#endif
