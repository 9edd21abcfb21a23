/*
 * Where a challenge value really has to stand: `_acme-challenge.DOMAIN`, or what CNAMEs there
 * lead to (the way to let another zone, or another provider, answer challenges).  With delegation
 * it is the settings that say where the operator's CNAME leads, and DNS is not believed about it.
 */
#ifndef DNS_HOOKS_CHALLENGE_CHALLENGE_PLACE_H
#define DNS_HOOKS_CHALLENGE_CHALLENGE_PLACE_H

#include "common/settings.h"
#include "dns-hooks/providers/provider.h"
#include "dns-hooks/resolve/authority.h"

/* Fills `name` and the servers of its zone.  Each CNAME on the way is judged by cname_trust.h; one
 * that the provider shows to be false is passed over with a warning.  -1 when the chain cannot be
 * followed to its end, may not be, or (EXIT_TRY_LATER) is not the same at all servers yet. */
int challenge_place_find(struct dns_view *view, const struct settings *settings,
			 const struct provider *provider, const char *domain, domain_name name,
			 struct authority *authority, struct error *err);

#endif
