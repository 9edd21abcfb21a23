/*
 * Finds names by hash, since 10,000 domains and 20,000 routes are compared with each other, and
 * which of them belong together: a wildcard and the names it stands for, whichever of two lists
 * either of them is in.
 */
#ifndef COMMON_SETTINGS_NAMES_H
#define COMMON_SETTINGS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct name_index {
	struct name_slot *slots;
	size_t slot_count; /* a power of two */
};

#define NAME_ABSENT ((size_t)-1)

/* For at most `names` names.  -1 when memory ran out; the index is then empty and usable for
 * nothing but name_index_free(). */
int name_index_init(struct name_index *index, size_t names);
void name_index_free(struct name_index *index);

/* Returns `position`, or that of the same name if it is there already (nothing is added
 * then).  `name` must outlive the index. */
size_t name_index_add(struct name_index *index, const char *name, size_t position);

/* NAME_ABSENT if it is not there. */
size_t name_index_find(const struct name_index *index, const char *name);

struct coverage {
	struct name_index names;
	struct name_index parents; /* of the names that are no wildcards */
};

/* -1 when memory ran out.  Freed in any case with coverage_free(). */
int coverage_init(struct coverage *coverage, size_t names);
void coverage_free(struct coverage *coverage);

/* `name` must outlive the coverage.  Returns as name_index_add(). */
size_t coverage_add(struct coverage *coverage, const char *name, size_t position);

/* Whether the name or the wildcard over it was added. */
bool coverage_serves(const struct coverage *coverage, const char *name);

/* The same, or `name` is a wildcard and a name under it was added. */
bool coverage_touches(const struct coverage *coverage, const char *name);

#endif
