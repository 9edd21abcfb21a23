#include "dns-hooks/providers/route53.h"

#include "common/log.h"
#include "dns-hooks/providers/route53_api.h"
#include "dns-hooks/providers/route53_batch.h"
#include "dns-hooks/providers/route53_twins.h"
#include "dns-hooks/providers/zone_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_PAUSE_MS = 500,
	LONGEST_PAUSE_MS = 5000, /* the whole account has five calls per second */
	PROGRESS_MS = 10000,
};

struct route53 {
	const struct settings *settings;
	struct route53_api *api;
	struct zone_memory zones;
	/* What was read last, as Route 53 writes it: change() has to send exactly that back. */
	domain_name name;
	struct route53_sets sets;
	char change_id[ROUTE53_CHANGE_ID_MAX]; /* of the last change; "": none */
};

static void route53_close(void *opaque)
{
	struct route53 *state = opaque;

	route53_api_free(state->api);
	zone_memory_free(&state->zones);
	route53_sets_free(&state->sets);
	free(state);
}

static void *route53_open(const struct settings *settings, struct error *err)
{
	struct route53 *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->settings = settings;
	state->api = route53_api_new(err);
	if (state->api != NULL)
		return state;
	route53_close(state);
	return NULL;
}

/* ---- zones */

static int ask_for_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	const struct route53 *state = opaque;
	struct route53_zones zones;
	const char *id;

	if (route53_api_zones(state->api, name, &zones, err) != 0)
		return -1;
	if (zones.public_count == 0 && zones.private_count > 0)
		log_warn(
		    "Route 53: the zone %s is a private one: passed over, since the world does "
		    "not see it",
		    name);
	if (zones.public_count == 0)
		return 0;
	id = zones.public_count == 1
		 ? zones.ids[0]
		 : route53_twins_choose(state->api, state->settings, name, &zones, err);
	if (id == NULL)
		return -1;
	snprintf(zone->id, sizeof(zone->id), "%s", id);
	return 1;
}

static int route53_find_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	struct route53 *state = opaque;

	return zone_search(&state->zones, ask_for_zone, state, name, zone, err);
}

/* ---- records */

static int route53_list(void *opaque, const struct zone *zone, const char *name,
			struct record_list *records, struct error *err)
{
	struct route53 *state = opaque;

	route53_sets_free(&state->sets);
	snprintf(state->name, sizeof(state->name), "%s", name);
	if (route53_api_sets(state->api, zone->id, name, &state->sets, err) != 0 ||
	    route53_records(&state->sets, name, records, err) != 0) {
		*state->name = '\0';
		return -1;
	}
	return 0;
}

/*
 * The batch was refused, either because somebody else changed the sets or because the batch is
 * wrong.  Another read tells which; the words of the answer are prose and do not.
 */
static int look_again(const struct route53 *state, const struct zone *zone, const char *name,
		      struct error *err)
{
	AUTO_SETS struct route53_sets now = {0};
	struct error second = ERROR_INIT;

	if (route53_api_sets(state->api, zone->id, name, &now, &second) != 0) {
		/* Whether anything was written is not known: see route53_api_change(). */
		*err = second;
		return -1;
	}
	return route53_sets_same(&now, &state->sets) ? -1 : PROVIDER_CHANGED_MEANWHILE;
}

static int route53_change(void *opaque, const struct zone *zone, const char *name,
			  const struct record_list *present, const struct change_list *changes,
			  struct error *err)
{
	struct route53 *state = opaque;
	struct buffer body;
	bool refused = false;

	(void)present; /* a lossy form of state->sets */
	if (strcmp(state->name, name) != 0)
		return PROVIDER_CHANGED_MEANWHILE;
	buffer_init(&body, ROUTE53_BODY_MAX);
	int result = route53_batch(&state->sets, name, changes, &body, err);
	if (result > 0)
		result = route53_api_change(state->api, zone->id, buffer_text(&body),
					    state->change_id, &refused, err);
	buffer_free(&body);
	return refused ? look_again(state, zone, name, err) : result;
}

static int route53_check(void *opaque, const struct zone *zone, const char *name,
			 const struct change_list *changes, struct error *err)
{
	const struct route53 *state = opaque;
	struct buffer body;

	(void)zone;
	buffer_init(&body, ROUTE53_BODY_MAX);
	int result = route53_batch(&state->sets, name, changes, &body, err);
	buffer_free(&body);
	return result < 0 ? -1 : 0;
}

/* A question that failed for now is repeated: the value is written already. */
static int look_whether_in_sync(const struct route53 *state, deadline limit, bool *in_sync,
				struct error *err)
{
	if (route53_api_in_sync(state->api, state->change_id, in_sync, err) == 0)
		return 0;
	if ((err->code != EXIT_TRY_LATER && err->code != EXIT_UNREACHABLE) ||
	    deadline_left(limit) <= (long)err->retry_after * 1000)
		return -1;
	log_info("%s", err->text);
	deadline_sleep((long)err->retry_after * 1000, limit);
	*err = (struct error)ERROR_INIT;
	return 0;
}

static int route53_wait_done(void *opaque, deadline limit, struct error *err)
{
	const struct route53 *state = opaque;
	deadline next_report = deadline_in(PROGRESS_MS);
	long pause = FIRST_PAUSE_MS;
	bool in_sync = *state->change_id == '\0';

	while (!in_sync) {
		if (look_whether_in_sync(state, limit, &in_sync, err) != 0)
			return -1;
		if (!in_sync && deadline_left(limit) == 0)
			return error_set(err, EXIT_TRY_LATER,
					 "Route 53: the change %s is still PENDING, not INSYNC, "
					 "after PROPAGATION_TIMEOUT",
					 state->change_id);
		if (!in_sync && deadline_left(next_report) == 0) {
			log_info("Route 53: the change %s is PENDING; waiting %ld s more at most",
				 state->change_id, deadline_left(limit) / 1000);
			next_report = deadline_in(PROGRESS_MS);
		}
		if (!in_sync)
			deadline_sleep(pause, limit);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	return 0;
}

const struct provider_class route53_class = {
    .name = "route53",
    .challenge_ttl = 10,
    .record_ttl = 300,
    .propagation_timeout = 300,
    .cname_beside_others = false,
    .caa_separator = "; ",
    .open = route53_open,
    .close = route53_close,
    .find_zone = route53_find_zone,
    .list = route53_list,
    .change = route53_change,
    .check = route53_check,
    .wait_done = route53_wait_done,
};
