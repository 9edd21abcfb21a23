/*
 * The files of one evidence generation, in memory: sorted by name, each with its SHA-256.
 *
 * Publishing fills one and writes it out; serving reads one in and answers from it.
 */
#ifndef EVIDENCE_FILE_SET_H
#define EVIDENCE_FILE_SET_H

#include "common/digest.h"
#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	FILE_SET_NAME_MAX = 255, /* NAME_MAX of every file system in question */
	/* A manifest with all names and the whole history; the largest attestation has 20 MiB in
	   hex. */
	EVIDENCE_FILE_MAX = 32 * 1024 * 1024,
	FILE_SET_TOTAL_MAX = 128 * 1024 * 1024,
	FILE_SET_COUNT_MAX =
	    SETTINGS_DOMAINS_MAX + 100, /* a certificate each, and what is beside them */
};

struct evidence_file {
	char *name;
	char *data; /* a NUL follows, which `length` does not count */
	size_t length;
	char sha256[SHA256_HEX_SIZE];
};

struct file_set {
	struct evidence_file *files; /* in byte order of their names */
	size_t count;
	size_t total; /* bytes in all files */
};

#define FILE_SET_INIT      \
	{                  \
		NULL, 0, 0 \
	}

#define AUTO_FILE_SET __attribute__((cleanup(file_set_free)))
void file_set_free(struct file_set *set);

/* Adds a copy of the data.  Refused: a name that is there already or that
 * file_set_name_is_allowed() does not like, and whatever exceeds the limits above. */
int file_set_add(struct file_set *set, const char *name, const void *data, size_t length,
		 struct error *err);

/* NULL when there is none of that name. */
const struct evidence_file *file_set_find(const struct file_set *set, const char *name);

/* Letters, digits and "-._*", not beginning with a dot: plain file names that need no
 * escaping in a URL, in HTML or in sha256sum's format. */
bool file_set_name_is_allowed(const char *name);

#endif
