#include "dns-hooks/providers/rfc2136_update.h"

#include "dns-hooks/providers/provider.h"
#include "dns-hooks/records/record_rr.h"

#include <string.h>

/*
 * The sections of an UPDATE as ldns names them: zone = question, prerequisites = answer,
 * updates = authority.
 */
struct update {
	ldns_rr_list *prerequisites;
	ldns_rr_list *updates;
};

static int update_init(struct update *update, struct error *err)
{
	update->prerequisites = ldns_rr_list_new();
	update->updates = ldns_rr_list_new();
	return update->prerequisites == NULL || update->updates == NULL ? error_no_memory(err) : 0;
}

static void update_free(struct update *update)
{
	ldns_rr_list_deep_free(update->prerequisites);
	ldns_rr_list_deep_free(update->updates);
}

/* The list owns the record afterwards; NULL (err is set) is passed on as -1. */
static int push(ldns_rr_list *list, ldns_rr *rr, struct error *err)
{
	if (rr == NULL)
		return -1;
	if (ldns_rr_list_push_rr(list, rr))
		return 0;
	ldns_rr_free(rr);
	return error_no_memory(err);
}

static ldns_pkt *send_update(struct tsig_server *server, const char *zone,
			     const struct update *update, struct error *err)
{
	ldns_rdf *zone_name = ldns_dname_new_frm_str(zone);
	AUTO_PKT ldns_pkt *message = NULL;

	/* Takes ownership of zone_name and copies the lists. */
	if (zone_name != NULL)
		message = ldns_update_pkt_new(zone_name, LDNS_RR_CLASS_IN, update->prerequisites,
					      update->updates, NULL);
	if (message == NULL) {
		error_no_memory(err);
		return NULL;
	}
	ldns_pkt_set_rd(message, false); /* ldns sets it, which RFC 2136 section 2.2 forbids */
	ldns_pkt_set_random_id(message); /* before signing: the signature covers it */
	return tsig_exchange(server, message, err);
}

int rfc2136_name_exists(struct tsig_server *server, const char *zone, const char *name,
			struct error *err)
{
	struct update update = {0};
	int result = -1;

	/* "Name is in use", RFC 2136 section 2.4.4. */
	if (update_init(&update, err) == 0 &&
	    push(update.prerequisites,
		 record_bare_rr(name, LDNS_RR_CLASS_ANY, LDNS_RR_TYPE_ANY, err), err) == 0) {
		AUTO_PKT ldns_pkt *answer = send_update(server, zone, &update, err);
		if (answer != NULL && ldns_pkt_get_rcode(answer) == LDNS_RCODE_NOERROR)
			result = 1;
		else if (answer != NULL && ldns_pkt_get_rcode(answer) == LDNS_RCODE_NXDOMAIN)
			result = 0;
		else if (answer != NULL)
			tsig_explain_rcode(server, answer, "to update the zone", err);
	}
	update_free(&update);
	return result;
}

/* ---- prerequisites */

static bool only_removes(const struct change_list *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind != CHANGE_REMOVE)
			return false;
	return true;
}

/* "RRset exists (value dependent)", RFC 2136 section 2.4.2, or "does not exist", 2.4.3. */
static int require_set(struct update *update, const char *name, enum record_type type,
		       ldns_rr_type rr_type, const struct record_list *present, struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < present->count; i++) {
		if (present->items[i].type != type)
			continue;
		ldns_rr *rr = record_to_rr(&present->items[i], err);
		if (rr != NULL)
			ldns_rr_set_ttl(rr, 0);
		if (push(update->prerequisites, rr, err) != 0)
			return -1;
		any = true;
	}
	return any ? 0
		   : push(update->prerequisites,
			  record_bare_rr(name, LDNS_RR_CLASS_NONE, rr_type, err), err);
}

static bool adds(const struct change_list *changes, enum record_type type)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind != CHANGE_REMOVE && changes->items[i].after.type == type)
			return true;
	return false;
}

/* An added record gives its TTL to the whole set.  So where no set was read, none may have come
 * up since: it would be somebody else's, with a TTL of its own. */
static int require_new_set(struct update *update, const char *name, enum record_type type,
			   ldns_rr_type rr_type, const struct record_list *present,
			   const struct change_list *changes, struct error *err)
{
	if (!adds(changes, type) || record_list_find_type(present, type) != NULL)
		return 0;
	return push(update->prerequisites, record_bare_rr(name, LDNS_RR_CLASS_NONE, rr_type, err),
		    err);
}

/*
 * The addresses and the CNAME at the name must be as they were read.  Servers replace a CNAME
 * by a new one, and drop additions beside one, without a word (RFC 2136 section 3.4.2.2).
 * Other TXT and CAA values need no such care: they are added and deleted one by one.
 */
static int add_prerequisites(struct update *update, const char *name,
			     const struct record_list *present, const struct change_list *changes,
			     struct error *err)
{
	if (only_removes(changes))
		return 0;
	if (require_new_set(update, name, RECORD_TXT, LDNS_RR_TYPE_TXT, present, changes, err) !=
		0 ||
	    require_new_set(update, name, RECORD_CAA, LDNS_RR_TYPE_CAA, present, changes, err) != 0)
		return -1;
	if (present->count == 0) /* "name is not in use", section 2.4.5 */
		return changes->items[0].after.type != RECORD_CNAME
			   ? require_set(update, name, RECORD_CNAME, LDNS_RR_TYPE_CNAME, present,
					 err)
			   : push(update->prerequisites,
				  record_bare_rr(name, LDNS_RR_CLASS_NONE, LDNS_RR_TYPE_ANY, err),
				  err);
	if (require_set(update, name, RECORD_A, LDNS_RR_TYPE_A, present, err) != 0 ||
	    require_set(update, name, RECORD_AAAA, LDNS_RR_TYPE_AAAA, present, err) != 0)
		return -1;
	return require_set(update, name, RECORD_CNAME, LDNS_RR_TYPE_CNAME, present, err);
}

