/* From what has to stand at a name and what stands there to what is to be done; pure. */
#ifndef DNS_HOOKS_PLAN_PLAN_MAKE_H
#define DNS_HOOKS_PLAN_PLAN_MAKE_H

#include "dns-hooks/plan/desired_records.h"
#include "dns-hooks/plan/plan.h"

/*
 * Why the alias at `desired` has to be made of the gateway's addresses: a sentence part, or
 * NULL when a CNAME will do.  `zone` is the zone's name.
 */
const char *plan_why_addresses(const struct desired_records *desired, const char *zone,
			       const struct record_list *present, const struct plan_rules *rules);

/*
 * Works out the changes at one name of `zone`.  `addresses` are the gateway's A and AAAA records
 * (their names do not matter), NULL unless plan_why_addresses() asks for them.  -1 (EXIT_FAILED)
 * when something foreign is in the way: the sentence says what to do about it.
 */
int plan_make(const struct desired_records *desired, const char *zone,
	      const struct record_list *present, const struct record_list *addresses,
	      const struct plan_rules *rules, struct plan *plan, struct error *err);

/* Whether a TXT value looks like that of an app: HEX:PORT. */
bool plan_is_app_address(const char *value);

#endif
