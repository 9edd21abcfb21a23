#include "evidence/shared_folder.h"

#include "common/file.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNIQUE_NAME_SIZE = 32 };

int shared_folder_error(const struct shared_folder *folder, const char *verb, const char *name,
			int cause, struct error *err)
{
	bool disturbed = cause == ENOENT || cause == EEXIST || cause == EISDIR ||
			 cause == ENOTDIR || cause == ENOTEMPTY || cause == ELOOP;

	return error_set_errno(err, disturbed ? EXIT_TRY_LATER : EXIT_FAILED, cause,
			       "cannot %s %s/%s", verb, folder->path, name);
}

int shared_folder_open(const char *path, struct shared_folder *folder, struct error *err)
{
	if (file_make_dirs(path, 0755, err) != 0)
		return -1;
	*folder = (struct shared_folder){open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path};
	if (folder->fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open %s", path);
	return 0;
}

int shared_folder_random(unsigned long long *number, struct error *err)
{
	if (getrandom(number, sizeof(*number), 0) != sizeof(*number))
		return error_set_errno(err, EXIT_FAILED, errno, "no random number is to be had");
	return 0;
}

static int unique_name(const char *prefix, char name[UNIQUE_NAME_SIZE], struct error *err)
{
	unsigned long long number;

	if (shared_folder_random(&number, err) != 0)
		return -1;
	snprintf(name, UNIQUE_NAME_SIZE, "%s%016llx", prefix, number);
	return 0;
}

/* ---- listing */

void shared_names_free(struct shared_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct shared_names){NULL, 0};
}

static bool is_itself_or_parent(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int collect(DIR *entries, struct shared_names *names, struct error *err)
{
	while (names->count < SHARED_NAMES_MAX) {
		errno = 0;
		const struct dirent *entry = readdir(entries);
		if (entry == NULL && errno != 0)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot list the evidence");
		if (entry == NULL)
			return 0;
		if (is_itself_or_parent(entry->d_name))
			continue;
		names->list[names->count] = strdup(entry->d_name);
		if (names->list[names->count] == NULL)
			return error_no_memory(err);
		names->count++;
	}
	return 0;
}

int shared_folder_list(int fd, struct shared_names *names, struct error *err)
{
	/* A description of its own: reading a folder moves a position that copies share. */
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = again < 0 ? NULL : fdopendir(again);

	*names = (struct shared_names){calloc(SHARED_NAMES_MAX, sizeof(*names->list)), 0};
	int result = 0;
	if (entries == NULL)
		result = error_set_errno(err, EXIT_FAILED, errno, "cannot list the evidence");
	else if (names->list == NULL)
		result = error_no_memory(err);
	else
		result = collect(entries, names, err);
	if (entries != NULL)
		closedir(entries);
	else
		file_close(&again);
	return result;
}

/* ---- entries */

bool shared_folder_read_link(const struct shared_folder *folder, const char *name,
			     char target[SHARED_LINK_SIZE])
{
	ssize_t length = readlinkat(folder->fd, name, target, SHARED_LINK_SIZE);

	if (length < 0 || length >= SHARED_LINK_SIZE)
		return false;
	target[length] = '\0';
	return true;
}

int shared_folder_put_link(const struct shared_folder *folder, const char *name, const char *target,
			   struct error *err)
{
	char temporary[UNIQUE_NAME_SIZE];

	if (unique_name(".new-", temporary, err) != 0)
		return -1;
	if (symlinkat(target, folder->fd, temporary) == 0 &&
	    renameat(folder->fd, temporary, folder->fd, name) == 0)
		return 0;
	shared_folder_error(folder, "make the link", name, errno, err);
	unlinkat(folder->fd, temporary, 0);
	return -1;
}

int shared_folder_remove_file(const struct shared_folder *folder, const char *name,
			      struct error *err)
{
	if (unlinkat(folder->fd, name, 0) == 0 || errno == ENOENT || errno == EISDIR)
		return 0;
	return shared_folder_error(folder, "remove", name, errno, err);
}

static const char *describe(const struct shared_folder *folder, const char *name)
{
	struct stat info;

	if (fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return "something";
	switch (info.st_mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFREG:
		return "a file";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

int shared_folder_move_aside(const struct shared_folder *folder, const char *name,
			     struct error *err)
{
	const char *kind = describe(folder, name);
	char aside[UNIQUE_NAME_SIZE];

	if (unique_name("..aside-", aside, err) != 0)
		return -1;
	if (renameat(folder->fd, name, folder->fd, aside) != 0)
		return shared_folder_error(folder, "move out of the way", name, errno, err);
	log_warn("%s/%s, %s that this product did not make, was in the way of the evidence and "
		 "is now called %s",
		 folder->path, name, kind, aside);
	return 0;
}

int shared_folder_sync(const struct shared_folder *folder, struct error *err)
{
	if (fsync(folder->fd) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot sync the folder %s",
				       folder->path);
	return 0;
}
