#include "dns-hooks/target.h"

#include "dns-hooks/dns_name.h"

#include <stdlib.h>
#include <string.h>

void target_list_free(struct target_list *list)
{
	free(list->items);
	*list = (struct target_list){0};
}

/* The target of that name, made if need be; valid until the next call.  NULL: no memory. */
static struct target *target_at(struct target_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		struct target *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL)
			return NULL;
		list->items = items;
		list->capacity = capacity;
	}
	struct target *target = &list->items[list->count++];
	*target = (struct target){0};
	memcpy(target->name, name, strlen(name) + 1);
	return target;
}

/* What is served at, as a wildcard of, and below one name. */
struct served {
	bool itself, wildcard, below;
};

static struct served served_at(const struct settings *settings, const char *base)
{
	struct served served = {0};

	for (size_t i = 0; i < settings->domain_count; i++) {
		const char *domain = settings->domains[i];
		if (strcmp(domain, base) == 0)
			served.itself = true;
		else if (strcmp(domain_base(domain), base) == 0)
			served.wildcard = true;
		else if (dns_name_within(domain, base))
			served.below = true;
	}
	return served;
}

static void wish_caa(const struct settings *settings, struct target *target)
{
	struct served served = served_at(settings, target->name);

	target->issuewild = served.wildcard ? CAA_WISH_PIN : CAA_WISH_NONE;
	target->issue = served.itself || served.below ? CAA_WISH_PIN : CAA_WISH_NOBODY;
}

static int add_domain(const struct settings *settings, const char *domain, unsigned kinds,
		      struct target_list *list, struct error *err)
{
	struct target *target = NULL;
	domain_name txt_name;

	if ((kinds & KIND_ALIAS) != 0) {
		target = target_at(list, domain);
		if (target == NULL)
			return error_no_memory(err);
		target->alias = true;
	}
	if ((kinds & KIND_TXT) != 0) {
		if (domain_txt_name(settings->txt_prefix, domain, txt_name) != 0)
			return error_set(err, EXIT_BAD_CONFIG,
					 "the name of the TXT record of %s would be longer than %d "
					 "characters; shorten TXT_PREFIX",
					 domain, DOMAIN_MAX);
		target = target_at(list, txt_name);
		if (target == NULL)
			return error_no_memory(err);
		target->txt = true;
	}
	if ((kinds & KIND_CAA) != 0 && settings->set_caa) {
		target = target_at(list, domain_base(domain));
		if (target == NULL)
			return error_no_memory(err);
		wish_caa(settings, target);
	}
	return 0;
}

int target_list_build(const struct settings *settings, const char *const *chosen,
		      size_t chosen_count, unsigned kinds, struct target_list *list,
		      struct error *err)
{
	size_t count = chosen_count == 0 ? settings->domain_count : chosen_count;

	*list = (struct target_list){0};
	for (size_t i = 0; i < count; i++)
		if (add_domain(settings, chosen_count == 0 ? settings->domains[i] : chosen[i],
			       kinds, list, err) != 0)
			return -1;
	for (size_t i = 0; i < list->count && settings->set_caa; i++) {
		struct target *target = &list->items[i];
		struct served served = served_at(settings, target->name);
		/* A wildcard's CAA record stands at its base, so its alias may be a CNAME. */
		target->caa_stands =
		    !domain_is_wildcard(target->name) && (served.itself || served.wildcard);
	}
	return 0;
}
