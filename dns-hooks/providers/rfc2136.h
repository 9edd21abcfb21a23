/*
 * DNS UPDATE (RFC 2136) with TSIG: BIND, Knot, PowerDNS, Windows.
 *
 *   RFC2136_SERVER          host[:port] of the primary
 *   RFC2136_KEY_NAME, RFC2136_KEY_SECRET, RFC2136_KEY_ALGORITHM
 *   RFC2136_ZONE            else found by SOA queries at that server
 */
#ifndef DNS_HOOKS_PROVIDERS_RFC2136_H
#define DNS_HOOKS_PROVIDERS_RFC2136_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class rfc2136_class;

#endif
