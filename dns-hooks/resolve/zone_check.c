#include "dns-hooks/resolve/zone_check.h"

#include "dns-hooks/records/dns_name.h"

#include <string.h>

int dns_view_init(struct dns_view *view, const struct settings *settings, struct error *err)
{
	view->port = settings->dns_port;
	view->check = settings->propagation_check;
	view->doh_urls = settings->doh_resolvers;
	view->doh_count = settings->doh_resolver_count;
	view->doh_ca_bundle = settings->doh_ca_bundle;
	return resolver_init(&view->resolver, settings->dns_resolvers, err);
}

int zone_check(const char *name, const char *of_provider, const char *of_dns, struct error *err)
{
	if (strcmp(of_provider, of_dns) == 0)
		return 0;
	if (dns_name_within(of_dns, of_provider))
		return error_set(err, EXIT_FAILED,
				 "%s lies in the zone %s, which is delegated out of %s: what is "
				 "written there would not be seen; the provider must hold %s",
				 name, of_dns, of_provider, of_dns);
	return error_set(
	    err, EXIT_FAILED,
	    "the provider holds the zone %s, but the world finds %s in %s: delegate %s "
	    "to the provider's name servers",
	    of_provider, name, of_dns, of_provider);
}

int zone_is_shadowed(struct dns_view *view, const char *name, const char *zone, struct error *err)
{
	/* Too large for the stack, and names of a run mostly share their zone. */
	static struct authority authority;
	static struct authority of_zone;
	domain_name alias;

	resolver_allow(&view->resolver, RESOLVER_BUDGET_MS);
	if (of_zone.count == 0 || strcmp(of_zone.zone, zone) != 0) {
		if (authority_open(view, zone, &of_zone, err) != 0) {
			of_zone.count = 0;
			return -1;
		}
	}
	authority = of_zone;
	int result = authority_descend(view, name, &authority, alias, err);
	/* A delegation counts even if the servers it points at do not work. */
	return zone_check(name, zone, authority.zone, err) == 0 ? result : 1;
}
