/*
 * The files of one evidence generation, in memory: sorted by name, each with its SHA-256.
 *
 * Publishing fills one and writes it out; serving reads one in and answers from it.
 */
#ifndef EVIDENCE_BUNDLE_H
#define EVIDENCE_BUNDLE_H

#include "common/digest.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	BUNDLE_NAME_MAX = 255, /* NAME_MAX of every file system in question */
	BUNDLE_FILE_MAX = 4 * 1024 * 1024,
	BUNDLE_TOTAL_MAX = 64 * 1024 * 1024,
	BUNDLE_FILES_MAX = 1100, /* SETTINGS_DOMAINS_MAX certificates and what is beside them */
};

struct bundle_file {
	char *name;
	char *data; /* a NUL follows, which `length` does not count */
	size_t length;
	char sha256[SHA256_HEX_SIZE];
};

struct bundle {
	struct bundle_file *files; /* in byte order of their names */
	size_t count;
	size_t total; /* bytes in all files */
};

#define BUNDLE_INIT        \
	{                  \
		NULL, 0, 0 \
	}

#define AUTO_BUNDLE __attribute__((cleanup(bundle_free)))
void bundle_free(struct bundle *bundle);

/* Adds a copy of the data.  Refused: a name that is there already or that
 * bundle_name_is_allowed() does not like, and whatever exceeds the limits above. */
int bundle_add(struct bundle *bundle, const char *name, const void *data, size_t length,
	       struct error *err);

/* NULL when there is none of that name. */
const struct bundle_file *bundle_find(const struct bundle *bundle, const char *name);

/* Letters, digits and "-._*", not beginning with a dot: plain file names that need no
 * escaping in a URL, in HTML or in sha256sum's format. */
bool bundle_name_is_allowed(const char *name);

#endif
