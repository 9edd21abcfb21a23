#include "dns-hooks/operator/operator_check.h"

#include "dns-hooks/operator/operator_doh.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { CHECK_BUDGET_MS = 20000 };

static const ldns_rr_type types[][2] = {
    [RECORD_A] = {LDNS_RR_TYPE_A},
    [RECORD_AAAA] = {LDNS_RR_TYPE_AAAA},
    [RECORD_CNAME] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA},
    [RECORD_TXT] = {LDNS_RR_TYPE_TXT},
    [RECORD_CAA] = {LDNS_RR_TYPE_CAA},
};

/* ---- what stands at the end of the CNAMEs */

static int ask_end(const struct authority *authority, const char *name, enum record_type type,
		   struct record_list *records, struct error *err)
{
	for (size_t i = 0; i < 2 && types[type][i] != 0; i++) {
		AUTO_PKT ldns_pkt *answer = NULL;
		if (authority_ask(authority, name, types[type][i], &answer, err) != 0 ||
		    dns_answer_records(answer, name, types[type][i], records, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- the CNAMEs */

/* The CNAME at `name` by one server, "" for none; -1 when it does not tell. */
static int alias_at(const struct authority *authority, size_t server, const char *name,
		    domain_name alias)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error silent = ERROR_INIT;

	if (authority_query(authority, server, name, LDNS_RR_TYPE_CNAME, &answer, &silent) != 0 ||
	    !authority_speaks(authority, answer) ||
	    (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR &&
	     ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN))
		return -1;
	if (dns_answer_alias(answer, name, alias) != 0)
		*alias = '\0';
	return 0;
}

/*
 * Whether all servers that answer have that CNAME, "" for none.  A resolver that knows of none may
 * have asked before it was made, and remembers that for a while.
 */
static bool do_servers_agree(const struct authority *authority, const char *name, const char *alias,
			     deadline limit, struct error *why)
{
	for (size_t i = 0; i < authority->count && deadline_left(limit) > 0; i++) {
		const struct authority_server *server = &authority->servers[i];
		domain_name other;
		if (alias_at(authority, i, name, other) != 0 || strcmp(alias, other) == 0 ||
		    (authority->is_recursive && *other == '\0'))
			continue;
		error_set(why, EXIT_TRY_LATER, "%s is %s%s at %s (%s), but not at all servers",
			  name, *other == '\0' ? "no CNAME" : "a CNAME to ", other, server->name,
			  server->at.text);
		return false;
	}
	return true;
}

/* The CNAME at `name` by the first resolver that knows of one, "" if none does. */
static int ask_resolvers(const struct authority *authority, const char *name, deadline limit,
			 domain_name alias, struct error *err)
{
	bool is_told = false;

	*alias = '\0';
	for (size_t i = 0; i < authority->count && *alias == '\0' && deadline_left(limit) > 0; i++)
		is_told = alias_at(authority, i, name, alias) == 0 || is_told;
	return is_told ? 0 : error_set(err, EXIT_UNREACHABLE, "no resolver tells about %s", name);
}

/* Finds the servers of `name` and the CNAME there, "" for none. */
static int find_alias(struct dns_view *view, const char *name, struct authority *authority,
		      domain_name alias, struct error *err)
{
	if (authority_find(view, name, authority, alias, err) != 0)
		return -1;
	return authority->is_recursive
		   ? ask_resolvers(authority, name, view->resolver.limit, alias, err)
		   : 0;
}

/* Some servers have others beside a CNAME, and show those to who asks for their type. */
static bool is_hidden(const struct authority *authority, const char *name, struct error *why)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error ignored = ERROR_INIT;

	if (authority_ask(authority, name, LDNS_RR_TYPE_TXT, &answer, &ignored) != 0)
		return false;
	const ldns_rr_list *section = ldns_pkt_answer(answer);
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++)
		if (dns_record_is(ldns_rr_list_rr(section, i), name, LDNS_RR_TYPE_TXT)) {
			error_set(why, EXIT_TRY_LATER,
				  "%s has a TXT record beside the CNAME, which hides it: remove "
				  "the TXT record",
				  name);
			return true;
		}
	return false;
}

/* Follows the CNAMEs, the first of which is found already, and reads what is behind the last. */
static int look_behind(struct dns_view *view, const struct operator_record *record,
		       struct authority *authority, domain_name alias, struct operator_sight *sight,
		       struct error *err)
{
	const char *at = record->wanted.name;

