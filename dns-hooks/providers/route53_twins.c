#include "dns-hooks/providers/route53_twins.h"

#include "common/log.h"
#include "dns-hooks/resolve/resolver.h"

#include <stdio.h>
#include <string.h>

static const char VARIABLE[] = "AWS_HOSTED_ZONE_ID";

static size_t known_count(const struct route53_zones *zones)
{
	return zones->public_count < ROUTE53_TWINS_MAX ? zones->public_count : ROUTE53_TWINS_MAX;
}

/* 1 with the one zone that DNS names, 0 with the reason in `why` when it names none or several, -1
 * with err when that cannot be told. */
static int find_named(struct route53_api *api, const struct settings *settings, const char *name,
		      const struct route53_zones *zones, const char **named, const char **why,
		      struct error *err)
{
	struct resolver resolver;
	struct name_list servers;
	size_t count = 0;

	if (resolver_init(&resolver, settings->dns_resolvers, err) != 0 ||
	    resolver_name_servers(&resolver, name, &servers, err) != 0)
		return -1;
	for (size_t i = 0; i < known_count(zones); i++) {
		int is_named =
		    route53_api_is_served_by(api, zones->ids[i], servers.items, servers.count, err);
		if (is_named < 0)
			return -1;
		if (is_named > 0) {
			*named = zones->ids[i];
			count++;
		}
	}
	*why = count == 0 ? "DNS names the name servers of none of them"
			  : "DNS names name servers of several of them";
	return count == 1 ? 1 : 0;
}

static const char *find_wanted(const struct route53_zones *zones)
{
	const char *wanted = settings_provider_variable(VARIABLE);

	for (size_t i = 0; wanted != NULL && i < known_count(zones); i++)
		if (strcmp(zones->ids[i], wanted) == 0)
			return zones->ids[i];
	return NULL;
}

static void list_ids(const struct route53_zones *zones, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < known_count(zones) && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ",
					 zones->ids[i]);
}

static int refuse(const char *name, const struct route53_zones *zones, const char *why,
		  struct error *err)
{
	char ids[ROUTE53_TWINS_MAX * (ZONE_ID_MAX + 2)];

	list_ids(zones, ids, sizeof(ids));
	return error_set(err, EXIT_BAD_CONFIG,
			 "Route 53: the account has the public zone %s %zu times (%s), and %s; "
			 "delete those that the domain is not delegated to, or set %s to the one "
			 "that it is",
			 name, zones->public_count, ids, why, VARIABLE);
}

const char *route53_twins_choose(struct route53_api *api, const struct settings *settings,
				 const char *name, const struct route53_zones *zones,
				 struct error *err)
{
	const char *named = NULL, *wanted = find_wanted(zones), *why = NULL;
	struct error own = ERROR_INIT;
	int found = find_named(api, settings, name, zones, &named, &why, &own);

	if (found > 0) {
		if (wanted != NULL && strcmp(wanted, named) != 0)
			log_warn("Route 53: %s is %s, but DNS names the name servers of the other "
				 "zone %s, %s: that one is taken",
				 VARIABLE, wanted, name, named);
		return named;
	}
	if (wanted != NULL) {
		log_info("Route 53: of the zones %s %s is taken (%s), since %s", name, wanted,
			 VARIABLE, found < 0 ? own.text : why);
		return wanted;
	}
	if (found == 0) {
		refuse(name, zones, why, err);
		return NULL;
	}
	*err = own;
	error_wrap(err,
		   "Route 53: the account has the public zone %s %zu times, and which one the "
		   "world sees cannot be told (%s would say it)",
		   name, zones->public_count, VARIABLE);
	return NULL;
}
