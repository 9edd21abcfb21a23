#include "dns-hooks/resolve/seen_records.h"

#include <stdio.h>
#include <string.h>

static int ask(const struct authority *authority, const char *name, ldns_rr_type type,
	       struct record_list *records, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;

	if (authority_ask(authority, name, type, &answer, err) != 0)
		return -1;
	return dns_answer_records(answer, name, type, records, err);
}

/*
 * Whether the CNAME is the work of a wildcard above: then it is also seen at a name below that
 * does not exist, which a record of its own would keep the wildcard from (RFC 4592 section
 * 2.2.2).  -1 when that cannot be told.
 */
static int is_made_up(const struct authority *authority, const struct record *cname,
		      struct error *err)
{
	AUTO_RECORDS struct record_list below = {0};
	char probe[DOMAIN_MAX + 8];

	snprintf(probe, sizeof(probe), "_none.%.*s", DOMAIN_MAX, cname->name);
	if (strlen(probe) > DOMAIN_MAX)
		return 0;
	if (ask(authority, probe, LDNS_RR_TYPE_CNAME, &below, err) != 0)
		return -1;
	return below.count > 0 && strcmp(below.items[0].value, cname->value) == 0;
}

int seen_records(struct dns_view *view, const char *name, domain_name zone,
		 struct record_list *records, struct error *err)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_A,   LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_TXT,
					     LDNS_RR_TYPE_CAA, LDNS_RR_TYPE_MX,	  LDNS_RR_TYPE_NS,
					     LDNS_RR_TYPE_SOA};
	static struct authority authority; /* too large for the stack */
	domain_name alias;

	resolver_allow(&view->resolver, RESOLVER_BUDGET_MS);
	if (authority_find(view, name, &authority, alias, err) != 0)
		return -1;
	memcpy(zone, authority.zone, sizeof(domain_name));
	if (ask(&authority, name, LDNS_RR_TYPE_CNAME, records, err) != 0)
		return -1;
	/* Beside a CNAME there is nothing else (RFC 1034 section 3.6.2). */
	if (records->count > 0) {
		int made_up = is_made_up(&authority, &records->items[0], err);
		if (made_up > 0)
			record_list_free(records);
		return made_up < 0 ? -1 : 0;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (ask(&authority, name, types[i], records, err) != 0)
			return -1;
	return 0;
}
