/*
 * The CAA records that a CA will go by (RFC 8659 section 3): those of the name itself, else of
 * the nearest name above it, aliases followed in each look-up, parents of aliases never.
 *
 * The zone that the domain lies in is asked at each of its servers, since it may have been
 * written to a moment ago and the CA may ask any of them.  Names above it and targets of aliases
 * are looked up through the resolvers; what these say against an order is confirmed by the
 * servers of the zone in question, since a cache may be behind.
 */
#ifndef DNS_HOOKS_CAA_CAA_SEARCH_H
#define DNS_HOOKS_CAA_CAA_SEARCH_H

#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/resolve/authority.h"

/*
 * Whether the CA of the settings may issue for `domain` (a wildcard or not) to the account (NULL:
 * not known).  -1 (EXIT_FAILED) only when it is certain that it will refuse: the sentence quotes
 * the record and says what to change.  What cannot be seen from here becomes the `doubt` and is
 * passed: the CA looks from elsewhere.
 */
int caa_search(struct dns_view *view, const struct settings *settings, const char *domain,
	       const char *account_uri, struct error *doubt, struct error *err);

enum caa_binding {
	CAA_UNKNOWN, /* DNS could not be asked, or answers so that a CA could not go by it either */
	CAA_ABSENT,  /* there are no records: every CA may issue, to anybody */
	CAA_OPEN,    /* there are, and they let others have certificates */
	CAA_BOUND,   /* only the account may */
};

/*
 * Whether the account is the only one that may have certificates for `domain` (NULL: whether it is
 * one account at all, record by record).  `at` is the name whose records count, part of `domain`;
 * `why` is filled with CAA_UNKNOWN and CAA_OPEN.
 */
enum caa_binding caa_search_binding(struct dns_view *view, const char *domain,
				    const char *account_uri, long budget_ms, const char **at,
				    struct error *why);

#endif
