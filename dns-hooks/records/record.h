/*
 * DNS records in the one form in which this program compares and prints them, whatever a
 * provider's API makes of them:
 *
 *   A, AAAA   the address as inet_ntop() writes it
 *   CNAME     the target, lower case, without the trailing dot
 *   TXT       the strings joined, without quotes; control bytes as \DDD
 *   CAA       FLAGS TAG "VALUE"
 *   other     the provider's text: never written or deleted, only seen to be in the way
 *
 * Names are lower case without the trailing dot; "*" and underscores stand as they are.
 */
#ifndef DNS_HOOKS_RECORDS_RECORD_H
#define DNS_HOOKS_RECORDS_RECORD_H

#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum record_type { RECORD_A, RECORD_AAAA, RECORD_CNAME, RECORD_TXT, RECORD_CAA, RECORD_OTHER };

enum {
	RECORD_TYPE_NAME_MAX = 24,
	RECORD_ID_MAX = 128,
	RECORD_VALUE_MAX = 4 * 65535, /* RDLENGTH (RFC 1035 section 3.2.1), each byte as \DDD */
	RECORD_LIST_MAX = 10000,      /* at one name, or in one small zone */
};

struct record {
	domain_name name;
	enum record_type type;
	char other_type[RECORD_TYPE_NAME_MAX]; /* RECORD_OTHER: "MX", "TYPE65", ... */
	unsigned ttl;			       /* seconds */
	char *value;			       /* owned */
	char id[RECORD_ID_MAX];		       /* the provider's, "" where it has none */
	bool proxied; /* the provider answers with something else than `value` */
};

struct record_list {
	struct record *items; /* owned, with what they own */
	size_t count;
	size_t capacity;
};

#define AUTO_RECORDS __attribute__((cleanup(record_list_free)))
void record_list_free(struct record_list *list);
#define AUTO_RECORD __attribute__((cleanup(record_free)))
void record_free(struct record *record);

/* "A", "TXT", ...; of a RECORD_OTHER the type it really has. */
const char *record_type_text(const struct record *record);
/* RECORD_OTHER for anything but the five names above (letter case does not matter). */
enum record_type record_type_parse(const char *name);

/*
 * Fills `record` (which owns nothing yet) with `value` brought into the form above.  -1 when
 * the value is not one of that type.  RECORD_OTHER is made by record_make_other().
 */
int record_make(struct record *record, const char *name, enum record_type type, unsigned ttl,
		const char *value, struct error *err);
int record_make_other(struct record *record, const char *name, const char *type_name, unsigned ttl,
		      const char *value, struct error *err);
/*
 * For what a provider shows, which may be anything: as record_make(), or, where `value` is none of
 * the type `type_name`, a RECORD_OTHER of that type, with the text as it came; cut where it is too
 * long.  -1 only without memory, or when the name is longer than names are.
 */
int record_make_shown(struct record *record, const char *name, const char *type_name, unsigned ttl,
		      const char *value, struct error *err);
int record_copy(struct record *to, const struct record *from, struct error *err);

/* Same name, type and value; TTL and id do not matter.  CAA values compare by their parts. */
bool record_same(const struct record *a, const struct record *b);

/* Moves `record` to the end of the list, which owns it from here on (also after -1). */
int record_list_add(struct record_list *list, struct record *record, struct error *err);
/* The first record like `wanted` (record_same), or NULL. */
const struct record *record_list_find(const struct record_list *list, const struct record *wanted);
/* The first record of a type, or NULL. */
const struct record *record_list_find_type(const struct record_list *list, enum record_type type);

#endif
