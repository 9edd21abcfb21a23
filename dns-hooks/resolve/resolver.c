#include "dns-hooks/resolve/resolver.h"

#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/resolve/dns_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESOLV_CONF_MAX = 64 * 1024, CNAME_HOPS_MAX = 8 };

static const char RESOLV_CONF[] = "/etc/resolv.conf";

static int add_server(struct resolver *resolver, const char *address, unsigned short port,
		      struct error *err)
{
	if (resolver->count == RESOLVERS_MAX)
		return error_set(err, EXIT_BAD_CONFIG, "more than %d DNS resolvers", RESOLVERS_MAX);
	if (dns_server_parse(address, port, &resolver->servers[resolver->count], err) != 0)
		return -1;
	resolver->count++;
	return 0;
}

static int use_listed(struct resolver *resolver, const char *listed, struct error *err)
{
	AUTO_FREE char *copy = strdup(listed);
	char reason[SETTING_REASON_SIZE], *rest = NULL;
	struct endpoint endpoint;

	if (copy == NULL)
		return error_no_memory(err);
	for (char *item = strtok_r(copy, ", \t\n", &rest); item != NULL;
	     item = strtok_r(NULL, ", \t\n", &rest)) {
		if (!settings_parse_host_port(item, strlen(item), DNS_PORT, &endpoint, reason))
			return error_set(err, EXIT_BAD_CONFIG, "DNS_RESOLVERS: '%.100s': %s", item,
					 reason);
		if (add_server(resolver, endpoint.host, endpoint.port, err) != 0)
			return error_wrap(err, "DNS_RESOLVERS");
	}
	return 0;
}

/* resolv.conf(5): the "nameserver" lines; what is not understood there is passed over, as
 * the C library does. */
static int use_system(struct resolver *resolver, struct error *err)
{
	struct buffer text;
	struct error ignored = ERROR_INIT;
	char *rest = NULL, address[80];

	buffer_init(&text, RESOLV_CONF_MAX);
	if (file_read(RESOLV_CONF, &text, err) != 0) {
		buffer_free(&text);
		return error_wrap(err, "no DNS resolver is known (DNS_RESOLVERS can name one)");
	}
	for (char *line = text.length == 0 ? NULL : strtok_r(text.data, "\n", &rest);
	     line != NULL && resolver->count < RESOLVERS_MAX; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, " nameserver %79s", address) == 1 &&
		    add_server(resolver, address, DNS_PORT, &ignored) != 0)
			log_debug("%s: %s", RESOLV_CONF, ignored.text);
	buffer_free(&text);
	return 0;
}

int resolver_init(struct resolver *resolver, const char *listed, struct error *err)
{
	*resolver = (struct resolver){0};
	resolver_allow(resolver, RESOLVER_BUDGET_MS);
	if ((listed != NULL ? use_listed(resolver, listed, err) : use_system(resolver, err)) != 0)
		return -1;
	if (resolver->count == 0)
		return error_set(err, EXIT_BAD_CONFIG,
				 "no DNS resolver is known: %s names none (DNS_RESOLVERS can)",
				 listed != NULL ? "DNS_RESOLVERS" : RESOLV_CONF);
	return 0;
}

void resolver_allow(struct resolver *resolver, long milliseconds)
{
	resolver->limit = deadline_in(milliseconds);
}

static bool means_something(const ldns_pkt *answer)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

	return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
}

/* A resolver that finds the name once it is told not to check signatures has found the
 * signatures wrong, and so will the CA's resolver; unless it did not know the name at first, and
 * now does. */
static int ask_unchecked(const struct dns_server *server, const char *name, ldns_rr_type type,
			 ldns_pkt **answer, struct error *err)
{
	AUTO_PKT ldns_pkt *unchecked = NULL;

	if (dns_query_unchecked(server, name, type, &unchecked, err) != 0 ||
	    !means_something(unchecked))
		return error_set(err, EXIT_UNREACHABLE, "%s answers SERVFAIL", server->text);
	if (dns_query(server, name, type, true, answer, err) != 0)
		return -1;
	if (means_something(*answer))
		return 0;
	dns_packet_free(answer);
	return error_set(
	    err, EXIT_FAILED,
	    "DNSSEC is broken there: %s answers SERVFAIL, but knows the name when it is "
	    "told not to check signatures (a DS record at the registrar that fits no key "
	    "of the zone, or signatures that have expired)",
	    server->text);
}

/* 0 with an answer that tells something. */
static int ask_server(const struct dns_server *server, const char *name, ldns_rr_type type,
		      ldns_pkt **answer, struct error *err)
{
	if (dns_query(server, name, type, true, answer, err) != 0)
		return -1;
	if (means_something(*answer))
		return 0;
	bool has_failed = ldns_pkt_get_rcode(*answer) == LDNS_RCODE_SERVFAIL;
	error_set(err, EXIT_UNREACHABLE, "%s answers %s", server->text, dns_rcode_text(*answer));
	dns_packet_free(answer);
	return has_failed ? ask_unchecked(server, name, type, answer, err) : -1;
}

