/*
 * Several public zones of one name in an account: the world sees one of them, that which the parent
 * zone is delegated to, and the others are what a move or a mistake has left.
 */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_TWINS_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_TWINS_H

#include "common/settings.h"
#include "dns-hooks/providers/route53_api.h"

/*
 * The id of the zone whose delegation set DNS names.  Where DNS names none of them (name servers
 * with names of one's own, say), several, or cannot be asked, it is that of AWS_HOSTED_ZONE_ID.
 * Points into `zones`; NULL with err when that is none of them.
 */
const char *route53_twins_choose(struct route53_api *api, const struct settings *settings,
				 const char *name, const struct route53_zones *zones,
				 struct error *err);

#endif
