#include "evidence/generation_folder.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool generation_is_name(const char *target)
{
	return strncmp(target, GENERATION_PREFIX, strlen(GENERATION_PREFIX)) == 0 &&
	       strchr(target, '/') == NULL && strlen(target) < GENERATION_NAME_SIZE;
}

static int open_folder(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- writing */

/* With the time, so that a listing shows them in order. */
static int make_name(const char *prefix, char name[GENERATION_NAME_SIZE], struct error *err)
{
	unsigned long long number;
	struct timespec now;
	struct tm parts;
	char seconds[24];

	if (shared_folder_random(&number, err) != 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(seconds, sizeof(seconds), "%Y%m%dT%H%M%S", &parts);
	snprintf(name, GENERATION_NAME_SIZE, "%s%s.%09ldZ-%016llx", prefix, seconds, now.tv_nsec,
		 number);
	return 0;
}

/* Of more the whole file system costs less: each file would wait for the disk. */
enum { SYNCED_ONE_BY_ONE_MAX = 64 };

/* -1 with errno when somebody else put a folder of theirs where ours was made. */
static int make_private_folder(int dir, const char *name)
{
	struct stat info;

	if (mkdirat(dir, name, 0700) != 0)
		return -1;
	AUTO_CLOSE int made = open_folder(dir, name);
	if (made < 0 || fstat(made, &info) != 0)
		return -1;
	if (info.st_uid != geteuid()) {
		errno = EEXIST;
		return -1;
	}
	/* Some file systems have the modes of their mount, and refuse others or forget them. */
	if ((info.st_mode & 077) != 0 && fchmod(made, 0700) != 0 && errno != EPERM)
		return -1;
	int opened = made;
	made = -1; /* the caller's now */
	return opened;
}

static int write_file(int folder, const struct evidence_file *file, bool is_synced)
{
	AUTO_CLOSE int fd =
	    openat(folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || file_write_all(fd, file->data, file->length) != 0 || fchmod(fd, 0644) != 0 ||
	    (is_synced && fsync(fd) != 0))
		return -1;
	return 0;
}

static int fill(const struct shared_folder *folder, int unfinished, const struct file_set *set,
		struct error *err)
{
	bool one_by_one = set->count <= SYNCED_ONE_BY_ONE_MAX;

	for (size_t i = 0; i < set->count; i++)
		if (write_file(unfinished, &set->files[i], one_by_one) != 0)
			return shared_folder_error(folder, "write", set->files[i].name, errno, err);
	if ((!one_by_one && syncfs(unfinished) != 0) || fchmod(unfinished, 0755) != 0 ||
	    fsync(unfinished) != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot open a generation in %s to readers", folder->path);
	return 0;
}

/* The name is made at the last moment: nobody can have put something there. */
static int finish(const struct shared_folder *folder, const char *unfinished,
		  char name[GENERATION_NAME_SIZE], struct error *err)
{
	if (make_name(GENERATION_PREFIX, name, err) != 0)
		return -1;
	if (renameat(folder->fd, unfinished, folder->fd, name) != 0)
		return shared_folder_error(folder, "rename", unfinished, errno, err);
	return 0;
}

int generation_write(const struct shared_folder *folder, const struct file_set *set,
		     char name[GENERATION_NAME_SIZE], struct error *err)
{
	char unfinished[GENERATION_NAME_SIZE];
	struct error ignored = ERROR_INIT;

	if (make_name(GENERATION_UNFINISHED_PREFIX, unfinished, err) != 0)
		return -1;
	AUTO_CLOSE int made = make_private_folder(folder->fd, unfinished);
	if (made < 0)
		shared_folder_error(folder, "make the folder", unfinished, errno, err);
	if (made < 0 || fill(folder, made, set, err) != 0 ||
	    finish(folder, unfinished, name, err) != 0) {
		generation_remove(folder, unfinished, &ignored);
		return -1;
	}
	int opened = made;
	made = -1; /* the caller's now */
	return opened;
}

/* ---- finding */

int generation_open_current(int dir)
{
	const struct shared_folder folder = {dir, ""};
	char target[SHARED_LINK_SIZE];
	struct stat info;

	if (fstatat(dir, GENERATION_LINK, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (!shared_folder_read_link(&folder, GENERATION_LINK, target) ||
	    !generation_is_name(target)) {
		errno = EINVAL;
		return -1;
	}
	return open_folder(dir, target);
}

/* ---- removing */

static bool has_plain_files_only(int folder, const struct shared_names *names)
{
	struct stat info;

	for (size_t i = 0; i < names->count; i++)
		if (fstatat(folder, names->list[i], &info, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(info.st_mode))
			return false;
	return true;
}

static bool remove_files(int folder, const struct shared_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (unlinkat(folder, names->list[i], 0) != 0 && errno != ENOENT)
			return false;
	return true;
}

int generation_remove(const struct shared_folder *folder, const char *name, struct error *err)
{
	AUTO_SHARED_NAMES struct shared_names names = {NULL, 0};
	AUTO_CLOSE int fd = open_folder(folder->fd, name);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0 && shared_folder_list(fd, &names, err) != 0)
		return -1;
	if (fd < 0 || !has_plain_files_only(fd, &names))
		return shared_folder_move_aside(folder, name, err);
	if (remove_files(fd, &names) && unlinkat(folder->fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == EACCES || errno == EPERM) /* it is another user's */
		return shared_folder_move_aside(folder, name, err);
	return errno == ENOENT ? 0 : shared_folder_error(folder, "remove", name, errno, err);
}
