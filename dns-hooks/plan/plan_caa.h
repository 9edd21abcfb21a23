/* The CAA part of a plan; see plan.h and desired_records.h. */
#ifndef DNS_HOOKS_PLAN_PLAN_CAA_H
#define DNS_HOOKS_PLAN_PLAN_CAA_H

#include "dns-hooks/plan/desired_records.h"
#include "dns-hooks/plan/plan.h"

/*
 * The new pin is added before an old one of ours goes, so that at no moment anybody may
 * issue.  Ours is, of the tags that are to be pinned, a record for the same CA in exactly the
 * shape that is written here, with another account.  All other records stay; the ones that
 * loosen the pin (CAA records add up) or make every CA refuse are warned about.
 */
int plan_caa(const struct desired_records *desired, const struct record_list *present,
	     const struct plan_rules *rules, struct plan *plan, struct error *err);

#endif
