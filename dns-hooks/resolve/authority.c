#include "dns-hooks/resolve/authority.h"

#include "common/log.h"
#include "dns-hooks/resolve/caution.h"

#include <stdio.h>
#include <string.h>

enum {
	DELEGATIONS_MAX = 8,
	ASK_BUDGET_MS = 20000, /* for one answer, however many servers are silent */
};

static void add_server(struct authority *authority, const char *name,
		       const struct sockaddr_storage *address)
{
	struct authority_server *server = &authority->servers[authority->count];

	server->is_extra = false;
	dns_server_at(&server->at, address);
	if (!dns_server_has_route(&server->at)) {
		log_debug("no route from here to %s (%s): not asked", name, server->at.text);
		return;
	}
	memcpy(server->name, name, strlen(name) + 1);
	authority->count++;
}

static int add_servers_of(struct dns_view *view, struct authority *authority, const char *name,
			  struct error *err)
{
	struct address_list addresses;
	size_t before = authority->count;

	if (resolver_addresses(&view->resolver, name, view->port, &addresses, err) != 0) {
		error_wrap(err, "cannot find the address of %s, a name server of %s", name,
			   authority->zone);
		return -1;
	}
	for (size_t i = 0; i < addresses.count && authority->count < AUTHORITY_SERVERS_MAX; i++)
		add_server(authority, name, &addresses.items[i]);
	if (authority->count == before)
		caution(&authority->unasked,
			"%s, a name server of %s, %s: it cannot be asked from here", name,
			authority->zone,
			addresses.count == 0 ? "has no address"
					     : "has only addresses without a "
					       "route");
	return 0;
}

static int open_named(struct dns_view *view, const char *zone, const struct name_list *names,
		      struct authority *authority, struct error *err)
{
	struct error last = ERROR_INIT;

	authority->count = 0;
	memmove(authority->zone, zone, strlen(zone) + 1);
	authority->names = *names;
	authority->is_recursive = false;
	authority->unasked = (struct error)ERROR_INIT;
	for (size_t i = 0; i < names->count; i++) {
		struct error own = ERROR_INIT;
		if (add_servers_of(view, authority, names->items[i], &own) == 0)
			continue;
		/* A CA's resolver passes it over as well. */
		caution(&authority->unasked, "%s", own.text);
		last = own;
	}
	if (authority->count > 0)
		return 0;
	if (last.text[0] != '\0') {
		*err = last;
		return -1;
	}
	return error_set(err, EXIT_FAILED, "the zone %s %s", zone,
			 names->count == 0
			     ? "is delegated to nobody: it has no NS records"
			     : "has no name server that can be reached from this machine");
}

/* The resolvers in the place of the zone's servers. */
static void open_resolvers(const struct dns_view *view, const char *zone,
			   struct authority *authority)
{
	const struct resolver *resolver = &view->resolver;

	memmove(authority->zone, zone, strlen(zone) + 1);
	authority->names = (struct name_list){0};
	authority->is_recursive = true;
	authority->unasked = (struct error)ERROR_INIT;
	authority->count = resolver->count;
	for (size_t i = 0; i < resolver->count; i++) {
		struct authority_server *server = &authority->servers[i];
		*server = (struct authority_server){.at = resolver->servers[i]};
		snprintf(server->name, sizeof(server->name), "resolver %zu", i + 1);
	}
}

int authority_open(struct dns_view *view, const char *zone, struct authority *authority,
		   struct error *err)
{
	struct name_list names;

	if (view->check != PROPAGATION_AUTHORITATIVE) {
		open_resolvers(view, zone, authority);
		return 0;
	}
	if (resolver_name_servers(&view->resolver, zone, &names, err) != 0)
		return -1;
	return open_named(view, zone, &names, authority, err);
}

int authority_query(const struct authority *authority, size_t server, const char *name,
		    ldns_rr_type type, ldns_pkt **answer, struct error *err)
{
	return dns_query(&authority->servers[server].at, name, type, authority->is_recursive,
			 answer, err);
}

bool authority_speaks(const struct authority *authority, const ldns_pkt *answer)
{
	return authority->is_recursive || ldns_pkt_aa(answer);
}

static int ask_server(const struct authority *authority, size_t i, const char *name,
		      ldns_rr_type type, ldns_pkt **answer, struct error *err)
{
	const struct authority_server *server = &authority->servers[i];
	const char *zone = authority->zone;

	if (authority_query(authority, i, name, type, answer, err) != 0)
		return -1;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(*answer);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		error_set(err, EXIT_UNREACHABLE, "%s (%s) answers %s", server->name,
			  server->at.text, dns_rcode_text(*answer));
	else if (!authority->is_recursive && !dns_answer_is_authoritative(*answer, zone, name))
		error_set(err, EXIT_UNREACHABLE, "%s (%s) does not hold the zone %s", server->name,
			  server->at.text, zone);
	else
		return 0;
	dns_packet_free(answer);
	return -1;
}

