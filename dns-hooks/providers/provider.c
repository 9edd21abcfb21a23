#include "dns-hooks/providers/provider.h"

#include "dns-hooks/records/dns_name.h"

#include <string.h>

enum { WRITE_ATTEMPTS = 3 };

void provider_close(struct provider *provider)
{
	if (provider->state != NULL)
		provider->class->close(provider->state);
	*provider = (struct provider){0};
}

int provider_zone(const struct provider *provider, const char *name, const char *delegated,
		  struct zone *zone, struct error *err)
{
	if (provider->class->find_zone == NULL) {
		*zone = (struct zone){0};
		return dns_name_normal(delegated, zone->name);
	}
	int found = provider->class->find_zone(provider->state, name, zone, err);

	if (found > 0)
		return 0;
	if (found < 0)
		return error_wrap(err, "cannot find the zone of %s", name);
	error_set(err, EXIT_FAILED,
		  "%s: these credentials reach no zone that holds %s; create the zone there, "
		  "or let them reach it",
		  provider->class->name, name);
	return PROVIDER_NO_ZONE;
}

/* A CNAME keeps everything else from its name (RFC 1034 section 3.6.2); some servers accept
 * the addition and drop it. */
static int refuse_beside_cname(const struct provider *provider, const struct record *record,
			       const struct record_list *present, struct error *err)
{
	const struct record *cname = record_list_find_type(present, RECORD_CNAME);

	if (cname == NULL || record->type == RECORD_CNAME || provider->class->cname_beside_others)
		return 0;
	return error_set(err, EXIT_FAILED,
			 "%s is a CNAME (to %s), so no %s record can stand there; remove the CNAME",
			 record->name, cname->value, record_type_text(record));
}

/* Removes every copy: an API that allows it may have the value several times. */
static int plan_removal(const struct provider *provider, const struct record *record,
			const struct record_list *present, struct change_list *changes,
			struct error *err)
{
	if (provider->class->removes_unseen && record_list_find(present, record) == NULL)
		return change_list_add(changes, record, NULL, err, "no longer needed");
	for (size_t i = 0; i < present->count; i++)
		if (record_same(&present->items[i], record) &&
		    change_list_add(changes, &present->items[i], NULL, err, "no longer needed") !=
			0)
			return -1;
	return 0;
}

static int plan_one(const struct provider *provider, const struct record *record, bool add,
		    const struct record_list *present, struct change_list *changes,
		    struct error *err)
{
	if (!add)
		return plan_removal(provider, record, present, changes, err);
	if (record_list_find(present, record) != NULL)
		return 0;
	if (refuse_beside_cname(provider, record, present, err) != 0)
		return -1;
	return change_list_add(changes, NULL, record, err, "needed");
}

/* A provider that cannot list records is told to make the change, whatever is there. */
static int plan_blindly(const struct record *record, bool add, struct change_list *changes,
			struct error *err)
{
	return change_list_add(changes, add ? NULL : record, add ? record : NULL, err, "asked for");
}

/* The longest TTL among the values of the record's type: that value itself, or the others. */
static unsigned longest_ttl(const struct record_list *present, const struct record *record,
			    bool of_itself)
{
	unsigned longest = 0;

	for (size_t i = 0; i < present->count; i++) {
		const struct record *other = &present->items[i];
		if (other->type == record->type && record_same(other, record) == of_itself &&
		    other->ttl > longest)
			longest = other->ttl;
	}
	return longest;
}

/* One value to be written, and what came of it. */
struct write {
	const struct provider *provider;
	const struct zone *zone;
	const struct record *record;
	bool add;
	bool again; /* somebody else was faster */
	unsigned others_ttl, own_ttl;
};

/* One turn of reading and writing; as provider_add(). */
static int read_and_write(struct write *write, struct error *err)
{
	const struct provider_class *class = write->provider->class;
	void *state = write->provider->state;
	const char *name = write->record->name;
	AUTO_RECORDS struct record_list present = {0};
	AUTO_CHANGES struct change_list changes = {0};

	write->again = false;
	if (class->list != NULL && class->list(state, write->zone, name, &present, err) != 0)
		return error_wrap(err, "cannot read the records of %s", name);
	write->others_ttl = longest_ttl(&present, write->record, false);
	write->own_ttl = longest_ttl(&present, write->record, true);
	if (class->list == NULL ? plan_blindly(write->record, write->add, &changes, err) != 0
				: plan_one(write->provider, write->record, write->add, &present,
					   &changes, err) != 0)
		return -1;
	if (changes.count == 0)
		return 0;
	int result = class->change(state, write->zone, name, &present, &changes, err);
	write->again = result == PROVIDER_CHANGED_MEANWHILE;
	if (result < 0)
		return error_wrap(err, "cannot change the records of %s", name);
	/* What was not shown may have been there, or not: it is gone. */
	return write->add || class->list == NULL ||
	       record_list_find(&present, write->record) != NULL;
}

int provider_overtaken(const char *name, enum exit_code code, struct error *err)
{
	struct error seen = *err;

	error_set(err, code, "somebody else keeps changing the records of %s%s%s", name,
		  *seen.text == '\0' ? "" : ", or it seems so: ", seen.text);
	return -1;
}

static int write_one(struct write *write, struct error *err)
{
	int result = -1;

	write->again = true;
	for (int attempt = 0; write->again && attempt < WRITE_ATTEMPTS; attempt++)
		result = read_and_write(write, err);
	if (write->again)
		return provider_overtaken(write->record->name, EXIT_TRY_LATER, err);
	return result;
}

int provider_add(const struct provider *provider, const struct zone *zone,
		 const struct record *record, unsigned *others_ttl, struct error *err)
{
	struct write write = {.provider = provider, .zone = zone, .record = record, .add = true};
	int result = write_one(&write, err);

	if (others_ttl != NULL)
		*others_ttl = write.others_ttl;
	return result;
}

int provider_remove(const struct provider *provider, const struct zone *zone,
		    const struct record *record, unsigned *own_ttl, struct error *err)
{
	struct write write = {.provider = provider, .zone = zone, .record = record, .add = false};
	int result = write_one(&write, err);

	if (own_ttl != NULL)
		*own_ttl = write.own_ttl;
	return result;
}
