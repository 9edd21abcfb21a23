#include "dns-hooks/resolve/propagation.h"

#include "common/log.h"
#include "dns-hooks/resolve/caution.h"
#include "dns-hooks/resolve/dns_answer.h"
#include "dns-hooks/resolve/sightings.h"

#include <stdio.h>
#include <string.h>

enum {
	FIRST_PAUSE_MS = 250,
	LONGEST_PAUSE_MS = 3000,
	PROGRESS_MS = 5000,
	FAILURES_MAX = 3, /* in a row, before an address is given up */
	ROLL_CALLS = 2,
	ROLL_CALL_MS = 45000,
	LIST_MAX = 700, /* bytes of a message that name servers */
};

struct watch {
	struct sightings sightings;
	const char *name;
	const char *value; /* NULL: any answer will do */
	ldns_rr_type asked_for;
	deadline next_report;
};

static enum sight judge(const struct watch *watch, const ldns_pkt *answer)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

	if ((rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) ||
	    !authority_speaks(watch->sightings.authority, answer))
		return SIGHT_REFUSED;
	return watch->value == NULL || dns_answer_has_text(answer, watch->name, watch->value)
		   ? SIGHT_SEEN
		   : SIGHT_MISSING;
}

static void look(struct watch *watch, size_t i)
{
	const struct authority *authority = watch->sightings.authority;
	AUTO_PKT ldns_pkt *answer = NULL;
	struct error err = ERROR_INIT;
	enum sight sight = SIGHT_SILENT;

	if (authority_query(authority, i, watch->name, watch->asked_for, &answer, &err) == 0)
		sight = judge(watch, answer);
	else
		log_debug("%s: %s", authority->servers[i].name, err.text);
	sightings_note(&watch->sightings, i, sight);
}

/* Those that do not have it; `only_given_up`: those of them that could not be asked. */
static void name_lacking(const struct watch *watch, bool only_given_up, char text[LIST_MAX])
{
	const struct sightings *sightings = &watch->sightings;
	const struct authority *authority = sightings->authority;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < authority->count; i++) {
		const struct authority_server *server = &authority->servers[i];
		if (sightings->sights[i] == SIGHT_SEEN ||
		    sightings_is_given_up(sightings, i, only_given_up) != only_given_up)
			continue;
		int length =
		    snprintf(text + used, LIST_MAX - used, "%s%s (%s) %s", used == 0 ? "" : ", ",
			     server->name, server->at.text, sight_text(sightings->sights[i]));
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

	name_lacking(watch, false, lacking);
	if (lacking[0] == '\0')
		name_lacking(watch, true, lacking);
	log_info("%s: waiting for %zu of %zu servers, %ld s at most: %s", watch->name,
		 sightings_lacking(&watch->sightings), watch->sightings.authority->count,
		 deadline_left(limit) / 1000, lacking);
}

/* What an order goes on without. */
static void report_given_up(const struct watch *watch, struct error *note)
{
	const struct sightings *sightings = &watch->sightings;
	const struct authority *authority = sightings->authority;
	struct sightings_tally tally = sightings_count(sightings);
	char lacking[LIST_MAX];

	for (size_t i = 0; i < authority->count; i++)
		if (sightings->sights[i] != SIGHT_SEEN && sightings_is_seen_elsewhere(sightings, i))
			caution(note, "%s %s at %s; its other address %s",
				authority->servers[i].name, sight_text(sightings->sights[i]),
				authority->servers[i].at.text,
				watch->value == NULL ? "does" : "has the value");
	name_lacking(watch, true, lacking);
	if (lacking[0] == '\0')
		return;
	caution(note,
		"%s: %zu of %zu %s of %s %s; going on without %s: set them right, or take them "
		"out of the NS records",
		watch->name, tally.seen, tally.servers,
		authority->is_recursive ? "resolvers" : "name servers", authority->zone,
		watch->value == NULL ? "answer for it" : "have the value", lacking);
}

/* Asks every server that is due, which takes a while if many are silent. */
static void look_at_all(struct watch *watch, deadline limit)
{
	for (size_t i = 0; i < watch->sightings.authority->count && deadline_left(limit) > 0; i++) {
		if (!sightings_is_due(&watch->sightings, i))
			continue;
		look(watch, i);
		if (deadline_left(watch->next_report) == 0 &&
		    !sightings_suffice(&watch->sightings, false)) {
			report_progress(watch, limit);
			watch->next_report = deadline_in(PROGRESS_MS);
		}
	}
}

/* Why nothing was seen at any server that counts. */
static int nobody_answers(const struct watch *watch, struct error *err)
{
	const struct authority *authority = watch->sightings.authority;
	char lacking[LIST_MAX];

	name_lacking(watch, true, lacking);
	if (authority->is_recursive)
		return error_set(err, EXIT_TRY_LATER,
				 "no resolver tells about %s: %s; PROPAGATION_CHECK=off goes on "
				 "without asking",
				 watch->name, lacking);
	return error_set(
	    err, EXIT_TRY_LATER,
	    "no name server of %s answers for it: %s; set them right, or, if these are "
	    "not those that the world is told, set DNS_RESOLVERS, or, if they cannot be "
	    "asked from here, PROPAGATION_CHECK=resolvers (or off)",
	    authority->zone, lacking);
}

int propagation_wait(const struct authority *authority, const char *name, const char *value,
		     deadline limit, struct error *err)
{
	struct watch watch = {.sightings = {.authority = authority, .patience = FAILURES_MAX},
			      .name = name,
			      .value = value,
			      .asked_for = LDNS_RR_TYPE_TXT,
			      .next_report = deadline_in(PROGRESS_MS)};
	char lacking[LIST_MAX];
	long pause = FIRST_PAUSE_MS;

	for (;;) {
		bool is_last = deadline_left(limit) == 0;
		if (sightings_suffice(&watch.sightings, is_last)) {
			report_given_up(&watch, NULL);
			return 0;
		}
		if (is_last)
			break;
		look_at_all(&watch, limit);
		if (sightings_suffice(&watch.sightings, false))
			continue;
		deadline_sleep(pause, limit);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	if (sightings_are_failures(&watch.sightings))
		return nobody_answers(&watch, err);
	name_lacking(&watch, false, lacking);
	return error_set(err, EXIT_TRY_LATER,
			 "the value at %s is not served everywhere in time "
			 "(PROPAGATION_TIMEOUT, PROPAGATION_CHECK): %s",
			 name, lacking);
}

int propagation_ready(const struct authority *authority, const char *name, struct error *note,
		      struct error *err)
{
	/* A resolver would remember that nothing stands at the name, so it is asked for the zone.
	 */
	struct watch watch = {.sightings = {.authority = authority, .patience = ROLL_CALLS},
			      .name = authority->is_recursive ? authority->zone : name,
			      .asked_for =
				  authority->is_recursive ? LDNS_RR_TYPE_SOA : LDNS_RR_TYPE_TXT,
			      .next_report = deadline_in(PROGRESS_MS)};
	deadline limit = deadline_in(ROLL_CALL_MS);

	if (authority->unasked.text[0] != '\0')
		error_set(note, EXIT_OK, "%s", authority->unasked.text);

	for (int i = 0; i < ROLL_CALLS && (i == 0 || !sightings_suffice(&watch.sightings, false));
	     i++)
		look_at_all(&watch, limit);
	if (sightings_count(&watch.sightings).seen == 0)
		return nobody_answers(&watch, err);
	report_given_up(&watch, note);
	return 0;
}
