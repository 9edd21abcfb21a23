/* Where connections go: ROUTING_MAP, and TARGET_ENDPOINT for the domains it leaves out. */
#include "common/ip_network.h"
#include "common/settings/checks.h"
#include "common/settings/names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define TARGET_RULE "must be host:port, such as app:8080 or [2001:db8::7]:8080; %s"

/* The backend is handed what TLS was taken off: https:// there is most likely a mistake. */
static void warn_about_tls(struct loading *in, const struct setting *row, const char *text,
			   size_t length, const struct endpoint *target)
{
	if (length > 8 && strncmp(text, "https://", 8) == 0)
		settings_warn(in,
			      "%s sends to https://%s: TLS ends here, the backend gets plain "
			      "TCP on port %u",
			      row->name, target->host, target->port);
}

const char *settings_check_target(struct loading *in, const struct setting *row, const char *value)
{
	char reason[SETTING_REASON_SIZE];

	if (!settings_parse_target(value, strlen(value), &in->target, reason))
		return settings_wrong(in, row, value, TARGET_RULE, reason);
	warn_about_tls(in, row, value, strlen(value), &in->target);
	in->has_target = true;
	return value;
}

static void add_route(struct loading *in, const struct route *route)
{
	struct settings *settings = in->settings;
	struct route *grown =
	    settings_grow(in, settings->routes, settings->route_count, sizeof(*grown));

	if (grown == NULL)
		return;
	settings->routes = grown;
	grown[settings->route_count++] = *route;
}

static size_t without_trailing_space(const char *text, size_t length)
{
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return length;
}

/* domain=host:port, with spaces around the '=' if need be. */
static bool parse_route(struct loading *in, const struct setting *row,
			const struct setting_item *item, struct route *route)
{
	const char *equals = memchr(item->text, '=', item->length);
	const char *end = item->text + item->length;
	char reason[SETTING_REASON_SIZE];

	if (equals == NULL) {
		settings_wrong_item(in, row, item,
				    "must be domain=host:port, such as app.example.com=app:8080");
		return false;
	}
	size_t length = without_trailing_space(item->text, (size_t)(equals - item->text));
	if (!settings_parse_domain(item->text, length, route->pattern, reason)) {
		settings_wrong_item(in, row, item, "must be domain=host:port; of the domain: %s",
				    reason);
		return false;
	}
	const char *target = equals + 1;
	while (target < end && (*target == ' ' || *target == '\t'))
		target++;
	if (!settings_parse_target(target, (size_t)(end - target), &route->target, reason)) {
		settings_wrong_item(in, row, item, "must be domain=host:port; %s", reason);
		return false;
	}
	warn_about_tls(in, row, target, (size_t)(end - target), &route->target);
	return true;
}

const char *settings_check_routes(struct loading *in, const struct setting *row, const char *value)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	struct route route = {0};
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		if (item.number > SETTINGS_ROUTES_MAX) {
			settings_problem(in, "%s has more than %d routes", row->name,
					 SETTINGS_ROUTES_MAX);
			return NULL;
		}
		if (parse_route(in, row, &item, &route))
			add_route(in, &route);
		else
			wrong = true;
	}
	return wrong ? NULL : value;
}

/* ---- routes together */

