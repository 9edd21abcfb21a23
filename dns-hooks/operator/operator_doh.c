#include "dns-hooks/operator/operator_doh.h"

#include "dns-hooks/resolve/doh.h"

#include <string.h>

/* What is asked for an answer that tells of a record of that type; 0: nothing more. */
static const ldns_rr_type questions[][2] = {
    [RECORD_A] = {LDNS_RR_TYPE_A},
    [RECORD_AAAA] = {LDNS_RR_TYPE_AAAA},
    [RECORD_CNAME] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA},
    [RECORD_TXT] = {LDNS_RR_TYPE_TXT},
    [RECORD_CAA] = {LDNS_RR_TYPE_CAA},
};

/* A resolver gives the whole chain of CNAMEs with each answer. */
static int look(const struct doh_server *server, const char *name, ldns_rr_type type,
		struct operator_sight *sight, struct error *err)
{
	AUTO_PKT ldns_pkt *answer = NULL;
	const char *at = name;
	domain_name next;

	if (doh_query(server, name, type, &answer, err) != 0)
		return -1;
	sight->hops = 0;
	while (dns_answer_alias(answer, at, next) == 0) {
		if (sight->hops == OPERATOR_HOPS_MAX)
			return error_set(err, EXIT_FAILED, "%s leads through more than %d CNAMEs",
					 name, OPERATOR_HOPS_MAX);
		memcpy(sight->chain[sight->hops], next, sizeof(next));
		at = sight->chain[sight->hops++];
	}
	return type == LDNS_RR_TYPE_CNAME
		   ? 0
		   : dns_answer_records(answer, at, type, &sight->records, err);
}

static int look_all(const struct doh_server *server, const char *name, enum record_type type,
		    struct operator_sight *sight, struct error *err)
{
	for (size_t i = 0; i < 2 && questions[type][i] != 0; i++)
		if (look(server, name, questions[type][i], sight, err) != 0)
			return -1;
	return 0;
}

static enum operator_verdict ask(const struct doh_server *server,
				 const struct operator_record *record, struct error *why)
{
	struct operator_sight sight = {0}, target = {0};
	const char *name = record->wanted.name;
	enum operator_verdict verdict = OPERATOR_UNKNOWN;
	int seen = operator_is_exact_cname(record)
		       ? look(server, name, LDNS_RR_TYPE_CNAME, &sight, why)
		       : look_all(server, name, record->wanted.type, &sight, why);

	if (seen == 0 && record->wanted.type == RECORD_CNAME && !record->exact)
		seen = look_all(server, record->wanted.value, RECORD_CNAME, &target, why);
	if (seen == 0)
		verdict = operator_judge(record, &sight, &target.records, why);
	record_list_free(&sight.records);
	record_list_free(&target.records);
	return verdict;
}

enum operator_verdict operator_doh_check(const struct dns_view *view,
					 const struct operator_record *record, struct error *why)
{
	enum operator_verdict verdict = OPERATOR_UNKNOWN;

	for (size_t i = 0; i < view->doh_count; i++) {
		const struct doh_server server = {view->doh_urls[i], view->doh_ca_bundle};
		struct error own = ERROR_INIT;
		switch (ask(&server, record, &own)) {
		case OPERATOR_NEVER:
		case OPERATOR_UNMET:
			*why = own;
			error_wrap(why, "%s", server.url);
			return OPERATOR_UNMET;
		case OPERATOR_MET:
			verdict = OPERATOR_MET;
			break;
		case OPERATOR_UNKNOWN:
			*why = own;
			break;
		}
	}
	return verdict;
}
