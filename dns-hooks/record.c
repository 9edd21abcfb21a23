#include "dns-hooks/record.h"

#include "dns-hooks/caa.h"

#include <arpa/inet.h>
#include <ctype.h>
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

int record_name(const char *text, domain_name out)
{
	size_t length = strlen(text);

	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length >= sizeof(domain_name))
		return -1;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[length] = '\0';
	return 0;
}

bool record_name_within(const char *name, const char *zone)
{
	size_t name_length = strlen(name), zone_length = strlen(zone);

	if (zone_length == 0)
		return true;
	if (name_length < zone_length || strcmp(name + name_length - zone_length, zone) != 0)
		return false;
	return name_length == zone_length || name[name_length - zone_length - 1] == '.';
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
		return record_name(value, target) == 0 ? strdup(target) : NULL;
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
	if (record_name(name, record->name) != 0)
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

int record_make_other(struct record *record, const char *name, const char *type_name, unsigned ttl,
		      const char *value, struct error *err)
{
	if (fill(record, name, RECORD_OTHER, ttl, value, err) != 0)
		return -1;
	snprintf(record->other_type, sizeof(record->other_type), "%s", type_name);
	record->value = strdup(value);
	return record->value == NULL ? error_no_memory(err) : 0;
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

static bool is_decimal_escape(const char *at)
{
	return isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]) &&
	       isdigit((unsigned char)at[2]);
}

/* Appends what the escape behind the backslash at `at` stands for; returns how long it is. */
static size_t unescape(const char *at, struct buffer *into)
{
	if (is_decimal_escape(at)) {
		int byte = (at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0');
		if (byte < 0x20 || byte == 0x7f || byte > 0xff) {
			buffer_printf(into, "\\%.3s", at);
		} else {
			char c = (char)byte;
			buffer_append(into, &c, 1);
		}
		return 3;
	}
	if (*at == '\0')
		return 0;
	buffer_append(into, at, 1);
	return 1;
}

int record_unquote(const char *text, struct buffer *into)
{
	bool inside = false;

	if (*text != '"')
		return buffer_puts(into, text);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			inside = !inside;
		else if (inside && *text == '\\')
			text += unescape(text + 1, into);
		else if (inside)
			buffer_append(into, text, 1);
		else if (*text != ' ' && *text != '\t')
			return -1;
	}
	return inside || into->failed ? -1 : 0;
}

int record_quote(const char *text, struct buffer *into)
{
	enum { STRING_MAX = 255 };
	size_t length = strlen(text), done = 0;

	do {
		size_t piece = length - done < STRING_MAX ? length - done : STRING_MAX;
		buffer_puts(into, done == 0 ? "\"" : " \"");
		for (size_t i = done; i < done + piece; i++) {
			if (text[i] == '"' || text[i] == '\\')
				buffer_puts(into, "\\");
			buffer_append(into, &text[i], 1);
		}
		buffer_puts(into, "\"");
		done += piece;
	} while (done < length);
	return into->failed ? -1 : 0;
}
