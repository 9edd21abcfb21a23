#include "dns-hooks/providers/rfc2136.h"

#include "common/file.h"
#include "common/log.h"
#include "dns-hooks/providers/rfc2136_update.h"
#include "dns-hooks/providers/tsig_server.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record_rr.h"
#include "dns-hooks/resolve/dns_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rfc2136 {
	struct tsig_server server;
	domain_name zone; /* RFC2136_ZONE, "" to look for it */
};

/* ---- opening */

static int read_server(struct rfc2136 *state, struct error *err)
{
	const char *server = settings_provider_variable("RFC2136_SERVER");
	char reason[SETTING_REASON_SIZE];

	if (server == NULL)
		return error_set(err, EXIT_BAD_CONFIG, "RFC2136_SERVER is not set");
	if (!settings_parse_host_port(server, strlen(server), DNS_PORT, &state->server.endpoint,
				      reason))
		return error_set(err, EXIT_BAD_CONFIG, "RFC2136_SERVER is \"%.100s\": %s", server,
				 reason);
	return 0;
}

static int read_key(struct rfc2136 *state, struct error *err)
{
	struct tsig_server *server = &state->server;
	const char *name = settings_provider_variable("RFC2136_KEY_NAME");
	const char *algorithm = settings_provider_variable("RFC2136_KEY_ALGORITHM");
	struct buffer secret;

	if (name == NULL || dns_name_normal(name, server->key_name) != 0)
		return error_set(err, EXIT_BAD_CONFIG, "RFC2136_KEY_NAME is not set");
	/* ldns cannot sign with hmac-sha384, and what remains is weaker than these two. */
	if (algorithm == NULL)
		algorithm = "hmac-sha256";
	if (strcasecmp(algorithm, "hmac-sha256") != 0 && strcasecmp(algorithm, "hmac-sha512") != 0)
		return error_set(err, EXIT_BAD_CONFIG,
				 "RFC2136_KEY_ALGORITHM is \"%.40s\": must be hmac-sha256 or "
				 "hmac-sha512",
				 algorithm);
	snprintf(server->algorithm, sizeof(server->algorithm), "%s.", algorithm);

	buffer_init(&secret, sizeof(server->secret) - 1);
	int given = settings_secret("RFC2136_KEY_SECRET", &secret, err);
	if (given > 0)
		memcpy(server->secret, buffer_text(&secret), secret.length + 1);
	if (secret.data != NULL)
		explicit_bzero(secret.data, secret.length);
	buffer_free(&secret);
	if (given == 0)
		error_set(err, EXIT_BAD_CONFIG, "RFC2136_KEY_SECRET is not set");
	return given > 0 ? 0 : -1;
}

static void rfc2136_close(void *opaque)
{
	struct rfc2136 *state = opaque;

	explicit_bzero(state, sizeof(*state));
	free(state);
}

static void *rfc2136_open(const struct settings *settings, struct error *err)
{
	struct rfc2136 *state = calloc(1, sizeof(*state));
	const char *zone = settings_provider_variable("RFC2136_ZONE");

	(void)settings;
	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (read_server(state, err) == 0 && read_key(state, err) == 0 &&
	    (zone == NULL || dns_name_normal(zone, state->zone) == 0))
		return state;
	rfc2136_close(state);
	return NULL;
}

/* ---- reading */

static ldns_pkt *ask(struct rfc2136 *state, const char *name, ldns_rr_type type, struct error *err)
{
	AUTO_PKT ldns_pkt *question = dns_question(name, type, false, err);

	return question == NULL ? NULL : tsig_exchange(&state->server, question, err);
}

/* Whether a CNAME stands there, where no zone can begin.  Asked when the server has failed, as it
 * does when it follows CNAMEs into a circle. */
static bool is_alias(struct rfc2136 *state, const char *name)
{
	struct error ignored = ERROR_INIT;
	AUTO_PKT ldns_pkt *answer = ask(state, name, LDNS_RR_TYPE_CNAME, &ignored);
	domain_name target;

	return answer != NULL && ldns_pkt_aa(answer) && dns_answer_alias(answer, name, target) == 0;
}