int resolver_ask(struct resolver *resolver, const char *name, ldns_rr_type type, ldns_pkt **answer,
		 struct error *err)
{
	for (size_t tried = 0; tried < resolver->count; tried++) {
		size_t i = (resolver->preferred + tried) % resolver->count;
		if (deadline_left(resolver->limit) == 0) {
			error_set(err, EXIT_TRY_LATER, "DNS has taken too long");
			break;
		}
		if (ask_server(&resolver->servers[i], name, type, answer, err) == 0) {
			resolver->preferred = i;
			return 0;
		}
		log_debug("resolver: %s", err->text);
	}
	return error_wrap(err, "cannot look up %s", *name == '\0' ? "the root" : name);
}

static int addresses_of_type(struct resolver *resolver, const char *host, ldns_rr_type type,
			     unsigned short port, struct address_list *addresses, struct error *err)
{
	size_t before = addresses->count;
	domain_name name, asked;

	if (dns_name_normal(host, name) != 0)
		return error_set(err, EXIT_FAILED, "'%.80s...' is too long for a name", host);
	/* A resolver that does not recurse leaves the rest of a chain of CNAMEs to us; the last
	 * question is about what the last one leads to. */
	for (int hop = 0; hop <= CNAME_HOPS_MAX; hop++) {
		AUTO_PKT ldns_pkt *answer = NULL;
		if (resolver_ask(resolver, name, type, &answer, err) != 0)
			return -1;
		memcpy(asked, name, sizeof(asked));
		dns_answer_addresses(answer, type, port, name, addresses);
		if (addresses->count > before || strcmp(asked, name) == 0)
			return 0;
	}
	return error_set(err, EXIT_FAILED, "%s leads through more than %d CNAMEs", host,
			 CNAME_HOPS_MAX);
}

int resolver_addresses(struct resolver *resolver, const char *host, unsigned short port,
		       struct address_list *addresses, struct error *err)
{
	*addresses = (struct address_list){0};
	if (addresses_of_type(resolver, host, LDNS_RR_TYPE_A, port, addresses, err) != 0)
		return -1;
	return addresses_of_type(resolver, host, LDNS_RR_TYPE_AAAA, port, addresses, err);
}

/* Whether a CNAME stands at `name`, where no zone can begin.  Asked when a resolver has failed to
 * tell about it, as it does when it follows a CNAME into a circle or to a broken zone. */
static bool is_alias(struct resolver *resolver, const char *name)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error ignored = ERROR_INIT;
	domain_name target;

	return resolver_ask(resolver, name, LDNS_RR_TYPE_CNAME, &answer, &ignored) == 0 &&
	       dns_answer_alias(answer, name, target) == 0;
}

static const char *parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? "" : dot + 1;
}

/* 1, 0 when no SOA record tells of a zone below the root, or -1. */
static int zone_by_soa(struct resolver *resolver, const char *name, domain_name zone,
		       struct error *err)
{
	for (const char *at = name; *at != '\0'; at = parent_of(at)) {
		AUTO_PKT ldns_pkt *answer = NULL;
		bool is_told = resolver_ask(resolver, at, LDNS_RR_TYPE_SOA, &answer, err) == 0;
		if (!is_told && !is_alias(resolver, at))
			return -1;
		if (is_told && dns_answer_zone(answer, at, zone))
			return *zone != '\0';
	}
	return 0;
}

/* For resolvers behind a filter that keeps SOA records back; likewise. */
static int zone_by_name_servers(struct resolver *resolver, const char *name, domain_name zone,
				struct error *err)
{
	for (const char *at = name; *at != '\0'; at = parent_of(at)) {
		struct name_list names;
		if (resolver_name_servers(resolver, at, &names, err) != 0)
			return -1;
		if (names.count > 0 && dns_name_normal(at, zone) == 0)
			return 1;
	}
	return 0;
}

int resolver_zone_of(struct resolver *resolver, const char *name, domain_name zone,
		     struct error *err)
{
	int found = zone_by_soa(resolver, name, zone, err);

	if (found == 0)
		found = zone_by_name_servers(resolver, name, zone, err);
	if (found > 0)
		return 0;
	if (found < 0)
		return error_wrap(err, "cannot find the zone of %s", name);
	return error_set(err, EXIT_FAILED,
			 "%s lies in no zone that DNS knows (DNS_RESOLVERS names other resolvers)",
			 name);
}

int resolver_name_servers(struct resolver *resolver, const char *zone, struct name_list *names,
			  struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;

	*names = (struct name_list){0};
	if (resolver_ask(resolver, zone, LDNS_RR_TYPE_NS, &answer, err) != 0)
		return error_wrap(err, "cannot find the name servers of %s", zone);
	dns_answer_name_servers(answer, zone, names);
	return 0;
}
