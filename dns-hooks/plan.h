/* From what has to stand at a name and what stands there to what is to be done; pure. */
#ifndef DNS_HOOKS_PLAN_H
#define DNS_HOOKS_PLAN_H

#include "common/buffer.h"
#include "dns-hooks/caa.h"
#include "dns-hooks/change.h"
#include "dns-hooks/provider.h"
#include "dns-hooks/target.h"

#include <stdbool.h>

enum { CAA_IDENTITIES_MAX = 8, TXT_VALUE_MAX = 160 };

/* The names by which a CA recognises itself in a CAA record; the first is written. */
struct caa_identities {
	domain_name names[CAA_IDENTITIES_MAX];
	size_t count;
};

/* What is the same for every name of a run. */
struct plan_rules {
	bool cname_beside_others; /* of the provider, as are the next two */
	const char *caa_separator;
	unsigned record_ttl;
	const char *gateway;
	char txt_value[TXT_VALUE_MAX]; /* APP_ID:PORT */
	struct caa_identities ca;
	const char *account_uri;
};

struct plan {
	struct change_list changes;
	struct buffer notes;	/* what is worth knowing about the changes; lines */
	struct buffer warnings; /* what nobody but the operator can put right; lines */
};

void plan_init(struct plan *plan);
void plan_free(struct plan *plan);

/*
 * Why the alias at `target` has to be made of the gateway's addresses: a sentence part, or
 * NULL when a CNAME will do.  `zone` is the zone's name.
 */
const char *plan_why_addresses(const struct target *target, const char *zone,
			       const struct record_list *present, const struct plan_rules *rules);

/* Removals of all but the first of the records like `wanted`: an API that would make a record
 * twice may have done so. */
int plan_single(const struct record *wanted, const struct record_list *present,
		struct change_list *changes, struct error *err);

/*
 * Works out the changes at one name.  `addresses` are the gateway's A and AAAA records (their
 * names do not matter), NULL unless plan_why_addresses() asks for them.  -1 (EXIT_FAILED) when
 * something foreign is in the way: the sentence says what to do about it.
 */
int plan_make(const struct target *target, const struct record_list *present,
	      const struct record_list *addresses, const struct plan_rules *rules,
	      struct plan *plan, struct error *err);

#endif
