/* Hosts, ports, addresses, URLs and networks. */
#include "common/settings/checks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { RESOLVERS_MAX = 8, NETWORKS_MAX = 256, TARGET_PORT = 80, HTTPS_PORT = 443, DNS_PORT = 53 };

static bool parse_port(const char *text, size_t length, unsigned short *port)
{
	unsigned long number = 0;

	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		number = number * 10 + (unsigned long)(text[i] - '0');
	}
	*port = (unsigned short)number;
	return number >= 1 && number <= 65535;
}

static bool parse_ipv6(const char *text, size_t length, char out[INET6_ADDRSTRLEN])
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(AF_INET6, copy, &address) != 1)
		return false;
	return inet_ntop(AF_INET6, &address, out, INET6_ADDRSTRLEN) != NULL;
}

/* "[address]" at the beginning; returns what follows the bracket. */
static const char *parse_bracketed(const char *text, size_t length, struct endpoint *out,
				   char reason[SETTING_REASON_SIZE])
{
	const char *close = memchr(text, ']', length);
	char address[INET6_ADDRSTRLEN];

	if (close == NULL || !parse_ipv6(text + 1, (size_t)(close - text - 1), address)) {
		snprintf(reason, SETTING_REASON_SIZE, "there is no IPv6 address in the brackets");
		return NULL;
	}
	snprintf(out->host, sizeof(out->host), "%s", address);
	out->is_ipv6 = true;
	return close + 1;
}

static const char *parse_named(const char *text, size_t length, struct endpoint *out,
			       char reason[SETTING_REASON_SIZE])
{
	const char *colon = memchr(text, ':', length);
	size_t host_length = colon == NULL ? length : (size_t)(colon - text);
	domain_name host;

	if (colon != NULL && memchr(colon + 1, ':', length - host_length - 1) != NULL) {
		snprintf(reason, SETTING_REASON_SIZE, "an IPv6 address needs brackets: [::1]:8080");
		return NULL;
	}
	enum domain_verdict verdict = domain_parse_host(text, host_length, host);
	if (verdict != DOMAIN_VALID && verdict != DOMAIN_IS_ADDRESS) {
		snprintf(reason, SETTING_REASON_SIZE, "the host %s", domain_verdict_text(verdict));
		return NULL;
	}
	memcpy(out->host, host, strlen(host) + 1);
	out->is_ipv6 = false;
	return text + host_length;
}

bool settings_parse_host_port(const char *text, size_t length, unsigned short default_port,
			      struct endpoint *out, char reason[SETTING_REASON_SIZE])
{
	const char *end = text + length;
	const char *rest;

	if (length > 0 && text[0] == '[')
		rest = parse_bracketed(text, length, out, reason);
	else
		rest = parse_named(text, length, out, reason);
	if (rest == NULL)
		return false;
	out->port = default_port;
	if (rest == end)
		return true;
	if (*rest == ':' && parse_port(rest + 1, (size_t)(end - rest - 1), &out->port))
		return true;
	snprintf(reason, SETTING_REASON_SIZE, "the port is not a number from 1 to 65535");
	return false;
}

/* ---- backends */

static bool is_scheme(const char *text, size_t length)
{
	static const char *const schemes[] = {"http", "https", "grpc", "tcp"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i]) == length && strncmp(text, schemes[i], length) == 0)
			return true;
	return false;
}

bool settings_parse_target(const char *text, size_t length, struct endpoint *out,
			   char reason[SETTING_REASON_SIZE])
{
	const char *end = text + length;
	const char *scheme_end = memmem(text, length, "://", 3);

	if (scheme_end != NULL && !is_scheme(text, (size_t)(scheme_end - text))) {
		snprintf(reason, SETTING_REASON_SIZE,
			 "the scheme is none of http, https, grpc, tcp");
		return false;
	}
	if (scheme_end != NULL)
		text = scheme_end + 3;
	const char *path = memchr(text, '/', (size_t)(end - text));
	if (path == NULL)
		path = end;
	if (memchr(text, '@', (size_t)(path - text)) != NULL) {
		snprintf(reason, SETTING_REASON_SIZE, "no user may stand before the host");
		return false;
	}
	/* It is dropped, but what is no path is most likely a mistake. */
	if (!settings_consists_of(path, (size_t)(end - path), "/._~:?&=+@-")) {
		snprintf(reason, SETTING_REASON_SIZE,
			 "the path has a character other than letters, digits and "
			 "\"/._~:?&=+@-\"");
		return false;
	}
	return settings_parse_host_port(text, (size_t)(path - text), TARGET_PORT, out, reason);
}

