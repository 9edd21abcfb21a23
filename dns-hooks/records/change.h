/* What is to be done to the records at one name, in the order in which it is to be done. */
#ifndef DNS_HOOKS_RECORDS_CHANGE_H
#define DNS_HOOKS_RECORDS_CHANGE_H

#include "dns-hooks/records/record.h"

#include <stddef.h>

enum change_kind {
	CHANGE_ADD,    /* `after` is new; everything else at the name stays */
	CHANGE_UPDATE, /* `before` becomes `after`, in place if the provider can; the types may
			* differ (A to CNAME) */
	CHANGE_REMOVE, /* `before` goes; only that value */
};

enum { CHANGE_REASON_MAX = 160 };

struct change {
	enum change_kind kind;
	struct record before; /* as it was read, with its id; value NULL with CHANGE_ADD */
	struct record after;  /* value NULL with CHANGE_REMOVE */
	char reason[CHANGE_REASON_MAX];
};

struct change_list {
	struct change *items;
	size_t count;
	size_t capacity;
};

#define AUTO_CHANGES __attribute__((cleanup(change_list_free)))
void change_list_free(struct change_list *list);

/* Copies the records; `before` or `after` is NULL where there is none, which gives the kind. */
int change_list_add(struct change_list *list, const struct record *before,
		    const struct record *after, struct error *err, const char *reason, ...)
    __attribute__((format(printf, 5, 6)));

/* Adds the removal of all but the first of the records in `present` that are like `wanted`: an API
 * that would make a record twice may have done so. */
int change_list_remove_copies(struct change_list *list, const struct record *wanted,
			      const struct record_list *present, struct error *err);

#endif
