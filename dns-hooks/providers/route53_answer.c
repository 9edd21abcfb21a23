#include "dns-hooks/providers/route53_answer.h"

#include "dns-hooks/providers/route53_text.h"
#include "dns-hooks/web/web_answer.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets */

void route53_set_free(struct route53_set *set)
{
	for (size_t i = 0; i < set->value_count; i++)
		free(set->values[i]);
	free(set->values);
	*set = (struct route53_set){0};
}

void route53_sets_free(struct route53_sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		route53_set_free(&sets->items[i]);
	free(sets->items);
	*sets = (struct route53_sets){0};
}

static bool same_set(const struct route53_set *a, const struct route53_set *b)
{
	if (strcmp(a->type, b->type) != 0 || strcmp(a->identifier, b->identifier) != 0 ||
	    strcmp(a->foreign, b->foreign) != 0 || a->ttl != b->ttl ||
	    a->value_count != b->value_count)
		return false;
	for (size_t i = 0; i < a->value_count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

bool route53_sets_same(const struct route53_sets *a, const struct route53_sets *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_set(&a->items[i], &b->items[i]))
			return false;
	return true;
}

const struct route53_set *route53_sets_find(const struct route53_sets *sets, const char *type)
{
	for (size_t i = 0; i < sets->count; i++)
		if (strcmp(sets->items[i].type, type) == 0)
			return &sets->items[i];
	return NULL;
}

/* Moves `set` to the end, which owns it from here on (also after -1). */
static int add_set(struct route53_sets *sets, struct route53_set *set, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < sets->count && result == 0; i++)
		if (strcmp(sets->items[i].type, set->type) == 0 &&
		    strcmp(sets->items[i].identifier, set->identifier) == 0)
			result = error_set(err, EXIT_TRY_LATER,
					   "the %s records came twice: the listing is not whole",
					   set->type);
	if (result == 0 && sets->count == sets->capacity) {
		size_t capacity = sets->capacity == 0 ? 8 : sets->capacity * 2;
		struct route53_set *items = reallocarray(sets->items, capacity, sizeof(*items));
		if (items == NULL) {
			result = error_no_memory(err);
		} else {
			sets->items = items;
			sets->capacity = capacity;
		}
	}
	if (result == 0)
		sets->items[sets->count++] = *set;
	else
		route53_set_free(set);
	return result;
}

/* ---- one set out of XML */

int route53_set_add_value(struct route53_set *set, const char *value, struct error *err)
{
	char **values = reallocarray(set->values, set->value_count + 1, sizeof(*values));

	if (values == NULL)
		return error_no_memory(err);
	set->values = values;
	values[set->value_count] = strdup(value);
	if (values[set->value_count] == NULL)
		return error_no_memory(err);
	set->value_count++;
	return 0;
}

static int read_values(const struct xml_element *records, struct route53_set *set,
		       struct error *err)
{
	const struct xml_element *record = xml_child(records, "ResourceRecord");

	for (; record != NULL; record = xml_next(record, "ResourceRecord")) {
		const char *value = xml_child_text(record, "Value");
		if (value == NULL || strlen(value) > RECORD_VALUE_MAX)
			return error_set(err, EXIT_UNREACHABLE, "a %s record has no usable value",
					 set->type);
		if (set->value_count == RECORD_LIST_MAX)
			return error_set(err, EXIT_FAILED, "more than %d records", RECORD_LIST_MAX);
		if (route53_set_add_value(set, value, err) != 0)
			return -1;
	}
	return 0;
}

static bool read_number(const char *text, unsigned *number)
{
	char *end = NULL;

	if (text == NULL || !isdigit((unsigned char)*text) || strlen(text) > 10)
		return false;
	unsigned long long value = strtoull(text, &end, 10);
	*number = (unsigned)value;
	return *end == '\0' && value <= INT_MAX;
}

/* What of the element is more than name, type, TTL and values: its name, or NULL. */
static const char *find_extra(const struct xml_element *element)
{
	static const char *const plain[] = {"Name", "Type", "TTL", "ResourceRecords"};
	const struct xml_element *child = xml_child(element, NULL);

	for (; child != NULL; child = xml_next(child, NULL)) {
		size_t i = 0;
		while (i < sizeof(plain) / sizeof(plain[0]) &&
		       strcmp(xml_name(child), plain[i]) != 0)
			i++;
		if (i == sizeof(plain) / sizeof(plain[0]))
			return xml_name(child);
	}
	return NULL;
}

static void describe_foreign(const struct xml_element *element, const char *extra,
			     struct route53_set *set)
{
	const char *alias = xml_child_text(xml_child(element, "AliasTarget"), "DNSName");
	const char *identifier = xml_child_text(element, "SetIdentifier");

