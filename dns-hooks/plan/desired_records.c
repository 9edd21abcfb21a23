#include "dns-hooks/plan/desired_records.h"

#include "dns-hooks/records/dns_name.h"

#include <stdlib.h>
#include <string.h>

void desired_list_free(struct desired_list *list)
{
	free(list->items);
	*list = (struct desired_list){0};
}

/* The entry of that name, made if need be; valid until the next call.  NULL: no memory. */
static struct desired_records *desired_at(struct desired_list *list, const char *name,
					  const char *base)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		struct desired_records *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL)
			return NULL;
		list->items = items;
		list->capacity = capacity;
	}
	struct desired_records *desired = &list->items[list->count++];
	*desired = (struct desired_records){0};
	memcpy(desired->name, name, strlen(name) + 1);
	memcpy(desired->base, base, strlen(base) + 1);
	return desired;
}

/* Which domains are configured: one name itself, its wildcard, and names below it. */
struct configured {
	bool itself, wildcard, below;
};

static struct configured configured_at(const struct settings *settings, const char *base)
{
	struct configured configured = {0};

	for (size_t i = 0; i < settings->domain_count; i++) {
		const char *domain = settings->domains[i];
		if (strcmp(domain, base) == 0)
			configured.itself = true;
		else if (strcmp(domain_base(domain), base) == 0)
			configured.wildcard = true;
		else if (dns_name_within(domain, base))
			configured.below = true;
	}
	return configured;
}

static void wish_caa(const struct settings *settings, struct desired_records *desired)
{
	struct configured configured = configured_at(settings, desired->base);

	desired->issuewild = configured.wildcard ? CAA_WISH_PIN : CAA_WISH_NONE;
	desired->issue = configured.itself || configured.below ? CAA_WISH_PIN : CAA_WISH_NOBODY;
}

static int add_domain(const struct settings *settings, const char *domain, unsigned kinds,
		      struct desired_list *list, struct error *err)
{
	bool is_shared =
	    settings->alias_domain != NULL && strcmp(domain, settings->alias_domain) == 0;
	const char *base = domain_base(domain);
	struct desired_records *desired = NULL;
	struct record_places places;

	if (record_places_find(settings, domain, &places, err) != 0)
		return -1;
	if ((kinds & KIND_ALIAS) != 0 && !is_shared) {
		desired = desired_at(list, places.alias, base);
		if (desired == NULL)
			return error_no_memory(err);
		desired->alias = true;
	}
	if ((kinds & KIND_TXT) != 0) {
		desired = desired_at(list, places.txt, base);
		if (desired == NULL)
			return error_no_memory(err);
		desired->txt = true;
		desired->is_shared = is_shared;
	}
	if ((kinds & KIND_CAA) != 0 && settings->set_caa) {
		desired = desired_at(list, places.caa, base);
		if (desired == NULL)
			return error_no_memory(err);
		desired->is_shared = desired->is_shared || is_shared;
		wish_caa(settings, desired);
	}
	return 0;
}

int desired_list_build(const struct settings *settings, const char *const *chosen,
		       size_t chosen_count, unsigned kinds, struct desired_list *list,
		       struct error *err)
{
	size_t count = chosen_count == 0 ? settings->domain_count : chosen_count;

	*list = (struct desired_list){0};
	for (size_t i = 0; i < count; i++)
		if (add_domain(settings, chosen_count == 0 ? settings->domains[i] : chosen[i],
			       kinds, list, err) != 0)
			return -1;
	for (size_t i = 0; i < list->count && settings->set_caa; i++) {
		struct desired_records *desired = &list->items[i];
		struct configured configured = configured_at(settings, desired->base);
		/* A wildcard's CAA record stands at its base, so its alias may be a CNAME; unless
		 * both are delegated to one name. */
		desired->caa_stands = !desired->txt && !domain_is_wildcard(desired->name) &&
				      (configured.itself || configured.wildcard);
	}
	return 0;
}
