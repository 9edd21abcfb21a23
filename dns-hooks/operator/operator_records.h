/*
 * Records that the operator has to make in DNS by hand, since the credentials of this container do
 * not reach their zones: a list, and how it is shown to people and programs.
 */
#ifndef DNS_HOOKS_OPERATOR_OPERATOR_RECORDS_H
#define DNS_HOOKS_OPERATOR_OPERATOR_RECORDS_H

#include "common/error.h"
#include "common/json.h"
#include "dns-hooks/records/record.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	OPERATOR_TTL = 3600, /* seconds, of the lines to paste; any other will do */
	OPERATOR_NOTE_MAX = 160,
	OPERATOR_RECORDS_MAX = 40000, /* four for each domain that there may be */
};

struct operator_record {
	struct record wanted;
	char note[OPERATOR_NOTE_MAX]; /* what it is for; a sentence part */
	/* Nothing but this record will do.  Otherwise an alias (CNAME) may as well be made of the
	 * target's addresses, or lead there by way of other names. */
	bool exact;
};

struct operator_list {
	struct operator_record *items; /* owned, with what they own; no two are the same record */
	size_t count;
	size_t capacity;
};

#define AUTO_OPERATOR __attribute__((cleanup(operator_list_free)))
void operator_list_free(struct operator_list *list);

/* Adds a record of `type` (not RECORD_OTHER); one that is there already is left as it is.  `value`
 * is brought into the form of record.h. */
int operator_list_add(struct operator_list *list, const char *name, enum record_type type,
		      const char *value, bool exact, const char *note, struct error *err);

/* Copies one of another list. */
int operator_list_copy(struct operator_list *list, const struct operator_record *record,
		       struct error *err);

/* Prints the lines for a zone file: NAME. 3600 IN TYPE VALUE. */
void operator_list_print(const struct operator_list *list);

/* [{"type", "name", "value", "note", "exact"}, ...]; cJSON_Delete() by the caller.  NULL with err
 * when memory ran out. */
cJSON *operator_list_json(const struct operator_list *list, struct error *err);

#endif
