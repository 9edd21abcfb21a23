/*
 * The authoritative servers of a zone, asked without recursion: what they answer is what a
 * CA gets to see, and asking them leaves nothing behind in anybody's cache.
 */
#ifndef DNS_HOOKS_RESOLVE_AUTHORITY_H
#define DNS_HOOKS_RESOLVE_AUTHORITY_H

#include "common/domain.h"
#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/resolve/dns_query.h"
#include "dns-hooks/resolve/resolver.h"

#include <stddef.h>

enum { AUTHORITY_SERVERS_MAX = 64 };

struct authority_server {
	domain_name name; /* of the NS record */
	struct dns_server at;
	bool is_extra; /* of authority_try() */
};

struct authority {
	domain_name zone;
	struct name_list names; /* of the NS records, whether they can be asked or not */
	struct authority_server servers[AUTHORITY_SERVERS_MAX];
	size_t count; /* at least 1 */
	/* The servers are the resolvers, which tell what they have got from the zone's: all that
	 * there is with PROPAGATION_CHECK=resolvers or off. */
	bool is_recursive;
	/* What was warned about of the names without an address that can be asked; "" if nothing.
	 */
	struct error unasked;
};

/* How the servers of names are found and asked. */
struct dns_view {
	struct resolver resolver;
	unsigned short port; /* of authoritative servers */
	enum propagation_check check;
	/* The resolvers that are asked over HTTPS for records that the operator makes; none: DNS is
	 * asked.  Borrowed from the settings. */
	const char *const *doh_urls;
	size_t doh_count;
	const char *doh_ca_bundle; /* NULL: the system's trust store */
};

/*
 * The servers of `zone` by its NS records.  NS names whose address cannot be found, and addresses
 * to which this machine has no route (IPv6 in most containers), are left out with a warning;
 * -1 when nobody is left.  The structure is large: keep it in one place.
 */
int authority_open(struct dns_view *view, const char *zone, struct authority *authority,
		   struct error *err);

/*
 * The servers of the zone that `name` lies in, whether it exists or not: the enclosing zone
 * by the resolvers, asked about an ancestor, then delegations followed from server to
 * server.  `alias` is the target of a CNAME that stands (or appears to stand) at `name`, ""
 * for none.  With PROPAGATION_CHECK=resolvers or off the servers are the resolvers, and `alias` is
 * "" whatever stands there.
 */
int authority_find(struct dns_view *view, const char *name, struct authority *authority,
		   domain_name alias, struct error *err);

/*
 * Goes on from a zone whose servers are known to the one that `name` lies in, as above.
 */
int authority_descend(struct dns_view *view, const char *name, struct authority *authority,
		      domain_name alias, struct error *err);

/* Adds those addresses of a host that hold the zone, as extra ones: 1 if there are any, 0, or -1
 * when it cannot be told; the rest of them is left out from `limit` on. */
int authority_try(struct dns_view *view, const char *name, struct authority *authority,
		  deadline limit, struct error *err);

/* Asks one of the servers, whatever it answers; see dns_query(). */
int authority_query(const struct authority *authority, size_t server, const char *name,
		    ldns_rr_type type, ldns_pkt **answer, struct error *err);

/* Whether such an answer comes from somebody who knows: from the zone, or through a resolver. */
bool authority_speaks(const struct authority *authority, const ldns_pkt *answer);

/* Asks one server after the other until one answers with authority, or points further down. */
int authority_ask(const struct authority *authority, const char *name, ldns_rr_type type,
		  ldns_pkt **answer, struct error *err);

#endif