/* ---- single hosts and addresses */

static const char *keep_host(struct loading *in, const struct setting *row, const domain_name host)
{
	const char *kept = settings_keep(in, host, strlen(host));

	return kept == NULL ? NULL : settings_set_text(in, row, kept);
}

const char *settings_check_host(struct loading *in, const struct setting *row, const char *value)
{
	domain_name host;
	enum domain_verdict verdict = domain_parse_host(value, strlen(value), host);

	if (verdict != DOMAIN_VALID)
		return settings_wrong(in, row, value, "must be a DNS name; it %s",
				      domain_verdict_text(verdict));
	return keep_host(in, row, host);
}

/* Android's resolver (res_hnok() on every name of an answer) takes "_" within a label only. */
static bool has_outer_underscore(const char *host)
{
	return host[0] == '_' || strstr(host, "._") != NULL || strstr(host, "_.") != NULL ||
	       host[strlen(host) - 1] == '_';
}

#define GATEWAY_RULE "must be the gateway's name, such as gateway.dstack-prod5.phala.network; it %s"

const char *settings_check_gateway(struct loading *in, const struct setting *row, const char *value)
{
	domain_name host;
	enum domain_verdict verdict = domain_parse_host(value, strlen(value), host);

	if (verdict != DOMAIN_VALID)
		return settings_wrong(in, row, value, GATEWAY_RULE, domain_verdict_text(verdict));
	if (strchr(host, '.') == NULL)
		return settings_wrong(in, row, value, GATEWAY_RULE, "has no dot");
	if (has_outer_underscore(host))
		settings_warn(
		    in,
		    "%s is \"%s\": Android finds no name whose CNAME has a label that begins or "
		    "ends with \"_\"; take another label, such as \"gateway\", since the zones of "
		    "dstack's gateways answer to any",
		    row->name, host);
	return keep_host(in, row, host);
}

#define ZONE_RULE "must be the name of a zone such as acme.example.net, but %s"

const char *settings_check_zone(struct loading *in, const struct setting *row, const char *value)
{
	domain_name zone;
	enum domain_verdict verdict = domain_parse_host(value, strlen(value), zone);

	if (verdict != DOMAIN_VALID)
		return settings_wrong(in, row, value, ZONE_RULE, domain_verdict_text(verdict));
	if (strchr(zone, '.') == NULL)
		return settings_wrong(in, row, value, ZONE_RULE, "has no dot");
	return keep_host(in, row, zone);
}

const char *settings_check_ipv4(struct loading *in, const struct setting *row, const char *value)
{
	struct in_addr address;

	if (inet_pton(AF_INET, value, &address) != 1)
		return settings_wrong(in, row, value,
				      "must be an IPv4 address such as 203.0.113.7");
	return settings_set_text(in, row, value);
}

const char *settings_check_server(struct loading *in, const struct setting *row, const char *value)
{
	char reason[SETTING_REASON_SIZE];
	struct endpoint server;

	if (!settings_parse_host_port(value, strlen(value), DNS_PORT, &server, reason))
		return settings_wrong(in, row, value,
				      "must be host or host:port, IPv6 in brackets; %s", reason);
	return settings_set_text(in, row, value);
}

static bool is_address(const struct endpoint *server)
{
	struct in_addr address;

	return server->is_ipv6 || inet_pton(AF_INET, server->host, &address) == 1;
}

const char *settings_check_resolvers(struct loading *in, const struct setting *row,
				     const char *value)
{
	const char *at = value;
	char reason[SETTING_REASON_SIZE];
	struct endpoint server;

	for (size_t count = 1;; count++) {
		size_t length = strcspn(at, ",");
		if (count > RESOLVERS_MAX ||
		    !settings_parse_host_port(at, length, DNS_PORT, &server, reason) ||
		    !is_address(&server))
			return settings_wrong(
			    in, row, value,
			    "must be 1 to %d addresses with or without a port, separated by "
			    "commas, such as \"192.0.2.53,[2001:db8::53]:5353\"",
			    RESOLVERS_MAX);
		if (at[length] == '\0')
			return settings_set_text(in, row, value);
		at += length + 1;
	}
}

/* ---- URLs of services that credentials are sent to, or come from */

