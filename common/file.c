#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 16 * 1024 };

void file_close(int *fd)
{
	int saved = errno; /* the caller is often on its way out with an error to report */

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void file_free(void *pointer)
{
	void *memory;

	/* `pointer` is the address of a pointer of any type: copying avoids the aliasing rules. */
	memcpy(&memory, pointer, sizeof(memory));
	free(memory);
}

/* ---- reading */

/* Opening a FIFO without a writer would wait, and so would reading a file that is not regular. */
static int open_regular(const char *path, struct error *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", path);
	if (S_ISDIR(info.st_mode))
		return error_set(err, EXIT_FAILED,
				 "cannot read %s: it is a folder, as Docker makes one where the "
				 "file to be mounted is missing",
				 path);
	if (!S_ISREG(info.st_mode))
		return error_set(err, EXIT_FAILED, "cannot read %s: it is not a regular file",
				 path);
	int opened = fd;
	fd = -1; /* the caller's now */
	return opened;
}

int file_read_fd(int fd, const char *path, struct buffer *into, struct error *err)
{
	char chunk[READ_CHUNK];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", path);
		if (got == 0)
			return buffer_check(into, path, err);
		int appended = buffer_append(into, chunk, (size_t)got);
		explicit_bzero(chunk, (size_t)got); /* it may be a secret */
		if (appended != 0)
			return buffer_check(into, path, err);
	}
}

int file_read(const char *path, struct buffer *into, struct error *err)
{
	AUTO_CLOSE int fd = open_regular(path, err);

	return fd < 0 ? -1 : file_read_fd(fd, path, into, err);
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- paths */

char *file_join(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* The folder that `path` is in; trailing slashes do not count as a name. */
static char *parent_of(const char *path)
{
	size_t end = strlen(path);

	while (end > 1 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	while (end > 1 && path[end - 1] == '/')
		end--;
	return end == 0 ? strdup(".") : strndup(path, end);
}

/*
 * An unused name in `folder`.  It begins with a dot, so that what a crash leaves behind is
 * not taken for content (HAProxy skips such files), and does not repeat the final name, so
 * that a name of NAME_MAX bytes can be written too.
 */
static char *temporary_path(const char *folder)
{
	uint64_t number;
	char *path;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return NULL;
	return asprintf(&path, "%s/.new-%016jx", folder, (uintmax_t)number) < 0 ? NULL : path;
}

/* ---- writing */

/* What a file system answers that does not have what is asked for: shares of other systems (CIFS)
 * and many in user space know no modes, no links and no syncing of folders. */
static bool is_unknown_here(int cause)
{
	return cause == EPERM || cause == EOPNOTSUPP || cause == ENOSYS || cause == EINVAL;
}

bool file_knows_links(const char *folder)
{
	AUTO_FREE char *path = temporary_path(folder);

	if (path == NULL)
		return true;
	if (symlink(".", path) != 0)
		return !is_unknown_here(errno);
	unlink(path);
	return true;
}

int file_sync_dir(const char *path, struct error *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (fsync(fd) != 0 && !is_unknown_here(errno)))
		return error_set_errno(err, EXIT_FAILED, errno, "cannot sync the folder %s", path);
	return 0;
}

int file_write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Writes the new file `path`, to the disk.  Sets errno. */
static int write_new(const char *path, mode_t mode, const void *data, size_t length, bool durable)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	/* The file has its final mode before its content, so that a secret is never more visible
	 * than that. */
	if (fd < 0 || (fchmod(fd, mode) != 0 && !is_unknown_here(errno)) ||
	    file_write_all(fd, data, length) != 0 || (durable && fsync(fd) != 0))
		return -1;
	return 0;
}

static int replace(const char *path, mode_t mode, const void *data, size_t length, bool durable,
		   struct error *err)
{
	AUTO_FREE char *folder = parent_of(path);
	AUTO_FREE char *temporary = folder == NULL ? NULL : temporary_path(folder);

	if (temporary == NULL)
		return error_no_memory(err);
	if (write_new(temporary, mode, data, length, durable) != 0 ||
	    rename(temporary, path) != 0) {
		int cause = errno;
		unlink(temporary);
		return error_set_errno(err, EXIT_FAILED, cause, "cannot write %s", path);
	}
	return durable ? file_sync_dir(folder, err) : 0;
}

int file_write(const char *path, mode_t mode, const void *data, size_t length, struct error *err)
{
	return replace(path, mode, data, length, true, err);
}

int file_write_volatile(const char *path, mode_t mode, const void *data, size_t length,
			struct error *err)
{
	return replace(path, mode, data, length, false, err);
}

int file_swap_link(const char *target, const char *link_path, struct error *err)
{
	AUTO_FREE char *folder = parent_of(link_path);
	AUTO_FREE char *temporary = folder == NULL ? NULL : temporary_path(folder);

	if (temporary == NULL)
		return error_no_memory(err);
	if (symlink(target, temporary) != 0 || rename(temporary, link_path) != 0) {
		int cause = errno;
		unlink(temporary);
		return error_set_errno(err, EXIT_FAILED, cause, "cannot link %s to %s", link_path,
				       target);
	}
	return file_sync_dir(folder, err);
}

/* ---- folders */

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int make_dir(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) != 0) {
		int cause = errno;
		if (cause == EEXIST && is_folder(path))
			return 0;
		return error_set_errno(err, EXIT_FAILED, cause, "cannot make the folder %s", path);
	}
	/* The umask took its share. */
	if (chmod(path, mode) != 0 && !is_unknown_here(errno))
		return error_set_errno(err, EXIT_FAILED, errno, "cannot set the mode of %s", path);
	AUTO_FREE char *parent = parent_of(path);
	if (parent == NULL)
		return error_no_memory(err);
	return file_sync_dir(parent, err);
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	if (is_folder(path))
		return 0;
	AUTO_FREE char *partial = strdup(path);
	if (partial == NULL)
		return error_no_memory(err);
	for (char *at = partial; *at != '\0'; at++) {
		if (*at != '/' || at == partial)
			continue;
		*at = '\0';
		if (make_dir(partial, mode, err) != 0)
			return -1;
		*at = '/';
	}
	return make_dir(path, mode, err);
}

/* ---- in memory */

int file_in_memory(const char *what, const char *text, struct error *err)
{
	int fd = memfd_create(what, MFD_CLOEXEC);

	if (fd >= 0 && dprintf(fd, "%s", text) >= 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	error_set_errno(err, EXIT_FAILED, errno, "cannot write down the %s", what);
	file_close(&fd);
	return -1;
}
