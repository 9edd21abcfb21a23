#include "dns-hooks/challenge/journal_folder.h"

#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700 };

static const char *const names[] = {"dns", "dns-served", "dns-written"};

static bool is_inside;

char *journal_folder_open(const char *letsencrypt_dir, const char *name, struct error *err)
{
	AUTO_FREE char *parent = file_join(letsencrypt_dir, "dstack-ingress");
	char *path = parent == NULL ? NULL : is_inside ? strdup(name) : file_join(parent, name);

	if (path == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (file_make_dirs(path, FOLDER_MODE, err) == 0)
		return path;
	free(path);
	return NULL;
}

/* ---- whose they are */

static bool belongs_to(int folder, const char *name, uid_t user)
{
	struct stat info;

	return fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_uid == user;
}

/* A file that has a second name elsewhere on the volume was not made here, and may be a private
 * key. */
static int give_file(int folder, const char *name, uid_t user)
{
	struct stat info;

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(info.st_mode) || info.st_nlink != 1)
		return 0;
	return fchownat(folder, name, user, user, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT ? 0
											       : -1;
}

static int give_files(int folder, uid_t user)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy); /* owns it from here */
	const struct dirent *entry;
	int result = 0;

	if (entries == NULL) {
		file_close(&copy);
		return -1;
	}
	while (result == 0 && (errno = 0, entry = readdir(entries)) != NULL)
		result = give_file(folder, entry->d_name, user);
	if (errno != 0)
		result = -1;
	int cause = errno;
	closedir(entries);
	errno = cause;
	return result;
}

/* The folder comes last: after a crash in between, the next ingress-dns does the rest. */
static int give(int parent, const char *name, uid_t user)
{
	if (belongs_to(parent, name, user))
		return 0;
	/* Root without CAP_DAC_OVERRIDE cannot look into another user's folder. */
	if (!belongs_to(parent, name, 0) && fchownat(parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	AUTO_CLOSE int folder =
	    openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0) /* another ingress-dns may just have given it */
		return belongs_to(parent, name, user) ? 0 : -1;
	return give_files(folder, user) == 0 && fchown(folder, user, user) == 0 ? 0 : -1;
}

/* Others may pass through, so that the folders in it can be found; what else is in it has modes of
 * its own. */
static int let_through(int parent)
{
	struct stat info;

	if (fstat(parent, &info) != 0)
		return -1;
	if ((info.st_mode & S_IXOTH) != 0)
		return 0;
	return fchmod(parent, (info.st_mode & 07777) | S_IXOTH);
}

int journal_folder_enter(const char *letsencrypt_dir, uid_t user, struct error *err)
{
	AUTO_FREE char *path = file_join(letsencrypt_dir, "dstack-ingress");

	if (path == NULL)
		return error_no_memory(err);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		AUTO_FREE char *folder = journal_folder_open(letsencrypt_dir, names[i], err);
		if (folder == NULL)
			return -1;
	}
	AUTO_CLOSE int parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || let_through(parent) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot enter %s", path);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (give(parent, names[i], user) != 0)
			return error_set_errno(err, EXIT_FAILED, errno,
					       "cannot give %s/%s to user %u", path, names[i],
					       (unsigned)user);
	if (fchdir(parent) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot enter %s", path);
	is_inside = true;
	return 0;
}
