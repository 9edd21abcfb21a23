/* What DNS answers say; pure, so that every odd one can be tried without a server. */
#ifndef DNS_HOOKS_RESOLVE_DNS_ANSWER_H
#define DNS_HOOKS_RESOLVE_DNS_ANSWER_H

#include "common/domain.h"
#include "common/error.h"
#include "dns-hooks/records/record.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	RESOLVER_NAMES_MAX = 16,     /* name servers of one zone */
	RESOLVER_ADDRESSES_MAX = 16, /* addresses of one host */
};

struct address_list {
	struct sockaddr_storage items[RESOLVER_ADDRESSES_MAX];
	size_t count;
};

struct name_list {
	domain_name items[RESOLVER_NAMES_MAX];
	size_t count;
};

/* Adds the addresses of `type` (A or AAAA), with `port`, that stand at the end of the CNAMEs in
 * this answer; `name` moves along with them. */
void dns_answer_addresses(const ldns_pkt *answer, ldns_rr_type type, unsigned short port,
			  domain_name name, struct address_list *addresses);

/* The NS records of a zone in an answer about it. */
void dns_answer_name_servers(const ldns_pkt *answer, const char *zone, struct name_list *names);

/* The owner of the SOA record in an answer about `name`, if it tells the zone of `name`. */
bool dns_answer_zone(const ldns_pkt *answer, const char *name, domain_name zone);

/* The target of a CNAME at `name`; -1 when there is none. */
int dns_answer_alias(const ldns_pkt *answer, const char *name, domain_name alias);

/* The zone and servers that a referral points at (RFC 1034 section 4.3.2, step 3b): below
 * `current`, towards `name`. */
bool dns_answer_referral(const ldns_pkt *answer, const char *current, const char *name,
			 domain_name zone, struct name_list *names);

/* The zone that a server holding parent and child answers from: it owns the SOA record. */
bool dns_answer_deeper_zone(const ldns_pkt *answer, const char *current, const char *name,
			    domain_name zone);

/* Whether an answer comes from the zone itself, or from its parent pointing down to it.  All
 * else (a cache, a server that lost the zone and points at the root) tells nothing. */
bool dns_answer_is_authoritative(const ldns_pkt *answer, const char *zone, const char *name);

/* Adds the records of `type` at `name` in this answer, as record.h has them. */
int dns_answer_records(const ldns_pkt *answer, const char *name, ldns_rr_type type,
		       struct record_list *records, struct error *err);

/* Whether a TXT record at `name` consists of `value`, whichever way it is cut into strings. */
bool dns_answer_has_text(const ldns_pkt *answer, const char *name, const char *value);

#endif
