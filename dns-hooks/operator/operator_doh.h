/* Asks the resolvers of DOH_RESOLVERS whether the operator has made a record. */
#ifndef DNS_HOOKS_OPERATOR_OPERATOR_DOH_H
#define DNS_HOOKS_OPERATOR_OPERATOR_DOH_H

#include "dns-hooks/operator/operator_judge.h"
#include "dns-hooks/resolve/authority.h"

/*
 * The record counts once all resolvers that answer show it, since one that was asked too early
 * remembers for a while that there was none.  OPERATOR_UNKNOWN when none of them answers.
 */
enum operator_verdict operator_doh_check(const struct dns_view *view,
					 const struct operator_record *record, struct error *why);

#endif