static bool is_loopback(const struct endpoint *server)
{
	struct in_addr address;

	if (server->is_ipv6)
		return strcmp(server->host, "::1") == 0;
	if (inet_pton(AF_INET, server->host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcmp(server->host, "localhost") == 0;
}

/*
 * Where a machine's own metadata services are, in the clear: those of Amazon ECS, EKS (two) and EC2
 * (two), of which
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html has the
 * first three.
 */
static bool is_metadata_service(const struct endpoint *server)
{
	static const char *const addresses[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23",
						"169.254.169.254", "fd00:ec2::254"};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (strcmp(server->host, addresses[i]) == 0)
			return true;
	return false;
}

static bool is_path(const char *text, const char *more)
{
	char punctuation[32];

	snprintf(punctuation, sizeof(punctuation), "/._~:+@-%s", more);
	return settings_consists_of(text, strlen(text), punctuation);
}

/* False with a sentence part in `reason` otherwise. */
static bool is_url(const struct setting *row, const char *value, bool is_metadata,
		   char reason[SETTING_URL_REASON_SIZE])
{
	bool tls = strncmp(value, "https://", 8) == 0;
	bool plain = strncmp(value, "http://", 7) == 0;
	const char *more = row->words == NULL ? "" : row->words, *rule = NULL;
	const char *authority = value + (tls ? 8 : 7);
	char host_reason[SETTING_REASON_SIZE];
	struct endpoint server;

	if (!tls && !plain) {
		rule = "must begin with https://";
	} else if (memchr(authority, '@', strcspn(authority, "/?")) != NULL) {
		rule = "must not have credentials in it";
	} else if (!settings_parse_host_port(authority, strcspn(authority, "/?"), HTTPS_PORT,
					     &server, host_reason)) {
		snprintf(reason, SETTING_URL_REASON_SIZE, "must be https://host[:port]/path; %s",
			 host_reason);
		return false;
	} else if (strlen(value) > (size_t)row->maximum ||
		   !is_path(authority + strcspn(authority, "/?"), more)) {
		snprintf(reason, SETTING_URL_REASON_SIZE,
			 "must have at most %ld characters, and in its path only letters, digits "
			 "and \"/._~:+@-%s\"",
			 row->maximum, more);
		return false;
	} else if (plain && !is_loopback(&server) &&
		   !(is_metadata && is_metadata_service(&server))) {
		/* RFC 8555 section 6.1 for ACME, RFC 8484 section 5 for DNS; elsewhere a token
		 * would be there for all to read. */
		rule = is_metadata ? "must be https://, since credentials go there (http:// is for "
				     "127.0.0.1, [::1] and localhost, and for the addresses of "
				     "AWS's metadata services)"
				   : "must be https://, so that nobody reads or changes what goes "
				     "there (http:// is for 127.0.0.1, [::1] and localhost)";
	}
	if (rule != NULL)
		snprintf(reason, SETTING_URL_REASON_SIZE, "%s", rule);
	return rule == NULL;
}

bool settings_is_url(const struct setting *row, const char *value,
		     char reason[SETTING_URL_REASON_SIZE])
{
	return is_url(row, value, false, reason);
}

static const char *check_url(struct loading *in, const struct setting *row, const char *value,
			     bool is_metadata)
{
	char reason[SETTING_URL_REASON_SIZE];

	if (!is_url(row, value, is_metadata, reason))
		return settings_wrong(in, row, value, "%s", reason);
	return settings_set_text(in, row, value);
}

const char *settings_check_url(struct loading *in, const struct setting *row, const char *value)
{
	return check_url(in, row, value, false);
}

const char *settings_check_metadata_url(struct loading *in, const struct setting *row,
					const char *value)
{
	return check_url(in, row, value, true);
}

/* ---- networks, as CIDR has them */

static void add_network(struct loading *in, const struct ip_network *network)
{
	struct settings *settings = in->settings;
	struct ip_network *grown = settings_grow(in, settings->backend_networks,
						 settings->backend_network_count, sizeof(*grown));

	if (grown == NULL)
		return;
	settings->backend_networks = grown;
	grown[settings->backend_network_count++] = *network;
}

const char *settings_check_networks(struct loading *in, const struct setting *row,
				    const char *value)
{
	struct setting_list list = {.at = value};
	struct setting_item item;
	bool wrong = false;

	while (settings_next_item(&list, &item)) {
		char reason[IP_REASON_SIZE];
		struct ip_network network;
		if (item.number > NETWORKS_MAX) {
			settings_problem(in, "%s has more than %d networks", row->name,
					 NETWORKS_MAX);
			return NULL;
		}
		if (ip_network_parse(item.text, item.length, &network, reason)) {
			add_network(in, &network);
			continue;
		}
		settings_wrong_item(in, row, &item,
				    "must be an address or a network such as 10.0.0.0/8 or "
				    "fd00::/8; %s",
				    reason);
		wrong = true;
	}
	return wrong ? NULL : value;
}
