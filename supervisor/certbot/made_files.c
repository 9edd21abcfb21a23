#include "supervisor/certbot/made_files.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/certbot/certbot_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 24, TARGET_MAX = 1024 };

struct copy {
	uid_t user;
	unsigned entries, left_out;
	struct error first; /* what was left out, and why */
};

/* ---- what is taken */

static uid_t owner_of(uid_t user)
{
	return user == 0 ? geteuid() : user;
}

/* NULL, or what is wrong with it. */
static const char *refusal(const struct stat *info, uid_t user)
{
	if (!S_ISREG(info->st_mode))
		return "is no regular file";
	if (info->st_uid != owner_of(user))
		return "belongs to another user";
	if (info->st_nlink != 1)
		return "has another name";
	return NULL;
}

/*
 * Whether a link that stands `depth` folders below the top leads to a place below the top: ".."
 * only in front, where the folders are those of the copy and no links.
 */
static bool stays_inside(const char *target, unsigned depth)
{
	if (*target == '/' || *target == '\0')
		return false;
	for (; strncmp(target, "../", 3) == 0; target += 3, depth--)
		if (depth == 0)
			return false;
	for (const char *at = target; *at != '\0'; at += *at == '/') {
		size_t length = strcspn(at, "/");
		if (length == 0 || (length == 1 && at[0] == '.') ||
		    (length == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += length;
	}
	return true;
}

/* ---- one entry */

static int leave_out(struct copy *copy, const char *to, const char *why)
{
	if (copy->left_out++ == 0)
		error_set(&copy->first, EXIT_FAILED, "%s %s", to, why);
	return 0;
}

static int copy_file(struct copy *copy, int fd, const struct stat *info, const char *to,
		     struct error *err)
{
	const char *wrong = refusal(info, copy->user);
	struct buffer content;

	if (wrong == NULL && info->st_size > MADE_FILE_MAX)
		wrong = "is too large";
	if (wrong != NULL)
		return leave_out(copy, to, wrong);
	buffer_init(&content, MADE_FILE_MAX);
	int rc = file_read_fd(fd, to, &content, err);
	if (rc == 0)
		rc = file_write_volatile(to, 0600, buffer_text(&content), content.length, err);
	buffer_free(&content);
	return rc;
}

static int copy_link(struct copy *copy, int folder, const char *name, const char *to,
		     unsigned depth, struct error *err)
{
	char target[TARGET_MAX];

	if (certbot_user_begin(copy->user, err) != 0)
		return -1;
	ssize_t length = readlinkat(folder, name, target, sizeof(target));
	certbot_user_end(copy->user);
	if (length <= 0 || length == TARGET_MAX)
		return leave_out(copy, to, "is no link that can be read");
	target[length] = '\0';
	if (!stays_inside(target, depth))
		return leave_out(copy, to, "is a link to another place");
	return symlink(target, to) == 0
		   ? 0
		   : error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", to);
}

static int copy_folder(struct copy *copy, int fd, const char *to, unsigned depth,
		       struct error *err);

static int copy_entry(struct copy *copy, int folder, const char *name, const char *to,
		      unsigned depth, struct error *err)
{
	AUTO_FREE char *path = file_join(to, name);
	struct stat info;

	if (path == NULL)
		return error_no_memory(err);
	if (++copy->entries > MADE_ENTRIES_MAX || depth > DEPTH_MAX)
		return error_set(err, EXIT_FAILED,
				 "certbot has made more than %d files, or more than %d folders "
				 "deep",
				 MADE_ENTRIES_MAX, DEPTH_MAX);
	AUTO_CLOSE int fd = certbot_user_open(copy->user, folder, name, O_RDONLY);
	if (fd < 0 && errno == ELOOP)
		return copy_link(copy, folder, name, path, depth, err);
	if (fd < 0 || fstat(fd, &info) != 0)
		return leave_out(copy, path, "cannot be read");
	return S_ISDIR(info.st_mode) ? copy_folder(copy, fd, path, depth + 1, err)
				     : copy_file(copy, fd, &info, path, err);
}

/* ---- a folder */

static int copy_folder(struct copy *copy, int fd, const char *to, unsigned depth, struct error *err)
{
	int own = dup(fd);
	DIR *entries = own < 0 ? NULL : fdopendir(own); /* has `own` from here */
	const struct dirent *entry;
	int rc = 0;

	if (entries == NULL) {
		file_close(&own);
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read what is at %s", to);
	}
	if (mkdir(to, 0700) != 0)
		rc = error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", to);
	while (rc == 0 && (entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = copy_entry(copy, dirfd(entries), entry->d_name, to, depth, err);
	closedir(entries);
	return rc;
}

/* The way to it is trusted, itself it is not. */
static int open_below(const char *from, const char *name, uid_t user, struct error *err)
{
	AUTO_CLOSE int parent = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = parent < 0 ? -1 : certbot_user_open(user, parent, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		error_set_errno(err, EXIT_FAILED, errno, "cannot open %s/%s", from, name);
	return fd;
}

int made_files_copy(const char *from, const char *name, const char *to, uid_t user,
		    struct error *err)
{
	struct copy copy = {.user = user, .first = ERROR_INIT};
	AUTO_CLOSE int fd = open_below(from, name, user, err);

	if (fd < 0 || copy_folder(&copy, fd, to, 0, err) != 0)
		return -1;
	if (copy.left_out > 0)
		log_warn("%u entries of what certbot has made are left out; the first: %s",
			 copy.left_out, copy.first.text);
	return 0;
}

/* ---- one file */

int made_files_read(const char *from, const char *folder, const char *name, uid_t user,
		    struct buffer *into, struct error *err)
{
	AUTO_CLOSE int above = open_below(from, folder, user, err);
	struct stat info;

	if (above < 0)
		return -1;
	AUTO_CLOSE int fd = certbot_user_open(user, above, name, O_RDONLY);
	if (fd < 0 || fstat(fd, &info) != 0)
		return errno == ENOENT ? 0
				       : error_set_errno(err, EXIT_FAILED, errno,
							 "cannot read %s/%s", folder, name);
	const char *wrong = refusal(&info, user);
	if (wrong != NULL)
		return error_set(err, EXIT_FAILED, "%s/%s %s", folder, name, wrong);
	return file_read_fd(fd, name, into, err) == 0 ? 1 : -1;
}
