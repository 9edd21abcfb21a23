#include "dns-hooks/resolve/dnssec_check.h"

#include "common/log.h"
#include "dns-hooks/resolve/caution.h"

#include <string.h>

enum {
	DS_KEY_TAG,
	DS_ALGORITHM,
	DNSKEY_ALGORITHM = 2,
	SIGNATURES_MS = 10000,
	TIME_TEXT_MAX = 40,
};

static size_t count_at(const ldns_pkt *answer, const char *zone, ldns_rr_type type)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);
	size_t count = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++)
		count += dns_record_is(ldns_rr_list_rr(section, i), zone, type);
	return count;
}

static bool fits(const ldns_rr *ds, const ldns_rr *key)
{
	const ldns_rdf *tag = ldns_rr_rdf(ds, DS_KEY_TAG), *its = ldns_rr_rdf(ds, DS_ALGORITHM),
		       *algorithm = ldns_rr_rdf(key, DNSKEY_ALGORITHM);

	return tag != NULL && its != NULL && algorithm != NULL &&
	       ldns_rdf2native_int16(tag) == ldns_calc_keytag(key) &&
	       ldns_rdf2native_int8(its) == ldns_rdf2native_int8(algorithm);
}

bool dnssec_fits(const ldns_pkt *parent, const ldns_pkt *zone_keys, const char *zone)
{
	const ldns_rr_list *signers = ldns_pkt_answer(parent), *keys = ldns_pkt_answer(zone_keys);

	for (size_t s = 0; s < ldns_rr_list_rr_count(signers); s++)
		for (size_t k = 0; k < ldns_rr_list_rr_count(keys); k++) {
			const ldns_rr *ds = ldns_rr_list_rr(signers, s);
			const ldns_rr *key = ldns_rr_list_rr(keys, k);
			if (dns_record_is(ds, zone, LDNS_RR_TYPE_DS) &&
			    dns_record_is(key, zone, LDNS_RR_TYPE_DNSKEY) && fits(ds, key))
				return true;
		}
	return false;
}

time_t dnssec_expiry(const ldns_pkt *answer, const char *zone)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);
	time_t last = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		if (!dns_record_is(rr, zone, LDNS_RR_TYPE_RRSIG) ||
		    ldns_rr_rrsig_typecovered(rr) == NULL || ldns_rr_rrsig_expiration(rr) == NULL ||
		    ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) != LDNS_RR_TYPE_SOA)
			continue;
		time_t expiry = ldns_rdf2native_time_t(ldns_rr_rrsig_expiration(rr));
		if (expiry > last)
			last = expiry;
	}
	return last;
}

static void warn_of_expired(const struct authority *authority, deadline limit, struct error *note)
{
	for (size_t i = 0; i < authority->count && deadline_left(limit) > 0; i++) {
		const struct authority_server *server = &authority->servers[i];
		AUTO_PKT ldns_pkt *answer = NULL;
		struct error silent = ERROR_INIT;
		char when[TIME_TEXT_MAX] = "";
		struct tm parts;
		if (dns_query_signed(&server->at, authority->zone, LDNS_RR_TYPE_SOA, &answer,
				     &silent) != 0)
			continue;
		time_t expiry = dnssec_expiry(answer, authority->zone);
		if (expiry == 0 || expiry > time(NULL) || gmtime_r(&expiry, &parts) == NULL)
			continue;
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &parts);
		caution(note,
			"%s (%s) answers with signatures of %s that expired at %s: CAs, which "
			"check them, go on to another server while there is one",
			server->name, server->at.text, authority->zone, when);
	}
}

int dnssec_check(struct dns_view *view, const struct authority *authority, struct error *note,
		 struct error *err)
{
	AUTO_PKT ldns_pkt *parent = NULL;
	AUTO_PKT ldns_pkt *keys = NULL;
	struct error doubt = ERROR_INIT;
	const char *zone = authority->zone;

	if (resolver_ask(&view->resolver, zone, LDNS_RR_TYPE_DS, &parent, &doubt) != 0 ||
	    (count_at(parent, zone, LDNS_RR_TYPE_DS) > 0 &&
	     authority_ask(authority, zone, LDNS_RR_TYPE_DNSKEY, &keys, &doubt) != 0)) {
		log_debug("DNSSEC of %s cannot be looked at: %s", zone, doubt.text);
		return 0;
	}
	if (keys != NULL && !authority->is_recursive)
		warn_of_expired(authority, deadline_in(SIGNATURES_MS), note);
	if (keys == NULL || dnssec_fits(parent, keys, zone))
		return 0;
	return error_set(
	    err, EXIT_FAILED,
	    "DNSSEC of %s is broken: its parent has a DS record, but %s; everybody who checks "
	    "signatures, as CAs do, takes the zone for forged: remove the DS record at the "
	    "registrar, "
	    "or sign the zone with that key",
	    zone,
	    count_at(keys, zone, LDNS_RR_TYPE_DNSKEY) == 0 ? "the zone has no key at all"
							   : "it fits no key of the zone");
}
