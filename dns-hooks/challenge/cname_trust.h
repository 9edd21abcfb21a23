/*
 * Whether a CNAME that DNS shows at a challenge's name is followed.
 *
 * The host answers this container's DNS queries.  A host that lies could have a challenge value
 * written at any name that the credentials reach, and a wildcard that serves that name would no
 * longer apply to it (RFC 4592 section 2.2.1).  So a CNAME is followed only
 *
 *   - to a name that begins with `_acme-challenge.`, which nothing but challenges is kept at,
 *   - to a name that CHALLENGE_TARGETS lists, or one below it,
 *   - or if the provider itself shows the very same CNAME.
 */
#ifndef DNS_HOOKS_CHALLENGE_CNAME_TRUST_H
#define DNS_HOOKS_CHALLENGE_CNAME_TRUST_H

#include "common/settings.h"
#include "dns-hooks/providers/provider.h"

/*
 * `zone` is the zone of `name` by DNS.  1 to follow the CNAME from `name` to `alias`; 0 when the
 * provider holds the zone and shows no CNAME there, so that a value can stand at `name` itself;
 * -1 with a sentence that names the setting, or (another code) when the provider cannot be
 * asked now.
 */
int cname_judge(const struct settings *settings, const struct provider *provider, const char *name,
		const char *alias, const char *zone, struct error *err);

/* The target of the CNAME that the provider has at `name` in a zone of its own, "" for none. */
int cname_shown(const struct provider *provider, const struct zone *zone, const char *name,
		domain_name alias, struct error *err);

#endif
