#include "dns-hooks/providers/namecheap.h"

#include "common/log.h"
#include "dns-hooks/providers/namecheap_account.h"
#include "dns-hooks/providers/namecheap_outcome.h"

#include <stdlib.h>
#include <string.h>

enum {
	FRESH_MS = 20000,
	READS_MAX = 3, /* until a write shows */
	READ_PAUSE_MS = 1000,
};

struct namecheap {
	struct namecheap_account *account;
	/* As it was last read: what changes are worked out from.  Name "": none. */
	struct namecheap_zone last;
	deadline fresh_until;
	bool is_warned; /* that the zone cannot be written */
};

static void namecheap_close(void *opaque)
{
	struct namecheap *state = opaque;

	namecheap_account_free(state->account);
	namecheap_zone_free(&state->last);
	free(state);
}

static void *namecheap_open(const struct settings *settings, struct error *err)
{
	struct namecheap *state = calloc(1, sizeof(*state));

	(void)settings;
	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->account = namecheap_account_new(err);
	if (state->account != NULL)
		return state;
	namecheap_close(state);
	return NULL;
}

static int namecheap_find_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	struct namecheap *state = opaque;

	*zone = (struct zone){0};
	namecheap_api_begin(namecheap_account_api(state->account));
	return namecheap_find_domain(state->account, domain_base(name), zone->name, err);
}

/* ---- reading */

static size_t hosts_before(const struct namecheap *state, const char *zone_name)
{
	return strcmp(state->last.name, zone_name) == 0 ? state->last.count : 0;
}

/* Takes over what `zone` owns. */
static void keep(struct namecheap *state, struct namecheap_zone *zone)
{
	namecheap_zone_free(&state->last);
	state->last = *zone;
	state->fresh_until = deadline_in(FRESH_MS);
	*zone = (struct namecheap_zone){0};
}

/* The calls of a minute are counted: what was read a moment ago, to see a change that was made,
 * need not be read again to work out the next one.  change() reads before it writes. */
static int read_unless_fresh(struct namecheap *state, const char *zone_name, struct error *err)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone = {0};

	if (strcmp(state->last.name, zone_name) == 0 && deadline_left(state->fresh_until) > 0)
		return 0;
	if (namecheap_fetch_zone(state->account, zone_name, hosts_before(state, zone_name), &zone,
				 err) != 0)
		return -1;
	keep(state, &zone);
	return 0;
}

static int namecheap_list(void *opaque, const struct zone *zone, const char *name,
			  struct record_list *records, struct error *err)
{
	struct namecheap *state = opaque;
	struct error obstacle = ERROR_INIT;

	namecheap_api_begin(namecheap_account_api(state->account));
	if (read_unless_fresh(state, zone->name, err) != 0)
		return -1;
	if (!state->is_warned && namecheap_zone_check(&state->last, &obstacle) != 0) {
		log_warn("records can be read, but not changed: %s", obstacle.text);
		state->is_warned = true;
	}
	return namecheap_zone_records(&state->last, name, records, err);
}

/* ---- writing */

/* One write and what it is about. */
struct writing {
	struct namecheap *state;
	const char *name; /* where the change is */
	struct namecheap_zone before, sent;
};

static int send_zone(const struct writing *writing, struct namecheap_answer *answer,
		     struct error *err)
{
	const struct namecheap_zone *zone = &writing->sent;
	struct buffer form;

	*answer = (struct namecheap_answer){0};
	buffer_init(&form, NAMECHEAP_FORM_MAX);
	/* Whatever the write ends in, the zone that was read before is out of date. */
	writing->state->fresh_until = deadline_in(0);
	int result = namecheap_zone_form(zone, &form, err);
	if (result == 0)
		result = namecheap_tell(namecheap_account_api(writing->state->account),
					"domains.dns.setHosts", zone->name, buffer_text(&form),
					answer, err);
	if (result == 0)
		result = namecheap_read_written(answer, zone->name, err);
	buffer_free(&form);
	return result;
}

/* Reads the zone, which state->last becomes.  `is_expected`: a change has to show, which may take
 * a moment. */
static int look(struct writing *writing, bool is_expected, enum namecheap_outcome *outcome,
		struct error *err)
{
	struct namecheap *state = writing->state;
	const char *zone_name = writing->before.name;

	for (int reads = 0; reads < READS_MAX; reads++) {
		AUTO_NAMECHEAP_ZONE struct namecheap_zone found = {0};
		deadline soon = deadline_in(READ_PAUSE_MS);
		if (namecheap_fetch_zone(state->account, zone_name, writing->sent.count, &found,
					 err) != 0)
			return -1;
		*outcome =
		    namecheap_outcome_of(&writing->before, &writing->sent, &found, writing->name);
		if (*outcome == NAMECHEAP_DAMAGED)
			namecheap_tell_damage(&writing->sent, &found, writing->name, err);
		keep(state, &found);
		if (*outcome != NAMECHEAP_UNTOUCHED || !is_expected)
			return 0;
		deadline_sleep(READ_PAUSE_MS, soon);
	}
	return 0;
}

