#include "dns-hooks/resolve/dns_answer.h"

#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record_rr.h"
#include "dns-hooks/resolve/dns_query.h"

#include <netinet/in.h>
#include <string.h>

enum { CNAME_HOPS_MAX = 8 };

static const ldns_rr *find(const ldns_rr_list *section, const char *name, ldns_rr_type type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (dns_record_is(record, name, type))
			return record;
	}
	return NULL;
}

/* ---- hosts */

static void add_address(struct address_list *addresses, const ldns_rr *record, unsigned short port)
{
	const ldns_rdf *data = ldns_rr_rdf(record, 0);
	struct sockaddr_storage *item = &addresses->items[addresses->count];

	if (data == NULL || addresses->count == RESOLVER_ADDRESSES_MAX)
		return;
	memset(item, 0, sizeof(*item));
	if (ldns_rdf_get_type(data) == LDNS_RDF_TYPE_A) {
		struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&v4.sin_addr, ldns_rdf_data(data), sizeof(v4.sin_addr));
		memcpy(item, &v4, sizeof(v4));
	} else {
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&v6.sin6_addr, ldns_rdf_data(data), sizeof(v6.sin6_addr));
		memcpy(item, &v6, sizeof(v6));
	}
	addresses->count++;
}

void dns_answer_addresses(const ldns_pkt *answer, ldns_rr_type type, unsigned short port,
			  domain_name name, struct address_list *addresses)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	for (int hop = 0; hop < CNAME_HOPS_MAX; hop++)
		if (dns_answer_alias(answer, name, name) != 0)
			break;
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (dns_record_is(record, name, type))
			add_address(addresses, record, port);
	}
}

int dns_answer_alias(const ldns_pkt *answer, const char *name, domain_name alias)
{
	const ldns_rr *record = find(ldns_pkt_answer(answer), name, LDNS_RR_TYPE_CNAME);

	return record == NULL ? -1 : dns_name_text(ldns_rr_rdf(record, 0), alias);
}

/* ---- zones */

static void add_name(struct name_list *names, const ldns_rr *record)
{
	if (names->count < RESOLVER_NAMES_MAX &&
	    dns_name_text(ldns_rr_rdf(record, 0), names->items[names->count]) == 0)
		names->count++;
}

void dns_answer_name_servers(const ldns_pkt *answer, const char *zone, struct name_list *names)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	*names = (struct name_list){0};
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (dns_record_is(record, zone, LDNS_RR_TYPE_NS))
			add_name(names, record);
	}
}

bool dns_answer_zone(const ldns_pkt *answer, const char *name, domain_name zone)
{
	if (find(ldns_pkt_answer(answer), name, LDNS_RR_TYPE_SOA) != NULL)
		return dns_name_normal(name, zone) == 0;
	/* A negative answer carries the SOA of its zone (RFC 2308 section 3); behind a CNAME
	 * it would be the zone of the alias's target. */
	if (ldns_rr_list_rr_count(ldns_pkt_answer(answer)) > 0)
		return false;
	const ldns_rr_list *section = ldns_pkt_authority(answer);
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA &&
		    dns_name_text(ldns_rr_owner(record), zone) == 0)
			return dns_name_within(name, zone);
	}
	return false;
}

/* Whether `zone` is a zone below `current` that holds `name`. */
static bool leads_down(const char *zone, const char *current, const char *name)
{
	return strcmp(zone, current) != 0 && dns_name_within(zone, current) &&
	       dns_name_within(name, zone);
}

bool dns_answer_referral(const ldns_pkt *answer, const char *current, const char *name,
			 domain_name zone, struct name_list *names)
{
	const ldns_rr_list *section = ldns_pkt_authority(answer);

	*names = (struct name_list){0};
	if (ldns_pkt_aa(answer) || ldns_rr_list_rr_count(ldns_pkt_answer(answer)) > 0)
		return false;
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		domain_name owner;
		if (ldns_rr_get_type(record) != LDNS_RR_TYPE_NS ||
		    dns_name_text(ldns_rr_owner(record), owner) != 0 ||
		    !leads_down(owner, current, name))
			continue;
		memcpy(zone, owner, sizeof(owner));
		add_name(names, record);
	}
	return names->count > 0;
}

bool dns_answer_is_authoritative(const ldns_pkt *answer, const char *zone, const char *name)
{
	struct name_list names;
	domain_name child;

	return ldns_pkt_aa(answer) || dns_answer_referral(answer, zone, name, child, &names);
}

bool dns_answer_deeper_zone(const ldns_pkt *answer, const char *current, const char *name,
			    domain_name zone)
{
	const ldns_rr_list *sections[] = {ldns_pkt_answer(answer), ldns_pkt_authority(answer)};

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < ldns_rr_list_rr_count(sections[s]); i++) {
			const ldns_rr *record = ldns_rr_list_rr(sections[s], i);
			if (ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA &&
			    dns_name_text(ldns_rr_owner(record), zone) == 0 &&
			    leads_down(zone, current, name))
				return true;
		}
	return false;
}

/* ---- records */

int dns_answer_records(const ldns_pkt *answer, const char *name, ldns_rr_type type,
		       struct record_list *records, struct error *err)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		struct record record;
		if (dns_record_is(rr, name, type) && (record_from_rr(rr, &record, err) != 0 ||
						      record_list_add(records, &record, err) != 0))
			return -1;
	}
	return 0;
}

/* ---- texts */

static bool is_value(const ldns_rr *record, const char *value)
{
	size_t left = strlen(value);

	for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
		const ldns_rdf *field = ldns_rr_rdf(record, i);
		size_t length = ldns_rdf_size(field);
		if (length == 0)
			return false;
		length--; /* the length byte in front */
		if (length > left || memcmp(ldns_rdf_data(field) + 1, value, length) != 0)
			return false;
		value += length;
		left -= length;
	}
	return left == 0;
}

bool dns_answer_has_text(const ldns_pkt *answer, const char *name, const char *value)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (dns_record_is(record, name, LDNS_RR_TYPE_TXT) && is_value(record, value))
			return true;
	}
	return false;
}