/* Whether the server is authoritative for a zone of that name (1), or not (0). */
static int holds_zone(struct rfc2136 *state, const char *zone, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = ask(state, zone, LDNS_RR_TYPE_SOA, err);

	if (answer == NULL)
		return -1;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	/* REFUSED is what a server says of names in none of its zones. */
	if (rcode == LDNS_RCODE_NXDOMAIN || rcode == LDNS_RCODE_REFUSED ||
	    rcode == LDNS_RCODE_NOTAUTH)
		return 0;
	if (rcode == LDNS_RCODE_SERVFAIL && is_alias(state, zone))
		return 0;
	if (rcode != LDNS_RCODE_NOERROR)
		return tsig_explain_rcode(&state->server, answer, "to tell where the zone begins",
					  err);
	const ldns_rr_list *section = ldns_pkt_answer(answer);
	for (size_t i = 0; ldns_pkt_aa(answer) && i < ldns_rr_list_rr_count(section); i++)
		if (dns_record_is(ldns_rr_list_rr(section, i), zone, LDNS_RR_TYPE_SOA))
			return 1;
	return 0;
}

static int rfc2136_find_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	struct rfc2136 *state = opaque;
	const char *at = name;
	int found = 0;

	*zone = (struct zone){0};
	if (*state->zone != '\0') {
		memcpy(zone->name, state->zone, sizeof(zone->name));
		return dns_name_within(name, state->zone) ? 1 : 0;
	}
	/* The root's labels bound this walk: a name has at most 127. */
	while (found == 0 && *at != '\0') {
		found = holds_zone(state, at, err);
		if (found == 1)
			return dns_name_normal(at, zone->name) == 0 ? 1 : 0;
		const char *dot = strchr(at, '.');
		at = dot == NULL ? "" : dot + 1;
	}
	return found;
}

/* Records of signatures and denial stand beside everything else and are the server's. */
static bool is_of_dnssec(const ldns_rr *rr)
{
	ldns_rr_type type = ldns_rr_get_type(rr);

	return type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC;
}

/* Adds what the answer holds at `name` to the list, each once. */
static int collect(const ldns_pkt *answer, const char *name, struct record_list *records,
		   struct error *err)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		struct record record;
		if (is_of_dnssec(rr) || !dns_record_is(rr, name, ldns_rr_get_type(rr)))
			continue;
		if (record_from_rr(rr, &record, err) != 0)
			return -1;
		if (record_list_find(records, &record) != NULL)
			record_free(&record);
		else if (record_list_add(records, &record, err) != 0)
			return -1;
	}
	return 0;
}

static int list_type(struct rfc2136 *state, const char *name, ldns_rr_type type,
		     struct record_list *records, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = ask(state, name, type, err);

	if (answer == NULL)
		return -1;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	if (rcode == LDNS_RCODE_NXDOMAIN)
		return 0;
	/* RFC 8482: a server need not answer ANY, and the types that matter follow. */
	if (type == LDNS_RR_TYPE_ANY && rcode != LDNS_RCODE_NOERROR)
		return 0;
	if (rcode != LDNS_RCODE_NOERROR)
		return tsig_explain_rcode(&state->server, answer, "to show the records", err);
	if (!ldns_pkt_aa(answer) || ldns_pkt_tc(answer))
		return error_set(err, EXIT_FAILED,
				 "%s does not answer for %s itself: it is delegated to other "
				 "servers, or RFC2136_SERVER is not the primary",
				 state->server.endpoint.host, name);
	return collect(answer, name, records, err);
}

static int rfc2136_list(void *opaque, const struct zone *zone, const char *name,
			struct record_list *records, struct error *err)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_ANY, LDNS_RR_TYPE_CNAME,
					     LDNS_RR_TYPE_A,   LDNS_RR_TYPE_AAAA,
					     LDNS_RR_TYPE_TXT, LDNS_RR_TYPE_CAA};
	struct rfc2136 *state = opaque;

	/* Asked first: at a name that does not exist, a wildcard would answer the queries. */
	int exists = rfc2136_name_exists(&state->server, zone->name, name, err);
	if (exists <= 0)
		return exists;
	/* Beside a CNAME there is nothing else, and a server that is asked for more follows it, be
	 * it in a circle. */
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) &&
			   record_list_find_type(records, RECORD_CNAME) == NULL;
	     i++)
		if (list_type(state, name, types[i], records, err) != 0)
			return -1;
	return 0;
}

static int rfc2136_change(void *opaque, const struct zone *zone, const char *name,
			  const struct record_list *present, const struct change_list *changes,
			  struct error *err)
{
	struct rfc2136 *state = opaque;

	return rfc2136_update(&state->server, zone->name, name, present, changes, err);
}

const struct provider_class rfc2136_class = {
    .name = "rfc2136",
    .challenge_ttl = 10,
    .record_ttl = 300,
    .propagation_timeout = 120,
    .cname_beside_others = false,
    .removes_unseen = true,
    .caa_separator = "; ",
    .open = rfc2136_open,
    .close = rfc2136_close,
    .find_zone = rfc2136_find_zone,
    .list = rfc2136_list,
    .change = rfc2136_change,
};