	if (identifier != NULL) {
		snprintf(set->identifier, sizeof(set->identifier), "%s", identifier);
		snprintf(set->foreign, sizeof(set->foreign),
			 "the set \"%.120s\" of a routing policy", identifier);
	} else if (alias != NULL) {
		snprintf(set->foreign, sizeof(set->foreign), "an alias of %.150s", alias);
	} else {
		snprintf(set->foreign, sizeof(set->foreign), "a set with %.100s", extra);
	}
}

/* `set` owns nothing yet; set_free() by the caller after -1. */
static int read_set(const struct xml_element *element, struct route53_set *set, struct error *err)
{
	const char *type = xml_child_text(element, "Type");
	const char *extra = find_extra(element);

	if (type == NULL || *type == '\0' || strlen(type) >= sizeof(set->type))
		return error_set(err, EXIT_UNREACHABLE, "a record set has no usable type");
	snprintf(set->type, sizeof(set->type), "%s", type);
	if (extra != NULL)
		describe_foreign(element, extra, set);
	else if (!read_number(xml_child_text(element, "TTL"), &set->ttl))
		return error_set(err, EXIT_UNREACHABLE, "the %s records have no usable TTL", type);
	if (read_values(xml_child(element, "ResourceRecords"), set, err) != 0)
		return -1;
	if (extra == NULL && set->value_count == 0)
		return error_set(err, EXIT_UNREACHABLE, "the %s records have no value", type);
	return 0;
}

/* ---- pages */

/* A listing that begins with a name and goes on behind it. */
struct page {
	const struct xml_element *first; /* entry; NULL: none */
	bool truncated;
};

static int open_page(const struct xml *xml, const char *root, const char *list, const char *entry,
		     struct page *page, struct error *err)
{
	const struct xml_element *top = xml_root(xml), *entries = xml_child(top, list);
	const char *truncated = xml_child_text(top, "IsTruncated");

	if (strcmp(xml_name(top), root) != 0 || entries == NULL || truncated == NULL ||
	    (strcmp(truncated, "true") != 0 && strcmp(truncated, "false") != 0))
		return error_set(err, EXIT_UNREACHABLE,
				 "the answer is no %s with %s and IsTruncated", root, list);
	page->truncated = strcmp(truncated, "true") == 0;
	page->first = xml_child(entries, entry);
	return 0;
}

/* 1 when the entry stands at `name`, 0 when at another, -1. */
static int is_at(const struct xml_element *entry, const char *name, struct error *err)
{
	const char *text = xml_child_text(entry, "Name");
	domain_name entry_name;

	if (text == NULL)
		return error_set(err, EXIT_UNREACHABLE, "an entry of the listing has no name");
	return route53_name(text, entry_name) == 0 && strcmp(entry_name, name) == 0;
}

static void copy_text(const struct xml_element *root, const char *name, char *to, size_t size)
{
	const char *text = xml_child_text(root, name);

	snprintf(to, size, "%s", text == NULL ? "" : text);
}

/* 1 when the listing goes on at `name`, 0 when not, -1. */
static int go_on(const struct route53_position *next, const char *name, struct error *err)
{
	domain_name next_name;

	if (*next->name == '\0')
		return error_set(err, EXIT_UNREACHABLE,
				 "the answer is truncated and does not say where it goes on");
	return route53_name(next->name, next_name) == 0 && strcmp(next_name, name) == 0;
}

int route53_take_sets(const struct xml *xml, const char *name, struct route53_sets *sets,
		      struct route53_position *next, struct error *err)
{
	const struct xml_element *root = xml_root(xml);
	struct page page = {0};

	if (open_page(xml, "ListResourceRecordSetsResponse", "ResourceRecordSets",
		      "ResourceRecordSet", &page, err) != 0)
		return -1;
	for (const struct xml_element *entry = page.first; entry != NULL;
	     entry = xml_next(entry, "ResourceRecordSet")) {
		struct route53_set set = {0};
		int at = is_at(entry, name, err);
		if (at <= 0)
			return at;
		if (read_set(entry, &set, err) != 0) {
			route53_set_free(&set);
			return -1;
		}
		if (add_set(sets, &set, err) != 0)
			return -1;
	}
	if (!page.truncated)
		return 0;
	copy_text(root, "NextRecordName", next->name, sizeof(next->name));
	copy_text(root, "NextRecordType", next->type, sizeof(next->type));
	copy_text(root, "NextRecordIdentifier", next->identifier, sizeof(next->identifier));
	return go_on(next, name, err);
}

/* ---- zones */

/* What is behind the last slash, if it is an id. */
static int read_id(const char *text, char *id, size_t size, struct error *err)
{
	const char *slash = text == NULL ? NULL : strrchr(text, '/');
	const char *from = slash == NULL ? text : slash + 1;

	if (from == NULL || !web_id_is_usable(from) || strlen(from) >= size)
		return error_set(err, EXIT_UNREACHABLE, "the answer has no usable id");
	snprintf(id, size, "%s", from);
	return 0;
}

