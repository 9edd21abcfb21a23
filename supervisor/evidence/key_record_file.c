#include "supervisor/evidence/key_record_file.h"

#include "common/file.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int key_record_file_init(struct key_record_file *file, const char *letsencrypt_dir,
			 struct error *err)
{
	*file = (struct key_record_file){.folder = file_join(letsencrypt_dir, "dstack-ingress")};
	file->path = file->folder == NULL ? NULL : file_join(file->folder, "key-origin");
	return file->path == NULL ? error_no_memory(err) : 0;
}

void key_record_file_clear(struct key_record_file *file)
{
	free(file->folder);
	free(file->path);
}

static void set_aside(struct key_record_file *file, const char *why)
{
	AUTO_FREE char *aside = NULL;

	error_set(&file->rejected, EXIT_FAILED, "%s is not believed: %s", file->path, why);
	if (asprintf(&aside, "%s.rejected", file->path) < 0)
		aside = NULL;
	if (aside == NULL || rename(file->path, aside) != 0)
		log_warn("cannot rename %s", file->path);
	else
		log_warn("%s; it is kept as %s, and what only it names counts as adopted",
			 file->rejected.text, aside);
}

int key_record_file_open(struct key_record_file *file)
{
	AUTO_CLOSE int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -1;
	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		set_aside(file, "it is no regular file that can be read");
		return -1;
	}
	int opened = fd;
	fd = -1; /* the caller's now */
	return opened;
}

int key_record_file_save(struct key_record_file *file, const char *record, const char *why,
			 struct error *err)
{
	if (why != NULL)
		set_aside(file, why);
	if (file_make_dirs(file->folder, 0700, err) != 0)
		return -1;
	return file_write(file->path, 0600, record, strlen(record), err);
}
