/* The longest zone of an account that holds a name, for an API that can be asked for a zone by
 * its exact name. */
#ifndef DNS_HOOKS_PROVIDERS_ZONE_SEARCH_H
#define DNS_HOOKS_PROVIDERS_ZONE_SEARCH_H

#include "dns-hooks/providers/provider.h"

/* What the account has under the names asked for so far: those of a run share suffixes.  Begins
 * as {0}. */
struct zone_memory {
	struct known_zone *items; /* owned */
	size_t count;
};

void zone_memory_free(struct zone_memory *memory);

/* Whether the account has a zone of exactly that name (1, with its id in `zone`), or not (0); -1,
 * or ZONE_NOT_TOLD when these credentials may not ask for that name: a shorter one may be theirs.
 */
enum { ZONE_NOT_TOLD = -2 };
typedef int zone_ask(void *state, const char *name, struct zone *zone, struct error *err);

/* As provider_class.find_zone(). */
int zone_search(struct zone_memory *memory, zone_ask *ask, void *state, const char *name,
		struct zone *zone, struct error *err);

#endif
