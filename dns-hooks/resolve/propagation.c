#include "dns-hooks/resolve/propagation.h"

#include "common/buffer.h"
#include "common/log.h"
#include "dns-hooks/resolve/dns_answer.h"

#include <stdio.h>
#include <string.h>

enum {
	FIRST_PAUSE_MS = 250,
	LONGEST_PAUSE_MS = 3000,
	PROGRESS_MS = 5000,
	/* How often in a row an address keeps silent before it is passed over. */
	SILENCES_MAX = 3,
	ROLL_CALLS = 2,
	ROLL_CALL_MS = 45000,
	LIST_MAX = 700, /* bytes of a message that name servers */
};

enum sight {
	NOT_ASKED,
	SEEN,
	MISSING, /* it answers, without the value */
	REFUSES, /* it answers with an error, or not for this zone */
	SILENT,
};

static const char *const sight_text[] = {"not asked", "has it", "does not have it yet",
					 "refuses to answer for the zone", "does not answer"};

struct watch {
	const struct authority *authority;
	const char *name, *value;
	enum sight sights[AUTHORITY_SERVERS_MAX];
	int silences[AUTHORITY_SERVERS_MAX];
	int patience;	   /* silences before an address is passed over */
	bool is_roll_call; /* any answer will do */
	deadline next_report;
};

static enum sight judge(const ldns_pkt *answer, const char *name, const char *value)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

	if ((rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) || !ldns_pkt_aa(answer))
		return REFUSES;
	return dns_answer_has_text(answer, name, value) ? SEEN : MISSING;
}

static void look(struct watch *watch, size_t i)
{
	const struct authority_server *server = &watch->authority->servers[i];
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error err = ERROR_INIT;

	if (dns_query(&server->at, watch->name, LDNS_RR_TYPE_TXT, false, &answer, &err) != 0) {
		log_debug("%s: %s", server->name, err.text);
		watch->sights[i] = SILENT;
		watch->silences[i]++;
		return;
	}
	watch->silences[i] = 0;
	watch->sights[i] = judge(answer, watch->name, watch->value);
}

static bool is_fine(const struct watch *watch, size_t i)
{
	return watch->sights[i] == SEEN || (watch->is_roll_call && watch->sights[i] == MISSING);
}

/* Whether another address of the same server is fine. */
static bool is_fine_elsewhere(const struct watch *watch, size_t i)
{
	const struct authority *authority = watch->authority;

	for (size_t other = 0; other < authority->count; other++)
		if (is_fine(watch, other) &&
		    strcmp(authority->servers[other].name, authority->servers[i].name) == 0)
			return true;
	return false;
}

/* An extra server counts only for what it answers. */
static bool is_passed_over(const struct watch *watch, size_t i)
{
	bool is_extra = watch->authority->servers[i].is_extra;

	if (watch->sights[i] == REFUSES)
		return is_extra;
	return watch->sights[i] == SILENT && watch->silences[i] >= watch->patience &&
	       (is_extra || is_fine_elsewhere(watch, i));
}

static size_t count_lacking(const struct watch *watch)
{
	size_t lacking = 0;

	for (size_t i = 0; i < watch->authority->count; i++)
		lacking += !is_fine(watch, i) && !is_passed_over(watch, i);
	return lacking;
}

static void name_lacking(const struct watch *watch, char text[LIST_MAX])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < watch->authority->count; i++) {
		const struct authority_server *server = &watch->authority->servers[i];
		if (is_fine(watch, i) || is_passed_over(watch, i))
			continue;
		int length =
		    snprintf(text + used, LIST_MAX - used, "%s%s (%s) %s", used == 0 ? "" : ", ",
			     server->name, server->at.text, sight_text[watch->sights[i]]);
		if (length < 0 || used + (size_t)length >= LIST_MAX) {
			memcpy(text + LIST_MAX - 4, "...", 4);
			return;
		}
		used += (size_t)length;
	}
}

