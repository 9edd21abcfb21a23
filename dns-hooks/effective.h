/*
 * Where a challenge value really has to stand: `_acme-challenge.DOMAIN`, or what CNAMEs there
 * lead to (the way to let another zone, or another provider, answer challenges).
 */
#ifndef DNS_HOOKS_EFFECTIVE_H
#define DNS_HOOKS_EFFECTIVE_H

#include "dns-hooks/authority.h"

/* Fills `name` and the servers of its zone.  -1 when the chain cannot be followed to its end, or
 * (EXIT_TRY_LATER) is not the same at all servers yet. */
int effective_challenge_name(struct dns_view *view, const char *domain, domain_name name,
			     struct authority *authority, struct error *err);

#endif
