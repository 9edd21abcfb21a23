#include "common/settings_coverage.h"

#include "common/domain.h"

#include <stdio.h>
#include <string.h>

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
