/*
 * The recursive servers by which names of servers are found: DNS_RESOLVERS, or those of
 * /etc/resolv.conf.
 *
 * They are asked about zones and hosts that exist, never about a name that is about to be
 * made: they would remember for a while that it does not exist.
 */
#ifndef DNS_HOOKS_RESOLVE_RESOLVER_H
#define DNS_HOOKS_RESOLVE_RESOLVER_H

#include "common/deadline.h"
#include "common/domain.h"
#include "common/error.h"
#include "dns-hooks/resolve/dns_answer.h"
#include "dns-hooks/resolve/dns_server.h"

#include <stddef.h>

enum {
	RESOLVERS_MAX = 8,
	RESOLVER_BUDGET_MS = 120000, /* for finding one place, however many names lead there */
};

struct resolver {
	struct dns_server servers[RESOLVERS_MAX];
	size_t count;
	size_t preferred; /* who answered last: a dead one is waited for once, not every time */
	deadline limit;	  /* of resolver_allow() */
};

/* `listed` is "addr[:port],..." or NULL for the system's. */
int resolver_init(struct resolver *resolver, const char *listed, struct error *err);

/* From here on all questions together may take this long; after resolver_init() it is
 * RESOLVER_BUDGET_MS.  Each has a deadline of its own, but who answers chooses how many follow. */
void resolver_allow(struct resolver *resolver, long milliseconds);

/*
 * Asks one server after the other until one gives an answer that means something: NOERROR or
 * NXDOMAIN; ldns_pkt_free() by the caller.  -1: EXIT_FAILED when the name is there but its
 * signatures are wrong, else EXIT_UNREACHABLE or EXIT_TRY_LATER.
 */
int resolver_ask(struct resolver *resolver, const char *name, ldns_rr_type type, ldns_pkt **answer,
		 struct error *err);

/* Every A and AAAA of a host, CNAMEs followed, with `port`.  None at all is 0 with an empty
 * list; -1 means that nobody could say. */
int resolver_addresses(struct resolver *resolver, const char *host, unsigned short port,
		       struct address_list *addresses, struct error *err);

/* The closest enclosing zone of `name`, which may be `name` itself: by SOA records, or by NS
 * records where nobody answers with one.  -1 (EXIT_FAILED) when there is none below the root. */
int resolver_zone_of(struct resolver *resolver, const char *name, domain_name zone,
		     struct error *err);

/* The NS records of a zone; an empty list means that it is delegated to nobody. */
int resolver_name_servers(struct resolver *resolver, const char *zone, struct name_list *names,
			  struct error *err);

#endif
