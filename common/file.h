/*
 * Files as this project writes them: whole or not at all, and on the disk before
 * anything else relies on them.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Closes a file descriptor (or does nothing below 0) when the variable leaves its scope. */
#define AUTO_CLOSE __attribute__((cleanup(file_close)))
void file_close(int *fd);

/* Frees a malloc()ed pointer when the variable leaves its scope. */
#define AUTO_FREE __attribute__((cleanup(file_free)))
void file_free(void *pointer);

/* Appends the file to `into` (whose maximum holds).  A missing file is an error whose text
 * says so; use file_exists() where absence is normal.  Only regular files: a FIFO or a
 * terminal could keep the caller waiting. */
int file_read(const char *path, struct buffer *into, struct error *err);

/* The same for an open file, from where it stands; `path` is for messages. */
int file_read_fd(int fd, const char *path, struct buffer *into, struct error *err);

bool file_exists(const char *path);

/* Writes all of it, however often that takes.  -1 with errno. */
int file_write_all(int fd, const char *data, size_t length);

/*
 * Replaces `path` by a temporary file beside it, fsync, rename, fsync of the folder: a
 * reader or a crash sees the old content or the new one.  `mode` is exact (no umask).
 */
int file_write(const char *path, mode_t mode, const void *data, size_t length, struct error *err);

/* The same for what need not outlive the machine, without waiting for its disk: a reader sees the
 * old content or the new one.  For RUN_DIR, which each start fills anew. */
int file_write_volatile(const char *path, mode_t mode, const void *data, size_t length,
			struct error *err);

/* Makes `path` and its missing parents (each with exactly `mode`, and on the disk); an
 * existing folder is fine and stays as it is. */
int file_make_dirs(const char *path, mode_t mode, struct error *err);

/* Whether symbolic links can be made in the folder. */
bool file_knows_links(const char *folder);
/* Makes `link_path` point at `target` by one rename, and fsyncs the folder. */
int file_swap_link(const char *target, const char *link_path, struct error *err);

/* Removes a file or a folder with all in it, however deep and whatever modes the folders have, as
 * long as they are this user's; never follows a symbolic link.  Gone is fine. */
int file_remove_tree(const char *path, struct error *err);
/* Removes all that is in a folder, but not the folder. */
int file_empty_dir(const char *path, struct error *err);

/* fsync of a folder, so that a rename in it survives a crash. */
int file_sync_dir(const char *path, struct error *err);

/* Joins with '/'.  The caller frees; NULL when memory ran out. */
char *file_join(const char *folder, const char *name);

/* A file in memory that can be read from its beginning: what a program gets as its standard input.
 * -1 with err; `what` names it in there. */
int file_in_memory(const char *what, const char *text, struct error *err);

#endif
