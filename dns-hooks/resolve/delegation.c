#include "dns-hooks/resolve/delegation.h"

#include "common/deadline.h"
#include "common/log.h"

#include <string.h>

/* For all questions of this file together: a server must not hold up a challenge only because a
 * delegation names it. */
enum { SEARCH_BUDGET_MS = 10000 };

struct search {
	struct dns_view *view;
	struct authority *authority;
	deadline limit;
};

static bool is_known(const struct authority *authority, const char *name)
{
	for (size_t i = 0; i < authority->names.count; i++)
		if (strcmp(authority->names.items[i], name) == 0)
			return true;
	return false;
}

/* True once for each name that was not tried yet. */
static bool is_new(struct authority *authority, const char *name)
{
	struct name_list *known = &authority->names;

	if (is_known(authority, name) || known->count == RESOLVER_NAMES_MAX)
		return false;
	memcpy(known->items[known->count++], name, strlen(name) + 1);
	return true;
}

static bool is_same_zone(const struct authority *authority, const struct name_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (is_known(authority, names->items[i]))
			return true;
	return false;
}

static void add_all(struct search *search, const struct name_list *names, const char *by)
{
	struct authority *authority = search->authority;

	for (size_t i = 0; i < names->count && deadline_left(search->limit) > 0; i++) {
		const char *name = names->items[i];
		struct error err = ERROR_INIT;
		if (!is_new(authority, name))
			continue;
		if (authority_try(search->view, name, authority, search->limit, &err) > 0)
			log_warn("%s is a name server of %s only by %s; it is asked as well", name,
				 authority->zone, by);
		else
			log_warn("%s is a name server of %s only by %s, and does not answer for "
				 "it%s%s",
				 name, authority->zone, by, err.text[0] == '\0' ? "" : ": ",
				 err.text);
	}
}

/* What one server of the parent says.  1 with an answer, of which a server that holds the zone as
 * well has no names to tell; 0 when it cannot be asked. */
static int ask_server(struct search *search, const char *name, struct name_list *names)
{
	const char *zone = search->authority->zone;
	struct address_list addresses;
	struct error err = ERROR_INIT;
	domain_name child;

	if (resolver_addresses(&search->view->resolver, name, search->view->port, &addresses,
			       &err) != 0)
		return 0;
	for (size_t i = 0; i < addresses.count && deadline_left(search->limit) > 0; i++) {
		AUTO_PKT ldns_pkt *answer = NULL;
		struct dns_server server;
		dns_server_at(&server, &addresses.items[i]);
		if (!dns_server_has_route(&server) ||
		    dns_query(&server, zone, LDNS_RR_TYPE_NS, false, &answer, &err) != 0)
			continue;
		bool is_referral = dns_answer_referral(answer, "", zone, child, names);
		if (!is_referral && !ldns_pkt_aa(answer))
			continue; /* it does not hold the parent either */
		if (!is_referral || strcmp(child, zone) != 0)
			*names = (struct name_list){0};
		return 1;
	}
	log_debug("%s, a name server above %s: %s", name, zone, err.text);
	return 0;
}

static void ask_parent(struct search *search, struct name_list *names)
{
	struct resolver *resolver = &search->view->resolver;
	const char *dot = strchr(search->authority->zone, '.');
	struct name_list servers;
	struct error err = ERROR_INIT;
	domain_name parent;

	*names = (struct name_list){0};
	/* A private name space may have nothing above its zones. */
	if (dot == NULL || resolver_zone_of(resolver, dot + 1, parent, &err) != 0 ||
	    resolver_name_servers(resolver, parent, &servers, &err) != 0) {
		log_debug("the delegation of %s cannot be seen: %s", search->authority->zone,
			  err.text);
		return;
	}
	for (size_t i = 0; i < servers.count && deadline_left(search->limit) > 0; i++)
		if (ask_server(search, servers.items[i], names) > 0)
			return;
}

void delegation_complete(struct dns_view *view, struct authority *authority)
{
	deadline allowed = view->resolver.limit;
	struct search search = {view, authority,
				deadline_nearer(deadline_in(SEARCH_BUDGET_MS), allowed)};
	AUTO_PKT ldns_pkt *answer = NULL;
	struct name_list names = {0};
	struct error err = ERROR_INIT;

	if (authority->is_recursive)
		return;
	view->resolver.limit = search.limit;
	if (authority_ask(authority, authority->zone, LDNS_RR_TYPE_NS, &answer, &err) == 0)
		dns_answer_name_servers(answer, authority->zone, &names);
	add_all(&search, &names, "its own records");
	ask_parent(&search, &names);
	if (is_same_zone(authority, &names))
		add_all(&search, &names, "its parent's delegation");
	else if (names.count > 0)
		log_warn("%s is delegated to other servers than are found here (%s, ...); if that "
			 "is not meant to be so, a CA sees nothing of what is written",
			 authority->zone, names.items[0]);
	view->resolver.limit = allowed;
}
