/*
 * Which names belong together: a wildcard and the names it stands for, whichever of the two
 * lists either of them is in.
 */
#ifndef COMMON_SETTINGS_COVERAGE_H
#define COMMON_SETTINGS_COVERAGE_H

#include "common/settings_index.h"

#include <stdbool.h>

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
