/*
 * Whether the zone that a provider would write to is the one that the world asks: an account
 * may list a zone of which a part is delegated elsewhere, or one that nobody delegates to it.
 */
#ifndef DNS_HOOKS_RESOLVE_ZONE_CHECK_H
#define DNS_HOOKS_RESOLVE_ZONE_CHECK_H

#include "common/settings.h"
#include "dns-hooks/resolve/authority.h"

/* What the settings say about finding and asking servers. */
int dns_view_init(struct dns_view *view, const struct settings *settings, struct error *err);

/* Compares the provider's zone with the one that DNS has for `name`. */
int zone_check(const char *name, const char *of_provider, const char *of_dns, struct error *err);

/*
 * Looks for a delegation between `zone` and `name`.  0 when there is none, 1 with a sentence in
 * err when `name` lies in another zone, -1 when DNS could not be asked.
 */
int zone_is_shadowed(struct dns_view *view, const char *name, const char *zone, struct error *err);

#endif