static bool holds_zone(const struct authority *authority, size_t i, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	const char *zone = authority->zone;
	domain_name held;

	return ask_server(authority, i, zone, LDNS_RR_TYPE_SOA, &answer, err) == 0 &&
	       ldns_pkt_aa(answer) && dns_answer_zone(answer, zone, held) &&
	       strcmp(held, zone) == 0;
}

int authority_try(struct dns_view *view, const char *name, struct authority *authority,
		  deadline limit, struct error *err)
{
	struct address_list addresses;
	size_t before = authority->count;

	if (resolver_addresses(&view->resolver, name, view->port, &addresses, err) != 0)
		return -1;
	for (size_t i = 0; i < addresses.count && authority->count < AUTHORITY_SERVERS_MAX &&
			   deadline_left(limit) > 0;
	     i++) {
		size_t count = authority->count;
		add_server(authority, name, &addresses.items[i]);
		if (authority->count == count)
			continue;
		authority->servers[count].is_extra = true;
		if (!holds_zone(authority, count, err))
			authority->count = count;
	}
	return authority->count > before;
}

int authority_ask(const struct authority *authority, const char *name, ldns_rr_type type,
		  ldns_pkt **answer, struct error *err)
{
	deadline limit = deadline_in(ASK_BUDGET_MS);

	for (size_t i = 0; i < authority->count && deadline_left(limit) > 0; i++) {
		if (ask_server(authority, i, name, type, answer, err) == 0)
			return 0;
		log_debug("%s: %s", authority->servers[i].name, err->text);
	}
	if (authority->is_recursive)
		return error_wrap(err, "no resolver tells about %s", name);
	return error_wrap(err,
			  "no name server of %s tells about %s (if these are not those that the "
			  "world is told, set DNS_RESOLVERS; if they cannot be asked from here, "
			  "PROPAGATION_CHECK=resolvers does without them)",
			  authority->zone, name);
}

/* The zone is told by the SOA record of an answer.  A server that follows CNAMEs into a circle
 * cannot answer that, but it answers a query for the CNAME itself. */
static int ask_for_zone(const struct authority *authority, const char *name, ldns_pkt **answer,
			struct error *err)
{
	struct error second = ERROR_INIT;
	domain_name alias;

	if (authority_ask(authority, name, LDNS_RR_TYPE_SOA, answer, err) == 0)
		return 0;
	if (err->code != EXIT_UNREACHABLE ||
	    authority_ask(authority, name, LDNS_RR_TYPE_CNAME, answer, &second) != 0)
		return -1;
	if (dns_answer_alias(*answer, name, alias) == 0)
		return 0;
	dns_packet_free(answer);
	return -1;
}

/*
 * The ancestor to ask the resolvers about: the parent, since `name` itself may be about to be
 * made.  A name of two labels is asked about as it is: its parent is a registry's zone, which
 * a private name space need not have.
 */
static const char *safe_ancestor(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL && strchr(dot + 1, '.') != NULL ? dot + 1 : name;
}

/* Resolvers are asked about the ancestor only, see above; a CNAME is not looked for. */
static int find_by_resolvers(struct dns_view *view, const char *name, struct authority *authority,
			     domain_name alias, struct error *err)
{
	domain_name zone;

	*alias = '\0';
	if (resolver_zone_of(&view->resolver, safe_ancestor(name), zone, err) != 0)
		return -1;
	open_resolvers(view, zone, authority);
	return 0;
}

int authority_descend(struct dns_view *view, const char *name, struct authority *authority,
		      domain_name alias, struct error *err)
{
	struct name_list names;
	domain_name zone;

	if (authority->is_recursive)
		return find_by_resolvers(view, name, authority, alias, err);
	*alias = '\0';
	for (int level = 0; level < DELEGATIONS_MAX; level++) {
		AUTO_PKT ldns_pkt *answer = NULL;
		if (deadline_left(view->resolver.limit) == 0)
			return error_set(err, EXIT_TRY_LATER,
					 "finding the zone of %s takes too long", name);
		if (ask_for_zone(authority, name, &answer, err) != 0)
			return -1;
		if (dns_answer_alias(answer, name, alias) == 0)
			return 0;
		if (dns_answer_referral(answer, authority->zone, name, zone, &names)) {
			if (open_named(view, zone, &names, authority, err) != 0)
				return -1;
		} else if (dns_answer_deeper_zone(answer, authority->zone, name, zone)) {
			return authority_open(view, zone, authority, err);
		} else {
			return 0;
		}
	}
	return error_set(err, EXIT_FAILED, "%s is more than %d delegations down", name,
			 DELEGATIONS_MAX);
}

int authority_find(struct dns_view *view, const char *name, struct authority *authority,
		   domain_name alias, struct error *err)
{
	domain_name zone;

	if (view->check != PROPAGATION_AUTHORITATIVE)
		return find_by_resolvers(view, name, authority, alias, err);
	if (resolver_zone_of(&view->resolver, safe_ancestor(name), zone, err) != 0 ||
	    authority_open(view, zone, authority, err) != 0)
		return -1;
	return authority_descend(view, name, authority, alias, err);
}
