/* The servers that a zone and its parent do not agree on. */
#ifndef DNS_HOOKS_RESOLVE_DELEGATION_H
#define DNS_HOOKS_RESOLVE_DELEGATION_H

#include "dns-hooks/resolve/authority.h"

/*
 * Both should name the same ones (RFC 1034 section 4.2.2), but a delegation may still have the
 * servers of an earlier provider, and a CA's resolver that comes down from the parent asks them.
 * Those that hold the zone are added to `authority`, the others are warned about: a resolver
 * goes on to the next.  So is a delegation that has no server in common with the zone: the world
 * is told of another zone by the same name (split horizon) than the one that is asked here.  What
 * cannot be found out changes nothing.
 */
void delegation_complete(struct dns_view *view, struct authority *authority);

#endif
