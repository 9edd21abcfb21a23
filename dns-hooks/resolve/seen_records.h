/* What DNS serves at a name: all that can be known of records whose provider cannot list them. */
#ifndef DNS_HOOKS_RESOLVE_SEEN_RECORDS_H
#define DNS_HOOKS_RESOLVE_SEEN_RECORDS_H

#include "dns-hooks/records/record.h"
#include "dns-hooks/resolve/authority.h"

/*
 * Asks the authoritative servers of `name` for what stands exactly there, and is not made up by a
 * wildcard above.  Of types other than ours only those are seen that matter: NS, SOA, MX.  `zone`
 * receives the zone that the name lies in.
 */
int seen_records(struct dns_view *view, const char *name, domain_name zone,
		 struct record_list *records, struct error *err);

#endif
