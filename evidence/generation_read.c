#include "evidence/generation.h"

#include "common/buffer.h"
#include "common/file.h"
#include "evidence/generation_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_CHUNK = 16 * 1024,
	/* Each attempt fails only if the generation was replaced twice while it was read. */
	READ_ATTEMPTS = 5,
	/* What others may have added to a generation is not looked at without end. */
	ENTRIES_MAX = 4 * FILE_SET_COUNT_MAX,
};

/* Opens the current generation; -1 with errno. */
static int open_current(int dir, struct stat *info)
{
	AUTO_CLOSE int folder = generation_open_current(dir);

	if (folder < 0 || fstat(folder, info) != 0)
		return -1;
	int opened = folder;
	folder = -1; /* the caller's now */
	return opened;
}

static bool is_same(const struct snapshot *snapshot, const struct stat *info)
{
	return snapshot->present && snapshot->device == info->st_dev &&
	       snapshot->inode == info->st_ino &&
	       snapshot->changed.tv_sec == info->st_ctim.tv_sec &&
	       snapshot->changed.tv_nsec == info->st_ctim.tv_nsec;
}

static int read_to_end(int fd, const char *name, struct buffer *content, struct error *err)
{
	char chunk[READ_CHUNK];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", name);
		if (got == 0)
			return 0;
		if (buffer_append(content, chunk, (size_t)got) != 0)
			return buffer_check(content, name, err);
	}
}

static int read_file(int folder, const char *name, struct file_set *files, struct error *err)
{
	AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct buffer content;
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", name);
	if (!S_ISREG(info.st_mode))
		return error_set(err, EXIT_FAILED, "%s is not a regular file", name);
	buffer_init(&content, EVIDENCE_FILE_MAX);
	int result = read_to_end(fd, name, &content, err);
	if (result == 0)
		result = file_set_add(files, name, buffer_text(&content), content.length, err);
	buffer_free(&content);
	return result;
}

/* Takes over `folder`. */
static int read_folder(int folder, struct file_set *files, struct error *err)
{
	DIR *entries = fdopendir(folder);
	struct dirent *entry;
	int seen = 0;
	int result = 0;

	if (entries == NULL) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot list the evidence");
		file_close(&folder);
		return -1;
	}
	while (result == 0 && (errno = 0, entry = readdir(entries)) != NULL) {
		if (++seen > ENTRIES_MAX)
			result = error_set(err, EXIT_FAILED, "there are more than %d entries in it",
					   ENTRIES_MAX);
		else if (file_set_name_is_allowed(entry->d_name))
			result = read_file(folder, entry->d_name, files, err);
	}
	if (result == 0 && errno != 0)
		result = error_set_errno(err, EXIT_FAILED, errno, "cannot list the evidence");
	closedir(entries);
	return result;
}

/* Whether `read` is the current generation: if so, nobody removed files from it meanwhile. */
static bool is_still_current(int dir, const struct stat *read)
{
	struct stat now;
	AUTO_CLOSE int folder = open_current(dir, &now);

	return folder >= 0 && now.st_dev == read->st_dev && now.st_ino == read->st_ino;
}

/* 1 when `snapshot` is current, 0 when there is no generation, -1 with `replaced` telling
 * whether another attempt makes sense. */
static int try_to_read(int dir, struct snapshot *snapshot, bool *replaced, struct error *err)
{
	AUTO_FILE_SET struct file_set files = FILE_SET_INIT;
	struct stat info;
	int folder = open_current(dir, &info);

	*replaced = false;
	if (folder < 0 && errno == ENOENT)
		return 0;
	if (folder < 0 && errno == EINVAL)
		return error_set(err, EXIT_FAILED,
				 GENERATION_LINK " is not the link that a publication makes");
	if (folder < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open the current evidence");
	if (is_same(snapshot, &info)) {
		file_close(&folder);
		return 1;
	}
	int result = read_folder(folder, &files, err);
	if (!is_still_current(dir, &info)) {
		*replaced = true;
		return error_set(err, EXIT_TRY_LATER, "the evidence changed while it was read");
	}
	if (result != 0)
		return -1;
	file_set_free(&snapshot->files);
	*snapshot = (struct snapshot){true, info.st_dev, info.st_ino, info.st_ctim, files};
	files = (struct file_set)FILE_SET_INIT; /* the snapshot's now */
	return 1;
}

int generation_read(int dir, struct snapshot *snapshot, struct error *err)
{
	bool replaced = true;
	int result = -1;

	for (int i = 0; i < READ_ATTEMPTS && replaced; i++)
		result = try_to_read(dir, snapshot, &replaced, err);
	return result;
}
