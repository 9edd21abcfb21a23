/* What Route 53's answers mean; pure, so that every odd one can be tried without a server.
 * https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_ANSWER_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_ANSWER_H

#include "common/error.h"
#include "dns-hooks/providers/provider.h"
#include "dns-hooks/records/record.h"
#include "dns-hooks/web/xml.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	ROUTE53_NAME_MAX = 1100, /* of a name in which every byte is escaped */
	ROUTE53_IDENTIFIER_MAX = 300,
	ROUTE53_FOREIGN_MAX = 200,
	ROUTE53_CHANGE_ID_MAX = 64,
	ROUTE53_TWINS_MAX = 8, /* public zones of one name that are told apart */
};

/*
 * A resource record set.  A plain one is a name, a type, a TTL and values, and nothing else.
 * Whatever has more (an alias target, a weight, a region, a health check, ...) is foreign: it
 * is never written.
 */
struct route53_set {
	char type[RECORD_TYPE_NAME_MAX];
	unsigned ttl;
	char **values; /* as Route 53 writes them; owned */
	size_t value_count;
	char foreign[ROUTE53_FOREIGN_MAX];	 /* what it is: "an alias of x"; "": plain */
	char identifier[ROUTE53_IDENTIFIER_MAX]; /* of a foreign one that has siblings */
};

void route53_set_free(struct route53_set *set);
/* Appends a copy. */
int route53_set_add_value(struct route53_set *set, const char *value, struct error *err);

/* All sets at one name. */
struct route53_sets {
	struct route53_set *items; /* owned, with what they own */
	size_t count;
	size_t capacity;
};

#define AUTO_SETS __attribute__((cleanup(route53_sets_free)))
void route53_sets_free(struct route53_sets *sets);
/* Whether both are the same in every respect (in the same order, as listings are). */
bool route53_sets_same(const struct route53_sets *a, const struct route53_sets *b);
/* The first set of a type, or NULL. */
const struct route53_set *route53_sets_find(const struct route53_sets *sets, const char *type);

/* Where a listing goes on: "" what the answer did not say. */
struct route53_position {
	char name[ROUTE53_NAME_MAX]; /* as Route 53 writes it */
	char type[RECORD_TYPE_NAME_MAX];
	char identifier[ROUTE53_IDENTIFIER_MAX]; /* of a set, or the id of a zone */
};

/*
 * Takes a page of ListResourceRecordSets, which was asked to begin with `name` and goes on
 * through the zone: adds those sets that stand at `name`.  1 when the next page (at `next`) may
 * have more of them, 0 when these are all, -1 when the page makes no sense.
 */
int route53_take_sets(const struct xml *xml, const char *name, struct route53_sets *sets,
		      struct route53_position *next, struct error *err);

/* The zones of one name in the account. */
struct route53_zones {
	size_t public_count, private_count;
	/* Of the public ones, as many as there is room for; without "/hostedzone/". */
	char ids[ROUTE53_TWINS_MAX][ZONE_ID_MAX];
};

/* The same with a page of ListHostedZonesByName. */
int route53_take_zones(const struct xml *xml, const char *name, struct route53_zones *zones,
		       struct route53_position *next, struct error *err);

/* Whether the delegation set in an answer to GetHostedZone has one of the servers, whose names have
 * no dot at the end: 1, 0, or -1 when the answer makes no sense. */
int route53_is_served_by(const struct xml *xml, const domain_name *servers, size_t count,
			 struct error *err);

/* The change that the answer to ChangeResourceRecordSets or GetChange is about. */
int route53_change_info(const struct xml *xml, char id[ROUTE53_CHANGE_ID_MAX], bool *in_sync,
			struct error *err);

/* One value of a plain set as a record, which owns nothing yet. */
int route53_record(const struct route53_set *set, const char *name, const char *value,
		   struct record *record, struct error *err);
/* The sets, record by record.  A foreign one becomes one RECORD_OTHER of its type. */
int route53_records(const struct route53_sets *sets, const char *name, struct record_list *records,
		    struct error *err);

#endif