static bool same_target(const struct endpoint *a, const struct endpoint *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static void report_second(struct loading *in, const struct route *first, const struct route *second)
{
	if (same_target(&first->target, &second->target))
		settings_warn(in, "ROUTING_MAP routes \"%s\" more than once: once is enough",
			      first->pattern);
	else
		settings_problem(in, "ROUTING_MAP routes \"%s\" to %s:%u and to %s:%u: keep one",
				 first->pattern, first->target.host, first->target.port,
				 second->target.host, second->target.port);
}

/* Keeps the first route of each pattern. */
static void drop_duplicates(struct loading *in, struct coverage *routed)
{
	struct settings *settings = in->settings;
	size_t kept = 0;

	for (size_t i = 0; i < settings->route_count; i++) {
		struct route *route = &settings->routes[i];
		size_t first = name_index_find(&routed->names, route->pattern);
		if (first != NAME_ABSENT) {
			report_second(in, &settings->routes[first], route);
			continue;
		}
		if (kept != i)
			settings->routes[kept] = *route;
		coverage_add(routed, settings->routes[kept].pattern, kept);
		kept++;
	}
	settings->route_count = kept;
}

static void warn_about_unserved(struct loading *in, const struct coverage *served,
				const char *variable, const struct name_choice *choice)
{
	for (size_t i = 0; i < choice->count; i++)
		if (!coverage_touches(served, choice->names[i]))
			settings_warn(in, "%s lists \"%s\", which is not among DOMAIN and DOMAINS",
				      variable, choice->names[i]);
}

static void warn_about_unreachable(struct loading *in, const struct coverage *served)
{
	for (size_t i = 0; i < in->settings->route_count; i++) {
		const char *pattern = in->settings->routes[i].pattern;
		if (!coverage_touches(served, pattern))
			settings_warn(in,
				      "ROUTING_MAP routes \"%s\", which is not among DOMAIN and "
				      "DOMAINS: no certificate will be made for it",
				      pattern);
	}
	warn_about_unserved(in, served, "SERVER_FIRST", &in->settings->server_first);
	warn_about_unserved(in, served, "SEND_PROXY_PROTOCOL", &in->settings->send_proxy_protocol);
}

/* Whether a route is for `name` alone, or `name` is a wildcard over a route. */
static bool has_own_route(const struct loading *in, const struct coverage *served,
			  const struct coverage *routed, const char *name)
{
	if (domain_is_wildcard(name))
		return coverage_touches(routed, name) ||
		       (in->has_target && coverage_touches(served, name));
	if (name_index_find(&routed->names, name) != NAME_ABSENT)
		return true;
	return in->has_target && name_index_find(&served->names, name) != NAME_ABSENT &&
	       !coverage_serves(routed, name);
}

/* The header belongs to a route: a name that shares one cannot have it alone. */
static void warn_about_shared_routes(struct loading *in, const struct coverage *served,
				     const struct coverage *routed)
{
	const struct name_choice *choice = &in->settings->send_proxy_protocol;

	for (size_t i = 0; i < choice->count; i++)
		if (coverage_touches(served, choice->names[i]) &&
		    !has_own_route(in, served, routed, choice->names[i]))
			settings_warn(in,
				      "SEND_PROXY_PROTOCOL lists \"%s\", which has no route of its "
				      "own, so its backend gets no header: add %s=host:port to "
				      "ROUTING_MAP",
				      choice->names[i], choice->names[i]);
}

/* What becomes of the other names under a wildcard that has routes for some only. */
static void warn_about_the_rest(struct loading *in, const char *wildcard)
{
	const struct settings *settings = in->settings;

	if (settings->strict_sni)
		settings_warn(in,
			      "\"%s\" has no route of its own: names under it that ROUTING_MAP "
			      "does not list are refused (STRICT_SNI); add %s=host:port to serve "
			      "them",
			      wildcard, wildcard);
	else
		settings_warn(in,
			      "\"%s\" has no route of its own: names under it that ROUTING_MAP "
			      "does not list go to the first route, %s:%u; add %s=host:port, or "
			      "set STRICT_SNI=true to refuse them",
			      wildcard, settings->routes[0].target.host,
			      settings->routes[0].target.port, wildcard);
}

/* Without TARGET_ENDPOINT a wildcard is content with routes for names under it. */
static void check_routed(struct loading *in, const struct coverage *routed)
{
	const struct settings *settings = in->settings;

	/* What was wrong in these two may have been the route. */
	if (settings_state(settings, "TARGET_ENDPOINT")->wrong ||
	    settings_state(settings, "ROUTING_MAP")->wrong)
		return;
	for (size_t i = 0; i < settings->domain_count; i++)
		if (!coverage_touches(routed, settings->domains[i]))
			settings_problem(in,
					 "\"%s\" has no backend: set TARGET_ENDPOINT, or add "
					 "%s=host:port to ROUTING_MAP",
					 settings->domains[i], settings->domains[i]);
		else if (!coverage_serves(routed, settings->domains[i]))
			warn_about_the_rest(in, settings->domains[i]);
}

/* The routes may move while they grow, so the names in `routed` are not looked at after the
 * first one was added. */
static void add_target_routes(struct loading *in, const struct coverage *routed)
{
	struct settings *settings = in->settings;
	bool *missing = calloc(settings->domain_count + 1, sizeof(*missing));

	if (missing == NULL)
		in->no_memory = true;
	for (size_t i = 0; i < settings->domain_count && missing != NULL; i++)
		missing[i] = !coverage_serves(routed, settings->domains[i]);
	for (size_t i = 0; i < settings->domain_count && missing != NULL; i++) {
		struct route route = {.target = in->target};
		memcpy(route.pattern, settings->domains[i], sizeof(route.pattern));
		if (missing[i])
			add_route(in, &route);
	}
	free(missing);
}

/* ---- targets that are the ingress itself */

/* 0.0.0.0 and :: are "where the client connected to". */
static bool is_this_host(const struct endpoint *target)
{
	struct ip_address address;

	if (ip_parse(target->host, &address))
		return ip_is_loopback(&address) || ip_is_zero(&address);
	return strcmp(target->host, "localhost") == 0;
}

/* EVIDENCE_PORT is open on 127.0.0.1 alone. */
static bool is_evidence(const struct settings *settings, const struct endpoint *target)
{
	static const struct ip_address here = {.bytes = {127, 0, 0, 1}};
	struct ip_address address;

	if (settings->evidence_port == 0 || target->port != settings->evidence_port)
		return false;
	if (ip_parse(target->host, &address))
		return ip_equal(&address, &here) || (!address.is_ipv6 && ip_is_zero(&address));
	return strcmp(target->host, "localhost") == 0;
}

/* A name that is served leads to the gateway, and from there back to here; only a name of the
 * container network that is the same word does not. */
static void check_target(struct loading *in, const struct coverage *served, const char *variable,
			 const struct endpoint *target)
{
	const struct settings *settings = in->settings;
	bool is_served = strchr(target->host, '.') != NULL && coverage_serves(served, target->host);
	bool is_port = settings->port != 0 && target->port == settings->port;
	const char *open = target->is_ipv6 ? "[" : "", *close = target->is_ipv6 ? "]" : "";

	if (is_port && (is_this_host(target) || is_served))
		settings_problem(
		    in,
		    "%s leads to %s%s%s:%u, which is this ingress itself (PORT is %u): "
		    "give the host and port of the app",
		    variable, open, target->host, close, target->port, settings->port);
	else if (is_evidence(settings, target))
		settings_problem(in,
				 "%s leads to %s:%u, where this ingress itself serves the evidence "
				 "(EVIDENCE_PORT): give the host and port of the app, or another "
				 "EVIDENCE_PORT",
				 variable, target->host, target->port);
	else if (is_served)
		settings_warn(
		    in,
		    "%s leads to %s:%u, a name that this ingress serves: connections "
		    "would come back here unless the name is another host's in this network",
		    variable, target->host, target->port);
}

static void check_targets(struct loading *in, const struct coverage *served)
{
	const struct settings *settings = in->settings;

	if (in->has_target)
		check_target(in, served, "TARGET_ENDPOINT", &in->target);
	for (size_t i = 0; i < settings->route_count; i++) {
		const struct route *route = &settings->routes[i];
		char name[sizeof("ROUTING_MAP's ") + sizeof(domain_name)];
		snprintf(name, sizeof(name), "ROUTING_MAP's %s", route->pattern);
		check_target(in, served, name, &route->target);
	}
}

static void finish(struct loading *in, struct coverage *served, struct coverage *routed)
{
	for (size_t i = 0; i < in->settings->domain_count; i++)
		coverage_add(served, in->settings->domains[i], i);
	drop_duplicates(in, routed);
	check_targets(in, served);
	if (in->settings->domain_count > 0)
		warn_about_unreachable(in, served);
	warn_about_shared_routes(in, served, routed);
	if (in->has_target)
		add_target_routes(in, routed);
	else
		check_routed(in, routed);
}

void settings_finish_routes(struct loading *in)
{
	struct coverage served = {{0}, {0}};
	struct coverage routed = {{0}, {0}};

	if (coverage_init(&served, in->settings->domain_count) != 0 ||
	    coverage_init(&routed, in->settings->route_count) != 0)
		in->no_memory = true;
	else
		finish(in, &served, &routed);
	coverage_free(&served);
	coverage_free(&routed);
}
