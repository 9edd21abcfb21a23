/*
 * The one mistake with DNSSEC that breaks a zone for everybody who validates, as CAs do, and that
 * can be seen without validating: the parent has a DS record that fits no key of the zone.  It is
 * what is left behind when a zone moves to another provider.
 *
 * Wrong signatures are seen where the resolvers validate; see resolver_ask().  A resolver goes on
 * to another server, so signatures that have expired at some of the servers only are looked for
 * here: they are warned about.
 */
#ifndef DNS_HOOKS_RESOLVE_DNSSEC_CHECK_H
#define DNS_HOOKS_RESOLVE_DNSSEC_CHECK_H

#include "common/error.h"
#include "dns-hooks/resolve/authority.h"

#include <time.h>

/* -1 only when it is certain; what cannot be asked is passed.  `note`: see caution(). */
int dnssec_check(struct dns_view *view, const struct authority *authority, struct error *note,
		 struct error *err);

/* Whether a DS record of `zone` in one answer fits a DNSKEY in the other, by key tag and algorithm
 * (RFC 4034 section 5.1); the digest is left to those who validate. */
bool dnssec_fits(const ldns_pkt *parent, const ldns_pkt *zone_keys, const char *zone);

/* When the last of the signatures of the SOA record of `zone` in an answer expires; 0: there is
 * none. */
time_t dnssec_expiry(const ldns_pkt *answer, const char *zone);

#endif
