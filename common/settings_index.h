/* Finds names by hash: 1,000 domains and 20,000 routes are compared with each other. */
#ifndef COMMON_SETTINGS_INDEX_H
#define COMMON_SETTINGS_INDEX_H

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

#endif
