#include "dns-hooks/providers/zone_search.h"

#include "dns-hooks/records/dns_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONES_REMEMBERED_MAX = 4096 };

/* A zone, or that there is none of that name (id ""). */
struct known_zone {
	domain_name name;
	char id[ZONE_ID_MAX];
};

void zone_memory_free(struct zone_memory *memory)
{
	free(memory->items);
	*memory = (struct zone_memory){0};
}

static void remember(struct zone_memory *memory, const char *name, const char *id)
{
	struct known_zone *known = NULL;

	if (memory->count < ZONES_REMEMBERED_MAX)
		known = reallocarray(memory->items, memory->count + 1, sizeof(*known));
	if (known == NULL)
		return; /* it will be asked again */
	memory->items = known;
	known += memory->count++;
	snprintf(known->name, sizeof(known->name), "%s", name);
	snprintf(known->id, sizeof(known->id), "%s", id);
}

static int zone_named(struct zone_memory *memory, zone_ask *ask, void *state, const char *name,
		      struct zone *zone, struct error *err)
{
	for (size_t i = 0; i < memory->count; i++)
		if (strcmp(memory->items[i].name, name) == 0) {
			memcpy(zone->id, memory->items[i].id, sizeof(zone->id));
			return *zone->id != '\0';
		}
	int found = ask(state, name, zone, err);
	if (found >= 0)
		remember(memory, name, zone->id);
	return found;
}

int zone_search(struct zone_memory *memory, zone_ask *ask, void *state, const char *name,
		struct zone *zone, struct error *err)
{
	struct error refusal = ERROR_INIT;
	int found = 0;

	*zone = (struct zone){0};
	/* A single label is a registry's. */
	for (const char *at = domain_base(name); strchr(at, '.') != NULL;
	     at = strchr(at, '.') + 1) {
		found = zone_named(memory, ask, state, at, zone, err);
		if (found == 1)
			return dns_name_normal(at, zone->name) == 0;
		if (found == -1)
			return -1;
		if (found == ZONE_NOT_TOLD && *refusal.text == '\0')
			refusal = *err;
	}
	if (*refusal.text == '\0')
		return 0;
	*err = refusal;
	return -1;
}
