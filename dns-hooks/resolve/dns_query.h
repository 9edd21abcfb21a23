/* One DNS question to one server: UDP first, TCP when that is cut short or gets no answer. */
#ifndef DNS_HOOKS_RESOLVE_DNS_QUERY_H
#define DNS_HOOKS_RESOLVE_DNS_QUERY_H

#include "common/domain.h"
#include "common/error.h"
#include "dns-hooks/resolve/dns_server.h"

#include <ldns/ldns.h>
#include <stdbool.h>

enum { DNS_QUERY_TIMEOUT_MS = 5000 };

#define AUTO_PKT __attribute__((cleanup(dns_packet_free)))
void dns_packet_free(ldns_pkt **packet);

/*
 * Asks for `name` ("" is the root), recursively or not.  0 with the answer, whatever its
 * response code, once it is whole and belongs to the question; ldns_pkt_free() by the
 * caller.  -1: EXIT_TRY_LATER when nothing came in time, else EXIT_UNREACHABLE.
 */
int dns_query(const struct dns_server *server, const char *name, ldns_rr_type type, bool recursive,
	      ldns_pkt **answer, struct error *err);

/* The same, recursively, for whatever the server finds before it checks signatures (the CD bit,
 * RFC 4035 section 3.2.2). */
int dns_query_unchecked(const struct dns_server *server, const char *name, ldns_rr_type type,
			ldns_pkt **answer, struct error *err);

/* The same as dns_query() without recursion, with the signatures (the DO bit, RFC 3225). */
int dns_query_signed(const struct dns_server *server, const char *name, ldns_rr_type type,
		     ldns_pkt **answer, struct error *err);

/* A question with a random id, not sent anywhere yet; NULL with err. */
ldns_pkt *dns_question(const char *name, ldns_rr_type type, bool recursive, struct error *err);

/* Parses an answer and checks that it belongs to `question` (id, response bit, opcode,
 * question section); NULL when it does not, with err. */
ldns_pkt *dns_parse_answer(const ldns_pkt *question, const uint8_t *wire, size_t length,
			   const struct dns_server *server, struct error *err);

/* The name in an RDATA or owner field, lower case, no trailing dot; -1 if it is too long. */
int dns_name_text(const ldns_rdf *rdf, domain_name out);

/* Whether the record is `type`, class IN, and stands at `name`. */
bool dns_record_is(const ldns_rr *record, const char *name, ldns_rr_type type);

/* "REFUSED", "SERVFAIL", ... */
const char *dns_rcode_text(const ldns_pkt *answer);

#endif
