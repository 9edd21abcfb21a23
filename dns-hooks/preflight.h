/*
 * `preflight`: whether an order for a certificate can succeed, asked before the CA is.
 *
 * What is looked at, and that nothing else has to change for it:
 *
 *   - with delegation, that the operator's CNAME at `_acme-challenge` leads to its place
 *   - the challenge's name, CNAMEs followed, lies in a zone that these credentials reach and that
 *     the world finds at this provider
 *   - every name server of that zone answers for it
 *   - DNSSEC of the zone is not broken in a way that can be seen from here
 *   - the CAA records permit CA, account and dns-01 (caa_search.h)
 *   - values can be written there: one is added at the challenge's name and removed again, unless
 *     writing to that zone has worked within the last hour; not where that takes a program of the
 *     user's (exec)
 *
 * It says no only where the order is certain to fail: because the CA will refuse, or because the
 * auth hook would.  So a resolver or a name server that keeps silent is a no for now, since the
 * hook has to ask it as well, but a doubt about what only the CA looks at is not.
 */
#ifndef DNS_HOOKS_PREFLIGHT_H
#define DNS_HOOKS_PREFLIGHT_H

#include "common/error.h"
#include "common/settings.h"

#include <stddef.h>

struct preflight_request {
	const char *account_uri;    /* NULL: not given, so not compared */
	const char *const *domains; /* of the configured ones; owned by the caller */
	size_t domain_count;	    /* 0: all of them */
	int results_fd; /* where a line of apply_result.h is written for each; 0: nowhere */
};

/* Prints a line for each domain.  -1 with err if an order for any would fail. */
int preflight_run(const struct settings *settings, const struct preflight_request *request,
		  struct error *err);

#endif
