/*
 * A number that stands for how some files look from outside: inode, size and times, through
 * links.  As long as it stays the same the files are not worth reading again.
 */
#ifndef SUPERVISOR_STORE_FILE_PRINT_H
#define SUPERVISOR_STORE_FILE_PRINT_H

#include <stdbool.h>
#include <stdint.h>

struct file_print {
	uint64_t value;
	bool is_fresh; /* a file was changed just now: its next change may look the same */
};

struct file_print file_print_begin(void);
/* A file that is not there, or cannot be looked at, counts as such. */
void file_print_add(struct file_print *print, const char *path);
/* 0 when the files may change and look the same: then they have to be read. */
uint64_t file_print_end(const struct file_print *print);

/* The same kind of number for a text; never 0. */
uint64_t file_print_of_text(const char *text);

#endif
