/* Removing what others may have made: see file.h. */
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* A bound on recursion and open folders. */
	DEPTH_MAX = 64,
	NAME_TRIES = 10000,
	PROC_PATH_MAX = 64,
	NAME_SIZE = 32,
};

struct removal {
	int top;	 /* the folder that is being emptied */
	unsigned raised; /* names given to what was deeper than DEPTH_MAX */
	bool has_raised; /* in this pass */
};

static int remove_at(struct removal *removal, int folder, const char *name, unsigned depth,
		     struct error *err);

static int cannot_remove(const char *name, struct error *err)
{
	return error_set_errno(err, EXIT_FAILED, errno, "cannot remove %s", name);
}

static int remove_entries(struct removal *removal, DIR *entries, unsigned depth, struct error *err)
{
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(entries);
		if (entry == NULL)
			return errno == 0 ? 0 : cannot_remove("the entries", err);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (remove_at(removal, dirfd(entries), entry->d_name, depth + 1, err) != 0)
			return -1;
	}
}

/* Lets its owner do with it what he likes.  By its descriptor: what was a folder a moment ago may
 * have become a symbolic link. */
static void open_up(int folder, const char *name)
{
	AUTO_CLOSE int fd = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && chmod(path, S_IRWXU) != 0)
		errno = EACCES;
}

static DIR *open_folder(int folder, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(folder, name, flags);
	struct stat info;

	if (fd < 0 && errno == EACCES) {
		open_up(folder, name);
		fd = openat(folder, name, flags);
	}
	if (fd < 0)
		return NULL;
	if (fstat(fd, &info) == 0 && (info.st_mode & S_IRWXU) != S_IRWXU)
		open_up(folder, name);
	DIR *entries = fdopendir(fd); /* owns fd from here */
	if (entries == NULL)
		file_close(&fd);
	return entries;
}

static int empty_folder(struct removal *removal, int folder, const char *name, unsigned depth,
			struct error *err)
{
	DIR *entries = open_folder(folder, name);
	int rc;

	if (entries == NULL)
		return errno == ENOENT ? 0 : cannot_remove(name, err);
	if (removal->top >= 0) {
		rc = remove_entries(removal, entries, depth, err);
		closedir(entries);
		return rc;
	}
	removal->top = dirfd(entries);
	do {
		removal->has_raised = false;
		rewinddir(entries);
		rc = remove_entries(removal, entries, depth, err);
	} while (rc == 0 && removal->has_raised);
	closedir(entries);
	removal->top = -1;
	return rc;
}

/* To where the next pass finds it. */
static int raise_folder(struct removal *removal, int folder, const char *name, struct error *err)
{
	char raised[NAME_SIZE];

	open_up(folder, name); /* its ".." is to be another one */
	for (unsigned tries = 0; tries < NAME_TRIES; tries++) {
		snprintf(raised, sizeof(raised), ".deep-%u", removal->raised++);
		if (renameat(folder, name, removal->top, raised) == 0) {
			removal->has_raised = true;
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			break;
	}
	return cannot_remove(name, err);
}

static int remove_at(struct removal *removal, int folder, const char *name, unsigned depth,
		     struct error *err)
{
	if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return cannot_remove(name, err);
	if (depth >= DEPTH_MAX)
		return raise_folder(removal, folder, name, err);
	if (empty_folder(removal, folder, name, depth, err) != 0)
		return -1;
	if (unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return cannot_remove(name, err);
	return 0;
}

int file_remove_tree(const char *path, struct error *err)
{
	struct removal removal = {.top = -1};

	if (remove_at(&removal, AT_FDCWD, path, 0, err) != 0)
		return error_wrap(err, "removing %s", path);
	return 0;
}

int file_empty_dir(const char *path, struct error *err)
{
	struct removal removal = {.top = -1};

	if (empty_folder(&removal, AT_FDCWD, path, 0, err) != 0)
		return error_wrap(err, "emptying %s", path);
	return 0;
}
