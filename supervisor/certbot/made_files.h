/*
 * What a program that is not trusted has made, copied to where it can be worked with: folders, and
 * plain files and links that lead to no other place.
 */
#ifndef SUPERVISOR_CERTBOT_MADE_FILES_H
#define SUPERVISOR_CERTBOT_MADE_FILES_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Copies the folder `from`/`name` to `to`, which is made (0700).  Only the way to `from` is
 * trusted. Read with the rights of `user` (0: one's own); what is not his alone (another owner, a
 * second name), is no regular file, is larger than MADE_FILE_MAX, or a link out of the folder is
 * left out, and told in one line.  More than MADE_ENTRIES_MAX entries are an error.
 */
int made_files_copy(const char *from, const char *name, const char *to, uid_t user,
		    struct error *err);
enum { MADE_FILE_MAX = 256 * 1024, MADE_ENTRIES_MAX = 256 };

/* Reads the file `folder`/`name` in `from` under the same conditions, but for its size, which
 * `into` bounds.  1; 0: there is none; -1 with err. */
int made_files_read(const char *from, const char *folder, const char *name, uid_t user,
		    struct buffer *into, struct error *err);

#endif
