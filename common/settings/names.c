#include "common/settings/names.h"
#include "common/domain.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name_slot {
	const char *name; /* NULL: free */
	size_t position;
};

int name_index_init(struct name_index *index, size_t names)
{
	size_t count = 16;

	while (count < names * 2) /* half empty: probing ends soon */
		count *= 2;
	index->slots = calloc(count, sizeof(*index->slots));
	index->slot_count = index->slots == NULL ? 0 : count;
	return index->slots == NULL ? -1 : 0;
}

void name_index_free(struct name_index *index)
{
	free(index->slots);
	*index = (struct name_index){0};
}

/* FNV-1a.  The names are the operator's own, so nobody gains from collisions. */
static uint64_t hash(const char *name)
{
	uint64_t value = 14695981039346656037u;

	for (; *name != '\0'; name++)
		value = (value ^ (unsigned char)*name) * 1099511628211u;
	return value;
}

/* The slot that has the name, or the free one where it belongs. */
static struct name_slot *slot_of(const struct name_index *index, const char *name)
{
	size_t mask = index->slot_count - 1;
	size_t at = (size_t)hash(name) & mask;

	while (index->slots[at].name != NULL && strcmp(index->slots[at].name, name) != 0)
		at = (at + 1) & mask;
	return &index->slots[at];
}

size_t name_index_add(struct name_index *index, const char *name, size_t position)
{
	struct name_slot *slot = slot_of(index, name);

	if (slot->name == NULL)
		*slot = (struct name_slot){name, position};
	return slot->position;
}

size_t name_index_find(const struct name_index *index, const char *name)
{
	const struct name_slot *slot = slot_of(index, name);

	return slot->name == NULL ? NAME_ABSENT : slot->position;
}

/* ---- wildcards and what they stand for */

int coverage_init(struct coverage *coverage, size_t names)
{
	*coverage = (struct coverage){{0}, {0}};
	if (name_index_init(&coverage->names, names) != 0)
		return -1;
	return name_index_init(&coverage->parents, names);
}

void coverage_free(struct coverage *coverage)
{
	name_index_free(&coverage->names);
	name_index_free(&coverage->parents);
}

/* Behind the first dot; every name in these lists has one. */
static const char *parent(const char *name)
{
	return strchr(name, '.') + 1;
}

size_t coverage_add(struct coverage *coverage, const char *name, size_t position)
{
	if (!domain_is_wildcard(name))
		name_index_add(&coverage->parents, parent(name), position);
	return name_index_add(&coverage->names, name, position);
}

bool coverage_serves(const struct coverage *coverage, const char *name)
{
	domain_name wildcard;

	if (name_index_find(&coverage->names, name) != NAME_ABSENT)
		return true;
	if (domain_is_wildcard(name))
		return false;
	snprintf(wildcard, sizeof(wildcard), "*.%s", parent(name));
	return name_index_find(&coverage->names, wildcard) != NAME_ABSENT;
}

bool coverage_touches(const struct coverage *coverage, const char *name)
{
	if (coverage_serves(coverage, name))
		return true;
	return domain_is_wildcard(name) &&
	       name_index_find(&coverage->parents, domain_base(name)) != NAME_ABSENT;
}