/* ---- updates */

static int push_removal(struct update *update, const struct record *record, struct error *err)
{
	ldns_rr *rr = record_to_rr(record, err);

	if (rr != NULL) { /* "delete an RR from an RRset", section 2.5.4 */
		ldns_rr_set_class(rr, LDNS_RR_CLASS_NONE);
		ldns_rr_set_ttl(rr, 0);
	}
	return push(update->updates, rr, err);
}

/* All records of a set have one TTL (RFC 2181 section 5.2): an addition with another one would
 * change that of records which are not ours. */
static unsigned ttl_of_set(const struct record *record, const struct record_list *present)
{
	const struct record *of_set = record_list_find_type(present, record->type);

	return of_set == NULL ? record->ttl : of_set->ttl;
}

static int push_addition(struct update *update, const struct record *record,
			 const struct record_list *present, struct error *err)
{
	ldns_rr *rr = record_to_rr(record, err);

	if (rr != NULL)
		ldns_rr_set_ttl(rr, ttl_of_set(record, present));
	return push(update->updates, rr, err);
}

static int add_updates(struct update *update, const struct record_list *present,
		       const struct change_list *changes, struct error *err)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		if (change->kind != CHANGE_ADD && push_removal(update, &change->before, err) != 0)
			return -1;
		if (change->kind != CHANGE_REMOVE &&
		    push_addition(update, &change->after, present, err) != 0)
			return -1;
	}
	return 0;
}

static int judge_answer(const struct tsig_server *server, const char *zone, const ldns_pkt *answer,
			struct error *err)
{
	char what[DOMAIN_MAX + 32];

	switch (ldns_pkt_get_rcode(answer)) {
	case LDNS_RCODE_NOERROR:
		return 0;
	case LDNS_RCODE_YXDOMAIN:
	case LDNS_RCODE_YXRRSET:
	case LDNS_RCODE_NXRRSET:
	case LDNS_RCODE_NXDOMAIN:
		error_set(err, EXIT_TRY_LATER,
			  "%s shows records that are not there, as a secondary does that has not "
			  "followed its primary yet",
			  server->endpoint.host);
		return PROVIDER_CHANGED_MEANWHILE;
	default:
		snprintf(what, sizeof(what), "to update the zone %s", zone);
		return tsig_explain_rcode(server, answer, what, err);
	}
}

/* ---- whether it was done */

/* "RRset exists (value independent)", section 2.4.1, of each type that was added. */
static int require_added(struct update *update, const char *name, const struct change_list *changes,
			 struct error *err)
{
	static const struct {
		enum record_type type;
		ldns_rr_type rr_type;
	} types[] = {{RECORD_A, LDNS_RR_TYPE_A},
		     {RECORD_AAAA, LDNS_RR_TYPE_AAAA},
		     {RECORD_CNAME, LDNS_RR_TYPE_CNAME},
		     {RECORD_TXT, LDNS_RR_TYPE_TXT},
		     {RECORD_CAA, LDNS_RR_TYPE_CAA}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (adds(changes, types[i].type) &&
		    push(update->prerequisites,
			 record_bare_rr(name, LDNS_RR_CLASS_ANY, types[i].rr_type, err), err) != 0)
			return -1;
	return 0;
}

/*
 * PowerDNS leaves out what its policy forbids and says yes all the same.  What stands there is
 * asked for by a prerequisite, which goes the same way as the changes: a secondary that forwards
 * them would show its own copy to a query.
 */
static int check_result(struct tsig_server *server, const char *zone, const char *name,
			const struct change_list *changes, struct error *err)
{
	struct update update = {0};
	struct error untold = ERROR_INIT;
	int result = -1;

	if (only_removes(changes))
		return 0;
	if (update_init(&update, &untold) == 0 &&
	    require_added(&update, name, changes, &untold) == 0) {
		AUTO_PKT ldns_pkt *answer = send_update(server, zone, &update, &untold);
		result = answer == NULL ? -1 : judge_answer(server, zone, answer, &untold);
	}
	update_free(&update);
	if (result <= 0) /* done, as far as can be told */
		return 0;
	return error_set(
	    err, EXIT_BAD_CONFIG,
	    "%s says yes to changes and does not make them, as PowerDNS does with what "
	    "its policy does not allow the key %s",
	    server->endpoint.host, server->key_name);
}

int rfc2136_update(struct tsig_server *server, const char *zone, const char *name,
		   const struct record_list *present, const struct change_list *changes,
		   struct error *err)
{
	struct update update = {0};
	int result = -1;

	if (update_init(&update, err) == 0 &&
	    add_prerequisites(&update, name, present, changes, err) == 0 &&
	    add_updates(&update, present, changes, err) == 0) {
		AUTO_PKT ldns_pkt *answer = send_update(server, zone, &update, err);
		if (answer != NULL)
			result = judge_answer(server, zone, answer, err);
	}
	update_free(&update);
	return result == 0 ? check_result(server, zone, name, changes, err) : result;
}
