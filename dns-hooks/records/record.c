#include "dns-hooks/records/record.h"

#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/dns_name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[] = {
    [RECORD_A] = "A",	  [RECORD_AAAA] = "AAAA", [RECORD_CNAME] = "CNAME",
    [RECORD_TXT] = "TXT", [RECORD_CAA] = "CAA",	  [RECORD_OTHER] = "other",
};

void record_free(struct record *record)
{
	free(record->value);
	record->value = NULL;
}

void record_list_free(struct record_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		record_free(&list->items[i]);
	free(list->items);
	*list = (struct record_list){0};
}

const char *record_type_text(const struct record *record)
{
	return record->type == RECORD_OTHER ? record->other_type : type_names[record->type];
}

enum record_type record_type_parse(const char *name)
{
	for (int type = RECORD_A; type < RECORD_OTHER; type++)
		if (strcasecmp(type_names[type], name) == 0)
			return (enum record_type)type;
	return RECORD_OTHER;
}

static int normal_address(int family, const char *value, char *out, socklen_t size)
{
	unsigned char raw[sizeof(struct in6_addr)];

	if (inet_pton(family, value, raw) != 1 || inet_ntop(family, raw, out, size) == NULL)
		return -1;
	return 0;
}

/* The value in its normal form, allocated; NULL when it is not one of that type. */
static char *normal_value(enum record_type type, const char *value)
{
	char address[INET6_ADDRSTRLEN];
	char caa_text[CAA_TEXT_MAX];
	domain_name target;
	struct caa caa;

	switch (type) {
	case RECORD_A:
	case RECORD_AAAA:
		if (normal_address(type == RECORD_A ? AF_INET : AF_INET6, value, address,
				   sizeof(address)) != 0)
			return NULL;
		return strdup(address);
	case RECORD_CNAME:
		return dns_name_normal(value, target) == 0 ? strdup(target) : NULL;
	case RECORD_CAA:
		if (caa_parse(value, &caa) != 0)
			return strdup(value); /* foreign: kept as it is, and never matched */
		caa_format(&caa, caa_text);
		return strdup(caa_text);
	case RECORD_TXT:
	case RECORD_OTHER:
		break;
	}
	return strdup(value);
}

static int fill(struct record *record, const char *name, enum record_type type, unsigned ttl,
		const char *value, struct error *err)
{
	*record = (struct record){.type = type, .ttl = ttl};
	if (dns_name_normal(name, record->name) != 0)
		return error_set(err, EXIT_FAILED, "the name '%.80s...' is longer than %d bytes",
				 name, DOMAIN_MAX);
	if (strlen(value) > RECORD_VALUE_MAX)
		return error_set(err, EXIT_FAILED, "a value at %s is longer than %d bytes", name,
				 RECORD_VALUE_MAX);
	return 0;
}

int record_make(struct record *record, const char *name, enum record_type type, unsigned ttl,
		const char *value, struct error *err)
{
	if (fill(record, name, type, ttl, value, err) != 0)
		return -1;
	record->value = normal_value(type, value);
	if (record->value == NULL)
		return error_set(err, EXIT_FAILED, "'%.200s' at %s is not the value of a record %s",
				 value, name, type_names[type]);
	return 0;
}

/* As somebody else's; what is longer than values are is cut. */
int record_make_other(struct record *record, const char *name, const char *type_name, unsigned ttl,
		      const char *value, struct error *err)
{
	if (fill(record, name, RECORD_OTHER, ttl, "", err) != 0)
		return -1;
	snprintf(record->other_type, sizeof(record->other_type), "%s", type_name);
	record->value = strndup(value, RECORD_VALUE_MAX);
	return record->value == NULL ? error_no_memory(err) : 0;
}

int record_make_shown(struct record *record, const char *name, const char *type_name, unsigned ttl,
		      const char *value, struct error *err)
{
	enum record_type type = record_type_parse(type_name);
	struct error untold = ERROR_INIT;

	if (type != RECORD_OTHER && record_make(record, name, type, ttl, value, &untold) == 0)
		return 0;
	return record_make_other(record, name, type_name, ttl, value, err);
}

int record_copy(struct record *to, const struct record *from, struct error *err)
{
	*to = *from;
	if (from->value == NULL)
		return 0;
	to->value = strdup(from->value);
	return to->value == NULL ? error_no_memory(err) : 0;
}

bool record_same(const struct record *a, const struct record *b)
{
	struct caa left, right;

	if (a->type != b->type || strcmp(a->name, b->name) != 0)
		return false;
	if (strcmp(a->value, b->value) == 0)
		return a->type != RECORD_OTHER || strcmp(a->other_type, b->other_type) == 0;
	return a->type == RECORD_CAA && caa_parse(a->value, &left) == 0 &&
	       caa_parse(b->value, &right) == 0 && caa_same(&left, &right);
}

static int grow(struct record_list *list)
{
	size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
	struct record *items = reallocarray(list->items, capacity, sizeof(*items));

	if (items == NULL)
		return -1;
	list->items = items;
	list->capacity = capacity;
	return 0;
}

int record_list_add(struct record_list *list, struct record *record, struct error *err)
{
	if (list->count == RECORD_LIST_MAX) {
		record_free(record);
		return error_set(err, EXIT_FAILED, "more than %d records", RECORD_LIST_MAX);
	}
	if (list->count == list->capacity && grow(list) != 0) {
		record_free(record);
		return error_no_memory(err);
	}
	list->items[list->count++] = *record;
	record->value = NULL; /* the list's now */
	return 0;
}

const struct record *record_list_find(const struct record_list *list, const struct record *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (record_same(&list->items[i], wanted))
			return &list->items[i];
	return NULL;
}

const struct record *record_list_find_type(const struct record_list *list, enum record_type type)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].type == type)
			return &list->items[i];
	return NULL;
}
