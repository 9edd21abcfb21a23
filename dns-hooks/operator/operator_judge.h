/* Whether what DNS shows at a name is the record that the operator was to make; pure. */
#ifndef DNS_HOOKS_OPERATOR_OPERATOR_JUDGE_H
#define DNS_HOOKS_OPERATOR_OPERATOR_JUDGE_H

#include "dns-hooks/operator/operator_records.h"

enum { OPERATOR_HOPS_MAX = 8 };

/* What was seen at one name. */
struct operator_sight {
	/* The targets of the CNAMEs that lead away from it, the nearest first. */
	domain_name chain[OPERATOR_HOPS_MAX];
	size_t hops;
	/* Of the wanted type, of an alias A and AAAA: those at the end of the chain.  Their names
	 * do not matter. */
	struct record_list records;
};

enum operator_verdict {
	OPERATOR_MET,
	OPERATOR_UNMET,	  /* `why` says what is seen instead */
	OPERATOR_UNKNOWN, /* `why` says why it cannot be told */
	OPERATOR_NEVER,	  /* it cannot be made; `why` says what to do instead */
};

/* Whether a CNAME is wanted exactly: then nothing behind it matters, and `records` may be empty. */
bool operator_is_exact_cname(const struct operator_record *record);

/*
 * `target` are the addresses of an alias's target, for one that is not exact; they may be none.
 * An alias is met by a chain of CNAMEs that comes by its target, or by addresses that are all the
 * target's.  A TXT or CAA record counts behind CNAMEs as well, and beside others; but TXT that is
 * exact not beside another app's address, since the gateway may take that one.
 */
enum operator_verdict operator_judge(const struct operator_record *record,
				     const struct operator_sight *sight,
				     const struct record_list *target, struct error *why);

#endif
