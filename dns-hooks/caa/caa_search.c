#include "dns-hooks/caa/caa_search.h"

#include "common/deadline.h"
#include "common/file.h"
#include "common/log.h"
#include "dns-hooks/caa/acme_directory.h"
#include "dns-hooks/caa/caa_judge.h"
#include "dns-hooks/records/caa_wire.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/resolve/dns_answer.h"

#include <stdlib.h>
#include <string.h>

enum {
	ALIASES_MAX = 8,
	SEARCH_BUDGET_MS = 60000, /* all look-ups of one domain, however many servers are silent */
};

enum finding {
	UNKNOWN, /* nobody answered */
	BROKEN,	 /* an answer that makes a CA refuse */
	NOTHING, /* no records: the search goes on above */
	PERMITS,
	FORBIDS,
	FINDINGS,
};

struct search {
	struct dns_view *view;
	const struct settings *settings;
	struct authority *own; /* the servers of the domain's zone; NULL: could not be found */
	struct caa_identities ca;
	bool is_ca_asked;
	struct error *doubt; /* filled when the CA does not say its names */
	struct caa_applicant applicant;
	/* Judges the records of one name. */
	bool (*are_good)(struct search *search, const struct caa_set *set, struct error *why);
	deadline limit;
};

static enum finding look_up(struct search *search, const char *name, int hops, struct error *why);

/* ---- judging */

/* Asked for only when there are records to judge, which most domains do not have. */
static bool is_ca_known(struct search *search)
{
	struct error err = ERROR_INIT;

	if (!search->is_ca_asked &&
	    acme_caa_identities(search->settings->acme_server, search->settings->acme_ca_bundle,
				&search->ca, &err) != 0) {
		*search->doubt = err;
		error_wrap(search->doubt, "CAA records are not judged");
		search->ca.count = 0;
	}
	search->is_ca_asked = true;
	return search->ca.count > 0;
}

static bool let_us_order(struct search *search, const struct caa_set *set, struct error *why)
{
	return !is_ca_known(search) || caa_set_permits(set, &search->applicant, why);
}

static bool let_nobody_else_order(struct search *search, const struct caa_set *set,
				  struct error *why)
{
	return caa_set_binds(set, search->applicant.account_uri, search->applicant.is_wildcard,
			     why);
}

static enum finding judge(struct search *search, const struct caa_set *set, const char *at,
			  struct error *why)
{
	if (set->count == 0)
		return NOTHING;
	if (search->are_good(search, set, why))
		return PERMITS;
	error_wrap(why, "at %s", at);
	return FORBIDS;
}

/* The records at the end of the CNAMEs in an answer; `name` moves there. */
static int collect(const ldns_pkt *answer, domain_name name, struct caa_set *set, struct error *err)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);

	for (int hop = 0; hop < ALIASES_MAX; hop++)
		if (dns_answer_alias(answer, name, name) != 0)
			break;
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		struct caa caa;
		if (!dns_record_is(record, name, LDNS_RR_TYPE_CAA))
			continue;
		caa_from_rr_loosely(record, &caa);
		if (caa_set_add(set, &caa, err) != 0)
			return -1;
	}
	return 0;
}

/* Judges an answer about `name`.  The end of an alias is looked up separately if the answer does
 * not have it. */
static enum finding read_answer(struct search *search, const ldns_pkt *answer, const char *name,
				int hops, struct error *why)
{
	struct caa_set set = {0};
	domain_name end;
	enum finding finding = UNKNOWN;

	if (dns_name_normal(name, end) != 0 || collect(answer, end, &set, why) != 0)
		finding = UNKNOWN;
	else if (set.count == 0 && strcmp(end, name) != 0)
		finding = look_up(search, end, hops + 1, why);
	else
		finding = judge(search, &set, end, why);
	caa_set_free(&set);
	return finding;
}

/* ---- asking */

static enum finding ask_server(struct search *search, const struct authority *authority, size_t i,
			       const char *name, int hops, struct error *why)
{
	const struct authority_server *server = &authority->servers[i];
	AUTO_PKT ldns_pkt *answer = NULL;

	if (deadline_left(search->limit) == 0 ||
	    authority_query(authority, i, name, LDNS_RR_TYPE_CAA, &answer, why) != 0)
		return UNKNOWN;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
		error_set(why, EXIT_FAILED, "%s (%s) answers %s when it is asked for CAA records",
			  server->name, server->at.text, dns_rcode_text(answer));
		return BROKEN;
	}
	/* A server that refers to a zone below, or does not hold the zone, says nothing about
	 * the name. */
	return authority_speaks(authority, answer) ? read_answer(search, answer, name, hops, why)
						   : UNKNOWN;
}

/*
 * Asks all servers.  One server that forbids issuance is enough, since the CA may ask that one.
 * Errors count only where no server has an answer, since the CA's resolver goes on to the next
 * server.
 */