	while (*alias != '\0') {
		if (sight->hops == OPERATOR_HOPS_MAX)
			return error_set(err, EXIT_FAILED, "%s leads through more than %d CNAMEs",
					 record->wanted.name, OPERATOR_HOPS_MAX);
		char *next = sight->chain[sight->hops++];
		memcpy(next, alias, sizeof(domain_name));
		at = next;
		if (operator_is_exact_cname(record))
			return 0;
		if (find_alias(view, at, authority, alias, err) != 0)
			return -1;
	}
	return operator_is_exact_cname(record)
		   ? 0
		   : ask_end(authority, at, record->wanted.type, &sight->records, err);
}

/* ---- the addresses of an alias's target */

static int find_target(struct dns_view *view, const struct operator_record *record,
		       struct record_list *target, struct error *err)
{
	struct address_list found;

	if (record->wanted.type != RECORD_CNAME || record->exact)
		return 0;
	if (resolver_addresses(&view->resolver, record->wanted.value, 0, &found, err) != 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct sockaddr_storage *address = &found.items[i];
		bool is_v6 = address->ss_family == AF_INET6;
		char text[INET6_ADDRSTRLEN] = "";
		struct record one;
		inet_ntop(address->ss_family,
			  is_v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				: (const void *)&((const struct sockaddr_in *)address)->sin_addr,
			  text, sizeof(text));
		if (record_make(&one, record->wanted.value, is_v6 ? RECORD_AAAA : RECORD_A, 0, text,
				err) != 0 ||
		    record_list_add(target, &one, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- one record */

/* The one record that cannot stand at the apex of a zone, beside its SOA record. */
static bool is_at_apex(const struct authority *authority, const char *name)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error ignored = ERROR_INIT;
	domain_name zone;

	if (strcmp(authority->zone, name) == 0)
		return true;
	return authority->is_recursive &&
	       authority_ask(authority, name, LDNS_RR_TYPE_SOA, &answer, &ignored) == 0 &&
	       dns_answer_zone(answer, name, zone) && strcmp(zone, name) == 0;
}

static enum operator_verdict refuse_apex(const char *name, struct error *why)
{
	error_set(why, EXIT_BAD_CONFIG,
		  "%s is the apex of its zone, where no CNAME can stand (RFC 1034 section 3.6.2): "
		  "it cannot be delegated, only names below it can",
		  name);
	return OPERATOR_NEVER;
}

enum operator_verdict operator_check(struct dns_view *view, const struct operator_record *record,
				     struct error *why)
{
	static struct authority authority; /* too large for the stack */
	AUTO_RECORDS struct record_list target = {0};
	struct operator_sight sight = {0};
	enum operator_verdict verdict = OPERATOR_UNKNOWN;
	const char *name = record->wanted.name;
	domain_name alias;

	if (view->doh_count > 0)
		return operator_doh_check(view, record, why);
	resolver_allow(&view->resolver, CHECK_BUDGET_MS);
	if (find_alias(view, name, &authority, alias, why) != 0)
		return OPERATOR_UNKNOWN;
	if (*alias == '\0' && operator_is_exact_cname(record) && is_at_apex(&authority, name))
		return refuse_apex(name, why);
	if (!do_servers_agree(&authority, name, alias, view->resolver.limit, why))
		return OPERATOR_UNMET;
	if (*alias != '\0' && operator_is_exact_cname(record) && is_hidden(&authority, name, why))
		return OPERATOR_UNMET;
	if (look_behind(view, record, &authority, alias, &sight, why) == 0 &&
	    find_target(view, record, &target, why) == 0)
		verdict = operator_judge(record, &sight, &target, why);
	record_list_free(&sight.records);
	return verdict;
}

/* ---- all of a list */

static void tell(const struct record *wanted, const struct error *why, struct error *err)
{
	bool is_first = err->text[0] == '\0';

	error_set(err, EXIT_TRY_LATER, "%s%s%s. %s %s%s is missing (%s)", is_first ? "" : err->text,
		  is_first ? "" : "; ", wanted->name, record_type_text(wanted), wanted->value,
		  wanted->type == RECORD_CNAME ? "." : "", why->text);
}

int operator_check_all(struct dns_view *view, const struct operator_list *list, long budget_ms,
		       struct operator_list *unmet, struct error *err)
{
	deadline limit = deadline_in(budget_ms);
	struct error told = ERROR_INIT;

	for (size_t i = 0; i < list->count; i++) {
		const struct operator_record *record = &list->items[i];
		enum operator_verdict verdict = OPERATOR_UNKNOWN;
		struct error why = ERROR_INIT;
		if (deadline_left(limit) > 0)
			verdict = operator_check(view, record, &why);
		else
			error_set(&why, EXIT_TRY_LATER, "not asked: DNS has taken too long");
		if (verdict == OPERATOR_MET)
			continue;
		if (verdict == OPERATOR_NEVER) {
			*err = why;
			return -1;
		}
		tell(&record->wanted, &why, &told);
		if (operator_list_copy(unmet, record, err) != 0)
			return -1;
	}
	if (told.text[0] == '\0')
		return 0;
	*err = told;
	return -1;
}
