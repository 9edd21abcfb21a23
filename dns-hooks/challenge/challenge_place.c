#include "dns-hooks/challenge/challenge_place.h"

#include "common/log.h"
#include "dns-hooks/challenge/cname_trust.h"
#include "dns-hooks/plan/record_places.h"
#include "dns-hooks/resolve/delegation.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ALIASES_MAX = 8 };

/* A random name beside `name`, at which no record stands. */
static int sibling(const char *name, domain_name out)
{
	const char *dot = strchr(name, '.');
	unsigned long long unlikely = 0;

	if (getrandom(&unlikely, sizeof(unlikely), 0) != (ssize_t)sizeof(unlikely))
		unlikely = (unsigned long long)time(NULL);
	int length =
	    snprintf(out, sizeof(domain_name), "_none-%016llx%s", unlikely, dot == NULL ? "" : dot);
	return length <= DOMAIN_MAX ? 0 : -1;
}

/*
 * Whether the CNAME seen at `name` comes from a wildcard (`*.example.com`, which this program
 * itself may have pointed at the gateway) rather than from a record of its own.  A wildcard
 * gives a name beside it the same target, and stops to apply to `name` as soon as the
 * challenge value stands there (RFC 4592 section 2.2.1).
 */
static int is_from_wildcard(const struct authority *authority, const char *name, const char *alias,
			    bool *from_wildcard, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	domain_name other, other_alias;

	*from_wildcard = false;
	if (sibling(name, other) != 0)
		return 0;
	if (authority_ask(authority, other, LDNS_RR_TYPE_CNAME, &answer, err) != 0)
		return -1;
	*from_wildcard =
	    dns_answer_alias(answer, other, other_alias) == 0 && strcmp(alias, other_alias) == 0;
	return 0;
}

/* Whether all servers that answer have the CNAME: a CA may ask any of them. */
static int is_everywhere(const struct authority *authority, const char *name, const char *alias,
			 deadline limit, struct error *err)
{
	for (size_t i = 0; i < authority->count && deadline_left(limit) > 0; i++) {
		const struct authority_server *server = &authority->servers[i];
		AUTO_PKT ldns_pkt *answer = NULL;
		struct error silent = ERROR_INIT;
		domain_name other = "";
		if (authority_query(authority, i, name, LDNS_RR_TYPE_CNAME, &answer, &silent) !=
			0 ||
		    !authority_speaks(authority, answer))
			continue;
		if (dns_answer_alias(answer, name, other) != 0 || strcmp(alias, other) != 0)
			return error_set(err, EXIT_TRY_LATER,
					 "%s is a CNAME to %s, but not yet at %s (%s)", name, alias,
					 server->name, server->at.text);
	}
	return 0;
}

/* Decides whether the CNAME from `name` to `alias` is followed (1) or does not count (0). */
static int judge(const struct dns_view *view, const struct settings *settings,
		 const struct provider *provider, const struct authority *authority,
		 const char *name, const char *alias, struct error *err)
{
	bool from_wildcard = false;

	if (is_from_wildcard(authority, name, alias, &from_wildcard, err) != 0)
		return -1;
	if (from_wildcard)
		return 0;
	int verdict = cname_judge(settings, provider, name, alias, authority->zone, err);
	if (verdict == 0)
		log_warn("%s is a CNAME to %s by DNS, but %s has none there: the challenge is "
			 "answered at %s itself",
			 name, alias, provider->class->name, name);
	if (verdict <= 0)
		return verdict;
	return is_everywhere(authority, name, alias, view->resolver.limit, err) == 0 ? 1 : -1;
}

/*
 * The CNAME at `name` where only resolvers can be asked.  The provider is asked first: a resolver
 * that was asked before the value stands there remembers for a while that nothing does, and could
 * not tell when it can be seen.
 */
static int find_alias(const struct provider *provider, const struct authority *authority,
		      const char *name, domain_name alias, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error ignored = ERROR_INIT;
	struct zone zone;

	if (provider->class->list != NULL &&
	    provider_zone(provider, name, authority->zone, &zone, &ignored) == 0 &&
	    strcmp(zone.name, authority->zone) == 0)
		return cname_shown(provider, &zone, name, alias, err);
	if (authority_ask(authority, name, LDNS_RR_TYPE_CNAME, &answer, err) != 0)
		return -1;
	if (dns_answer_alias(answer, name, alias) != 0)
		*alias = '\0';
	return 0;
}

int challenge_place_find(struct dns_view *view, const struct settings *settings,
			 const struct provider *provider, const char *domain, domain_name name,
			 struct authority *authority, struct error *err)
{
	struct record_places places;
	domain_name alias;

	resolver_allow(&view->resolver, RESOLVER_BUDGET_MS);
	if (record_places_find(settings, domain, &places, err) != 0)
		return -1;
	memcpy(name, places.challenge, sizeof(places.challenge));
	/* One look more than there may be CNAMEs: at what the last one leads to. */
	for (int hop = 0; hop <= ALIASES_MAX; hop++) {
		if (authority_find(view, name, authority, alias, err) != 0 ||
		    (authority->is_recursive &&
		     find_alias(provider, authority, name, alias, err) != 0))
			return -1;
		int follow = *alias == '\0'
				 ? 0
				 : judge(view, settings, provider, authority, name, alias, err);
		if (follow < 0)
			return -1;
		if (follow == 0) {
			delegation_complete(view, authority);
			return 0;
		}
		log_info("%s is an alias of %s", name, alias);
		memcpy(name, alias, sizeof(alias));
	}
	return error_set(err, EXIT_FAILED,
			 "%s leads through more than %d CNAMEs; check them for a circle",
			 places.challenge, ALIASES_MAX);
}