static enum finding ask_servers(struct search *search, const struct authority *authority,
				const char *name, int hops, struct error *why)
{
	bool seen[FINDINGS] = {false};

	for (size_t i = 0; i < authority->count; i++) {
		struct error own = ERROR_INIT;
		enum finding finding = ask_server(search, authority, i, name, hops, &own);
		if (finding == FORBIDS || (finding == BROKEN && !seen[FORBIDS]))
			*why = own;
		seen[finding] = true;
	}
	if (seen[FORBIDS])
		return FORBIDS;
	if (seen[NOTHING])
		return NOTHING;
	return seen[PERMITS] ? PERMITS : seen[BROKEN] ? BROKEN : UNKNOWN;
}

static enum finding ask_resolvers(struct search *search, const char *name, int hops,
				  struct error *why)
{
	AUTO_PKT ldns_pkt *answer = NULL;

	if (resolver_ask(&search->view->resolver, name, LDNS_RR_TYPE_CAA, &answer, why) != 0)
		return why->code == EXIT_FAILED ? BROKEN : UNKNOWN;
	return read_answer(search, answer, name, hops, why);
}

/* The servers of whatever zone `name` lies in. */
static enum finding ask_elsewhere(struct search *search, const char *name, int hops,
				  struct error *why)
{
	AUTO_FREE struct authority *elsewhere = malloc(sizeof(*elsewhere));
	domain_name alias;

	if (elsewhere == NULL) {
		error_no_memory(why);
		return UNKNOWN;
	}
	if (authority_find(search->view, name, elsewhere, alias, why) != 0)
		return UNKNOWN;
	return ask_servers(search, elsewhere, name, hops, why);
}

static enum finding look_up(struct search *search, const char *name, int hops, struct error *why)
{
	enum finding finding = UNKNOWN;
	struct error second = ERROR_INIT;

	if (hops > ALIASES_MAX) {
		error_set(why, EXIT_FAILED, "more than %d CNAMEs one after the other", ALIASES_MAX);
		return BROKEN;
	}
	if (search->own != NULL && dns_name_within(name, search->own->zone))
		finding = ask_servers(search, search->own, name, hops, why);
	if (finding != UNKNOWN || deadline_left(search->limit) == 0)
		return finding;
	finding = ask_resolvers(search, name, hops, why);
	if (finding != FORBIDS && finding != UNKNOWN)
		return finding;
	enum finding confirmed = ask_elsewhere(search, name, hops, &second);
	if (confirmed == UNKNOWN)
		return finding;
	*why = second;
	return confirmed;
}

/* ---- climbing */

/* The first name upwards of which something is found, into `at`; NOTHING: there is none. */
static enum finding climb(struct search *search, const char *domain, const char **at,
			  struct error *why)
{
	for (*at = domain_base(domain); **at != '\0';) {
		*why = (struct error)ERROR_INIT;
		enum finding finding = look_up(search, *at, 0, why);
		if (finding != NOTHING)
			return finding;
		const char *dot = strchr(*at, '.');
		*at = dot == NULL ? "" : dot + 1;
	}
	return NOTHING;
}

static enum finding search_from(struct search *search, const char *domain, long budget_ms,
				const char **at, struct error *why)
{
	AUTO_FREE struct authority *own = malloc(sizeof(*own));
	struct error doubt = ERROR_INIT;
	domain_name alias;

	if (own == NULL) {
		error_no_memory(why);
		return UNKNOWN;
	}
	search->own = own;
	search->limit = deadline_in(budget_ms);
	resolver_allow(&search->view->resolver, budget_ms);
	if (authority_find(search->view, domain_base(domain), own, alias, &doubt) != 0) {
		log_debug("%s", doubt.text);
		search->own = NULL;
	}
	enum finding finding = climb(search, domain, at, why);
	search->own = NULL;
	return finding;
}

int caa_search(struct dns_view *view, const struct settings *settings, const char *domain,
	       const char *account_uri, struct error *doubt, struct error *err)
{
	struct search search = {
	    .view = view,
	    .settings = settings,
	    .doubt = doubt,
	    .applicant = {NULL, account_uri, domain_is_wildcard(domain)},
	    .are_good = let_us_order,
	};
	struct error why = ERROR_INIT;
	const char *at = "";

	search.applicant.ca = &search.ca;
	switch (search_from(&search, domain, SEARCH_BUDGET_MS, &at, &why)) {
	case FORBIDS:
		*err = why;
		return error_wrap(err, "the CA would refuse %s by its CAA records", domain);
	case BROKEN:
		*err = why;
		return error_wrap(err,
				  "the CA would refuse %s because it cannot look up the CAA "
				  "records of %s",
				  domain, at);
	case UNKNOWN:
		/* Records above do not count if there are some here. */
		*doubt = why;
		error_wrap(doubt, "the CAA records of %s cannot be seen from here", at);
		return 0;
	default:
		return 0;
	}
}

enum caa_binding caa_search_binding(struct dns_view *view, const char *domain,
				    const char *account_uri, long budget_ms, const char **at,
				    struct error *why)
{
	struct search search = {
	    .view = view,
	    .applicant = {NULL, account_uri, domain_is_wildcard(domain)},
	    .are_good = let_nobody_else_order,
	};

	switch (search_from(&search, domain, budget_ms, at, why)) {
	case PERMITS:
		return CAA_BOUND;
	case FORBIDS:
		return CAA_OPEN;
	case NOTHING:
		return CAA_ABSENT;
	default:
		return CAA_UNKNOWN;
	}
}