static int take_zone(const struct xml_element *entry, struct route53_zones *zones,
		     struct error *err)
{
	/* A zone without Config is public. */
	const char *is_private = xml_child_text(xml_child(entry, "Config"), "PrivateZone");
	char id[ZONE_ID_MAX];

	if (read_id(xml_child_text(entry, "Id"), id, sizeof(id), err) != 0)
		return -1;
	if (is_private != NULL && strcmp(is_private, "true") == 0) {
		zones->private_count++;
		return 0;
	}
	if (zones->public_count < ROUTE53_TWINS_MAX)
		memcpy(zones->ids[zones->public_count], id, sizeof(id));
	zones->public_count++;
	return 0;
}

int route53_take_zones(const struct xml *xml, const char *name, struct route53_zones *zones,
		       struct route53_position *next, struct error *err)
{
	const struct xml_element *root = xml_root(xml);
	struct page page = {0};

	if (open_page(xml, "ListHostedZonesByNameResponse", "HostedZones", "HostedZone", &page,
		      err) != 0)
		return -1;
	for (const struct xml_element *entry = page.first; entry != NULL;
	     entry = xml_next(entry, "HostedZone")) {
		int at = is_at(entry, name, err);
		if (at <= 0)
			return at;
		if (take_zone(entry, zones, err) != 0)
			return -1;
	}
	if (!page.truncated)
		return 0;
	copy_text(root, "NextDNSName", next->name, sizeof(next->name));
	copy_text(root, "NextHostedZoneId", next->identifier, sizeof(next->identifier));
	return go_on(next, name, err);
}

static bool is_one_of(const char *text, const domain_name *names, size_t count)
{
	domain_name name;

	if (route53_name(text, name) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

int route53_is_served_by(const struct xml *xml, const domain_name *servers, size_t count,
			 struct error *err)
{
	const struct xml_element *set = xml_child(xml_root(xml), "DelegationSet");
	const struct xml_element *server = xml_child(xml_child(set, "NameServers"), "NameServer");

	if (server == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "the answer does not say which name servers the zone has");
	for (; server != NULL; server = xml_next(server, "NameServer"))
		if (is_one_of(xml_text(server), servers, count))
			return 1;
	return 0;
}

/* ---- changes */

int route53_change_info(const struct xml *xml, char id[ROUTE53_CHANGE_ID_MAX], bool *in_sync,
			struct error *err)
{
	const struct xml_element *info = xml_child(xml_root(xml), "ChangeInfo");
	const char *status = xml_child_text(info, "Status");

	if (status == NULL || (strcmp(status, "INSYNC") != 0 && strcmp(status, "PENDING") != 0))
		return error_set(err, EXIT_UNREACHABLE,
				 "the answer does not say whether the change is INSYNC");
	*in_sync = strcmp(status, "INSYNC") == 0;
	return read_id(xml_child_text(info, "Id"), id, ROUTE53_CHANGE_ID_MAX, err);
}

/* ---- records */

int route53_record(const struct route53_set *set, const char *name, const char *value,
		   struct record *record, struct error *err)
{
	enum record_type type = record_type_parse(set->type);
	struct buffer plain;
	domain_name target;

	*record = (struct record){0};
	if (type == RECORD_CNAME && route53_name(value, target) == 0)
		return record_make(record, name, type, set->ttl, target, err);
	if (type != RECORD_TXT)
		return record_make_shown(record, name, set->type, set->ttl, value, err);
	buffer_init(&plain, RECORD_VALUE_MAX);
	/* What cannot be read is somebody else's; change() sends it back as it came. */
	int result =
	    route53_read_txt(value, &plain) == 0
		? record_make_shown(record, name, set->type, set->ttl, buffer_text(&plain), err)
		: record_make_other(record, name, set->type, set->ttl, value, err);
	buffer_free(&plain);
	return result;
}

int route53_records(const struct route53_sets *sets, const char *name, struct record_list *records,
		    struct error *err)
{
	for (size_t i = 0; i < sets->count; i++) {
		const struct route53_set *set = &sets->items[i];
		bool is_foreign = *set->foreign != '\0';
		for (size_t v = 0; v < (is_foreign ? 1 : set->value_count); v++) {
			struct record record = {0};
			int result = is_foreign
					 ? record_make_other(&record, name, set->type, set->ttl,
							     set->foreign, err)
					 : route53_record(set, name, set->values[v], &record, err);
			if (result != 0)
				record_free(&record);
			if (result != 0 || record_list_add(records, &record, err) != 0)
				return -1;
		}
	}
	return 0;
}
