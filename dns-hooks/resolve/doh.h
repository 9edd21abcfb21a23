/*
 * DNS over HTTPS (RFC 8484): one question to one resolver, as a DNS message in a POST.
 *
 * Public resolvers that have a JSON API beside it serve both: of a URL whose path ends in
 * "/resolve", as Google's has it, "/dns-query" is asked.
 */
#ifndef DNS_HOOKS_RESOLVE_DOH_H
#define DNS_HOOKS_RESOLVE_DOH_H

#include "common/error.h"

#include <ldns/ldns.h>

enum { DOH_TIMEOUT_MS = 10000 };

struct doh_server {
	const char *url;
	const char *ca_bundle; /* NULL: the system's trust store */
};

/*
 * 0 with an answer that means something (NOERROR or NXDOMAIN), whole and to this question;
 * ldns_pkt_free() by the caller.  -1: EXIT_TRY_LATER when nothing came in time, else
 * EXIT_UNREACHABLE.
 */
int doh_query(const struct doh_server *server, const char *name, ldns_rr_type type,
	      ldns_pkt **answer, struct error *err);

#endif
