/* The longest zone that holds a name, for APIs that are asked for one zone name at a time. */
#ifndef DNS_HOOKS_ZONE_MEMORY_H
#define DNS_HOOKS_ZONE_MEMORY_H

#include "common/error.h"
#include "dns-hooks/provider.h"

#include <stddef.h>

struct known_zone;

/* What was asked for already: the names of a run share suffixes. */
struct zone_memory {
	struct known_zone *items; /* owned */
	size_t count;
};

void zone_memory_free(struct zone_memory *memory);

/* Whether the account has a zone of exactly that name, with its id in `zone`.  1, 0, -1. */
typedef int zone_ask(void *user, const char *name, struct zone *zone, struct error *err);

/* As find_zone() of provider.h; a single label is a registry's and not asked for. */
int zone_find_longest(struct zone_memory *memory, const char *name, zone_ask *ask, void *user,
		      struct zone *zone, struct error *err);

#endif