static void report_progress(const struct watch *watch, deadline limit)
{
	char lacking[LIST_MAX];

	name_lacking(watch, lacking);
	log_info("%s: waiting for %zu of %zu servers, %ld s at most: %s", watch->name,
		 count_lacking(watch), watch->authority->count, deadline_left(limit) / 1000,
		 lacking);
}

static void report_passed_over(const struct watch *watch)
{
	for (size_t i = 0; i < watch->authority->count; i++) {
		const struct authority_server *server = &watch->authority->servers[i];
		if (is_passed_over(watch, i))
			log_warn("%s does not answer at %s; %s", server->name, server->at.text,
				 server->is_extra ? "it is not waited for"
						  : "its other address has the value");
	}
}

/* Asks every server that still lacks the value, which takes a while if many are silent. */
static void look_at_all(struct watch *watch, deadline limit)
{
	for (size_t i = 0; i < watch->authority->count && deadline_left(limit) > 0; i++) {
		if (is_fine(watch, i) || is_passed_over(watch, i))
			continue;
		look(watch, i);
		if (deadline_left(watch->next_report) == 0 && count_lacking(watch) > 0) {
			report_progress(watch, limit);
			watch->next_report = deadline_in(PROGRESS_MS);
		}
	}
}

/*
 * When there is no time left: whether those that lack the value have kept silent all the while, and
 * another server of the zone has it.  A resolver that meets a silent server asks the next one, and
 * one server that is dead must not let a certificate end.
 */
static bool only_silence_is_left(const struct watch *watch)
{
	bool has_witness = false;

	for (size_t i = 0; i < watch->authority->count; i++) {
		if (is_passed_over(watch, i))
			continue;
		if (is_fine(watch, i))
			has_witness |= !watch->authority->servers[i].is_extra;
		else if (watch->sights[i] != SILENT || watch->silences[i] < SILENCES_MAX)
			return false;
	}
	return has_witness;
}

int propagation_wait(const struct authority *authority, const char *name, const char *value,
		     deadline limit, struct error *err)
{
	struct watch watch = {.authority = authority,
			      .name = name,
			      .value = value,
			      .patience = SILENCES_MAX,
			      .next_report = deadline_in(PROGRESS_MS)};
	char lacking[LIST_MAX];
	long pause = FIRST_PAUSE_MS;

	for (;;) {
		look_at_all(&watch, limit);
		if (count_lacking(&watch) == 0) {
			report_passed_over(&watch);
			return 0;
		}
		if (deadline_left(limit) == 0)
			break;
		deadline_sleep(pause, limit);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	name_lacking(&watch, lacking);
	if (only_silence_is_left(&watch)) {
		log_warn("%s: all servers that answer have the value; going on without %s", name,
			 lacking);
		return 0;
	}
	return error_set(
	    err, EXIT_TRY_LATER,
	    "the value at %s is not served everywhere in time (PROPAGATION_TIMEOUT): %s", name,
	    lacking);
}

int propagation_ready(const struct authority *authority, const char *name, struct error *err)
{
	struct watch watch = {.authority = authority,
			      .name = name,
			      .value = "",
			      .patience = ROLL_CALLS,
			      .is_roll_call = true,
			      .next_report = deadline_in(PROGRESS_MS)};
	deadline limit = deadline_in(ROLL_CALL_MS);
	char lacking[LIST_MAX];

	for (int i = 0; i < ROLL_CALLS && (i == 0 || count_lacking(&watch) > 0); i++)
		look_at_all(&watch, limit);
	if (count_lacking(&watch) == 0)
		return 0;
	name_lacking(&watch, lacking);
	return error_set(
	    err, EXIT_TRY_LATER,
	    "not every name server of %s answers for it, and a CA may ask any of them: "
	    "%s; set them right, or take them out of the NS records",
	    authority->zone, lacking);
}
