/*
 * Asks DNS whether the operator has made his records: the authoritative servers, or the resolvers
 * where only those can be asked (PROPAGATION_CHECK=resolvers or off), or those of DOH_RESOLVERS in
 * their place (operator_doh.h).
 */
#ifndef DNS_HOOKS_OPERATOR_OPERATOR_CHECK_H
#define DNS_HOOKS_OPERATOR_OPERATOR_CHECK_H

#include "dns-hooks/operator/operator_judge.h"
#include "dns-hooks/resolve/authority.h"

/*
 * A name whose servers differ is unmet until all that answer agree on the CNAME there: a CA may ask
 * any of them.  What is behind a CNAME is asked at one server of each zone.  With OPERATOR_UNKNOWN
 * `why` has the exit code of the failure.
 */
enum operator_verdict operator_check(struct dns_view *view, const struct operator_record *record,
				     struct error *why);

/*
 * Copies to `unmet` those of `list` that DNS does not show; 0 if it shows them all.  -1 with err
 * (EXIT_TRY_LATER) that says of each what is seen, as far as there is room: of unmet ones, and of
 * those that nobody could tell of, which are in `unmet` as well; after `budget_ms` nobody is asked
 * any more.  A CNAME at the apex of a zone cannot be made: it is not in `unmet`, and err has
 * EXIT_BAD_CONFIG.
 */
int operator_check_all(struct dns_view *view, const struct operator_list *list, long budget_ms,
		       struct operator_list *unmet, struct error *err);

#endif