/* The result for the caller; err is already set for what is an error. */
static int conclude(const struct writing *writing, enum namecheap_outcome outcome,
		    struct error *err)
{
	switch (outcome) {
	case NAMECHEAP_WRITTEN:
		return 0;
	case NAMECHEAP_DAMAGED:
		return -1;
	case NAMECHEAP_OVERTAKEN:
		log_warn(
		    "Namecheap: somebody else wrote the zone %s at the same moment: the change "
		    "of %s is not in it; what they wrote stays, and the change is worked out "
		    "again",
		    writing->before.name, writing->name);
		return PROVIDER_CHANGED_MEANWHILE;
	case NAMECHEAP_UNTOUCHED:
		break;
	}
	return error_set(err, EXIT_TRY_LATER,
			 "Namecheap took the change of %s, but the zone %s reads as before",
			 writing->name, writing->before.name);
}

/*
 * Sends the zone until it is known what came of it.  A call without an answer may have been
 * carried out, so it is repeated only when the zone reads as before.
 */
static int write_zone(struct writing *writing, struct error *err)
{
	struct namecheap_api *api = namecheap_account_api(writing->state->account);

	for (unsigned attempt = 0;; attempt++) {
		struct error trouble = ERROR_INIT;
		struct namecheap_answer answer;
		enum namecheap_outcome outcome = NAMECHEAP_UNTOUCHED;
		bool is_told = send_zone(writing, &answer, &trouble) == 0;
		bool is_refused = !is_told && answer.number != 0 &&
				  (trouble.code == EXIT_FAILED || trouble.code == EXIT_BAD_CONFIG);
		/* The XML is done with; status and numbers stay. */
		namecheap_answer_free(&answer);
		if (is_refused) {
			*err = trouble;
			return -1;
		}
		/* The pause comes before the look, so that no time passes between the look and
		 * the next attempt. */
		bool may_try_again = !is_told && namecheap_pause(api, attempt, &answer, &trouble);
		if (look(writing, is_told, &outcome, err) != 0)
			return is_told
				   ? error_wrap(err, "the change of %s is written, but not seen",
						writing->name)
				   : error_wrap(err, "%s; whether it is written cannot be seen",
						trouble.text);
		if (is_told || outcome != NAMECHEAP_UNTOUCHED)
			return conclude(writing, outcome, err);
		if (!may_try_again) {
			*err = trouble;
			return -1;
		}
	}
}

/* Whether the records at `name` are those that the changes were worked out from. */
static int check_present(const struct namecheap_zone *zone, const char *name,
			 const struct record_list *present, struct error *err)
{
	AUTO_RECORDS struct record_list now = {0};

	if (namecheap_zone_records(zone, name, &now, err) != 0)
		return -1;
	for (size_t i = 0; i < present->count; i++)
		if (record_list_find(&now, &present->items[i]) == NULL)
			return PROVIDER_CHANGED_MEANWHILE;
	return now.count == present->count ? 0 : PROVIDER_CHANGED_MEANWHILE;
}

/* Reads the zone once more: only what two reads in a row agree on is written back. */
static int read_before(struct writing *writing, const char *zone_name,
		       const struct record_list *present, struct error *err)
{
	struct namecheap *state = writing->state;
	AUTO_NAMECHEAP_ZONE struct namecheap_zone now = {0};

	if (namecheap_fetch_zone(state->account, zone_name, hosts_before(state, zone_name), &now,
				 err) != 0)
		return -1;
	bool is_same =
	    strcmp(state->last.name, zone_name) == 0 && namecheap_zone_same(&state->last, &now);
	int result = check_present(&now, writing->name, present, err);
	if (result == 0 && !is_same)
		result = PROVIDER_CHANGED_MEANWHILE;
	if (result == 0)
		result = namecheap_zone_copy(&writing->before, &now, err);
	keep(state, &now);
	return result;
}

static int namecheap_change(void *opaque, const struct zone *zone, const char *name,
			    const struct record_list *present, const struct change_list *changes,
			    struct error *err)
{
	struct namecheap *state = opaque;
	struct writing writing = {.state = state, .name = name};

	namecheap_api_begin(namecheap_account_api(state->account));
	int result = read_before(&writing, zone->name, present, err);
	if (result == 0)
		result = namecheap_zone_check(&writing.before, err);
	if (result == 0)
		result = namecheap_zone_copy(&writing.sent, &writing.before, err);
	if (result == 0)
		result = namecheap_zone_edit(&writing.sent, name, changes, err);
	if (result > 0)
		result = PROVIDER_CHANGED_MEANWHILE;
	if (result == 0 && !namecheap_zone_same(&writing.before, &writing.sent))
		result = write_zone(&writing, err);
	namecheap_zone_free(&writing.before);
	namecheap_zone_free(&writing.sent);
	return result;
}

static int namecheap_check(void *opaque, const struct zone *zone, const char *name,
			   const struct change_list *changes, struct error *err)
{
	const struct namecheap *state = opaque;
	AUTO_NAMECHEAP_ZONE struct namecheap_zone edited = {0};

	if (strcmp(state->last.name, zone->name) != 0)
		return 0;
	if (namecheap_zone_check(&state->last, err) != 0 ||
	    namecheap_zone_copy(&edited, &state->last, err) != 0)
		return -1;
	return namecheap_zone_edit(&edited, name, changes, err) < 0 ? -1 : 0;
}

const struct provider_class namecheap_class = {
    .name = "namecheap",
    .challenge_ttl = NAMECHEAP_TTL_MIN,
    .record_ttl = 300,
    .propagation_timeout = 1800, /* what Namecheap promises for a new record */
    .cname_beside_others = false,
    .caa_separator = ";",
    .open = namecheap_open,
    .close = namecheap_close,
    .find_zone = namecheap_find_zone,
    .list = namecheap_list,
    .change = namecheap_change,
    .check = namecheap_check,
};
