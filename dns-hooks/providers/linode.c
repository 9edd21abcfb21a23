#include "dns-hooks/providers/linode.h"

#include "common/clock.h"
#include "common/log.h"
#include "dns-hooks/providers/linode_api.h"
#include "dns-hooks/providers/record_by_id.h"
#include "dns-hooks/providers/zone_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CREATE_ATTEMPTS = 3,
	CREATE_PAUSE_MS = 500,
};

struct linode {
	struct linode_api *api;
	struct zone_memory zones;
};

static void linode_close(void *opaque)
{
	struct linode *state = opaque;

	linode_api_free(state->api);
	zone_memory_free(&state->zones);
	free(state);
}

static void *linode_open(const struct settings *settings, struct error *err)
{
	struct linode *state = calloc(1, sizeof(*state));

	(void)settings;
	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->api = linode_api_new(err);
	if (state->api != NULL)
		return state;
	linode_close(state);
	return NULL;
}

/* ---- zones */

struct zone_match {
	const char *name;
	struct zone *zone;
	size_t found;
};

/* A name belongs to one domain at Linode, whichever account has it. */
static int take_zone(const cJSON *item, void *user, struct error *err)
{
	struct zone_match *match = user;
	const char *name = json_string(item, "domain"), *type = json_string(item, "type");
	const char *status = json_string(item, "status");

	if (name == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "Linode: a domain in the listing lacks its name");
	if (strcasecmp(name, match->name) != 0)
		return 0;
	if (match->found++ > 0)
		return error_set(err, EXIT_FAILED, "Linode: the domain %s is there twice", name);
	if (type != NULL && strcmp(type, "slave") == 0)
		return error_set(err, EXIT_FAILED,
				 "Linode: %s is only a copy there (a domain of type \"slave\"): "
				 "records have to be made at its primary",
				 name);
	if (status != NULL && strcmp(status, "active") != 0)
		log_warn("Linode: the domain %s is in status \"%s\", not \"active\": changes may "
			 "not be served",
			 name, status);
	snprintf(match->zone->id, sizeof(match->zone->id), "%lld", json_integer(item, "id", 0));
	return 0;
}

static int ask_for_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	const struct linode *state = opaque;
	struct zone_match match = {.name = name, .zone = zone};
	AUTO_JSON cJSON *filter = cJSON_CreateObject();

	if (cJSON_AddStringToObject(filter, "domain", name) == NULL)
		return error_no_memory(err);
	if (linode_list_all(state->api, "/domains", filter, take_zone, &match, err) != 0)
		return -1;
	return match.found == 1;
}

static int linode_find_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	struct linode *state = opaque;

	return zone_search(&state->zones, ask_for_zone, state, name, zone, err);
}

/* ---- reading */

static void records_path(const struct zone *zone, const char *id, char path[LINODE_PATH_MAX])
{
	snprintf(path, LINODE_PATH_MAX, "/domains/%s/records%s%s", zone->id, *id == '\0' ? "" : "/",
		 id);
}

struct record_match {
	const char *zone, *name;
	struct record_list *records;
};

static int take_record(const cJSON *item, void *user, struct error *err)
{
	struct record_match *match = user;
	struct record record;

	if (linode_record(item, match->zone, &record, err) != 0) {
		record_free(&record);
		return -1;
	}
	if (strcmp(record.name, match->name) == 0)
		return record_list_add(match->records, &record, err);
	record_free(&record);
	return 0;
}

/* The whole domain is read: a filter by name would miss those that are written another way. */
static int linode_list(void *opaque, const struct zone *zone, const char *name,
		       struct record_list *records, struct error *err)
{
	const struct linode *state = opaque;
	struct record_match match = {zone->name, name, records};
	char path[LINODE_PATH_MAX];

	records_path(zone, "", path);
	return linode_list_all(state->api, path, NULL, take_record, &match, err);
}

/* ---- writing */

/* What came of a call for one record. */
struct outcome {
	bool is_gone;		/* there is no such record */
	bool is_put_off;	/* nothing was done, for now */
	bool has_id;		/* the answer tells one */
	char id[RECORD_ID_MAX]; /* of the record that was written; "": the answer shows another */
};

/* The id is what the next call writes to.  An answer that shows another record, which may be
 * somebody else's, gives no id. */
static void read_id(const cJSON *json, const struct zone *zone, const struct record *written,
		    struct outcome *outcome)
{
	struct error ignored = ERROR_INIT;
	struct record shown = {0};

	outcome->has_id = json_integer(json, "id", 0) > 0;
	*outcome->id = '\0';
	if (outcome->has_id && linode_record(json, zone->name, &shown, &ignored) == 0 &&
	    record_same(&shown, written))
		memcpy(outcome->id, shown.id, sizeof(shown.id));
	record_free(&shown);
}

/* `record` is what is written, or NULL where nothing is. */
static int write_record(const struct linode *state, const char *method, const struct zone *zone,
			const char *id, const struct record *record, const cJSON *body,
			struct outcome *outcome, struct error *err)
{
	struct linode_answer answer;
	char path[LINODE_PATH_MAX];

	records_path(zone, id, path);
	int result = linode_call(state->api, method, path, body, &answer, err);
	outcome->is_gone = answer.gone;
	outcome->is_put_off = answer.busy || answer.status == 429;
	if (record != NULL)
		read_id(answer.json, zone, record, outcome);
	linode_answer_free(&answer);
	return result;
}

static int update(void *opaque, const struct zone *zone, const struct record *before,
		  const struct record *after, struct error *err)
{
	AUTO_JSON cJSON *body = linode_body(after, zone->name, false, err);
	struct outcome outcome;

	if (body == NULL)
		return -1;
	if (write_record(opaque, "PUT", zone, before->id, after, body, &outcome, err) == 0)
		return 0;
	return outcome.is_gone ? PROVIDER_CHANGED_MEANWHILE : -1;
}

static int delete (void *opaque, const struct zone *zone, const struct record *record,
		   struct error *err)
{
	struct outcome outcome;
	int result = write_record(opaque, "DELETE", zone, record->id, NULL, NULL, &outcome, err);

	return outcome.is_gone ? 0 : result;
}

enum presence { IS_THERE, IS_ABSENT, IS_UNKNOWN };

/* Whether the record stands there, and its id if so. */
static enum presence look_for(void *opaque, const struct zone *zone, const struct record *record,
			      char id[RECORD_ID_MAX])
{
	AUTO_RECORDS struct record_list present = {0};
	struct error ignored = ERROR_INIT;

	if (linode_list(opaque, zone, record->name, &present, &ignored) != 0)
		return IS_UNKNOWN;
	const struct record *found = record_list_find(&present, record);
	if (found == NULL)
		return IS_ABSENT;
	memcpy(id, found->id, sizeof(found->id));
	return IS_THERE;
}

static int post(void *opaque, const struct zone *zone, const struct record *record,
		const cJSON *body, struct outcome *outcome, struct error *err)
{
	if (write_record(opaque, "POST", zone, "", record, body, outcome, err) != 0)
		return -1;
	if (outcome->has_id)
		return 0;
	return error_set(err, EXIT_UNREACHABLE,
			 "Linode: the answer does not tell the id of the record that was made");
}

/*
 * A POST that is sent twice makes the record twice.  So after a lost answer, or a refusal that may
 * be about this very record, the domain is read; the record is sent again only if it is seen not to
 * be there.
 */
static int make_once(void *opaque, const struct zone *zone, const struct record *record,
		     char id[RECORD_ID_MAX], struct error *err)
{
	AUTO_JSON cJSON *body = linode_body(record, zone->name, true, err);
	struct outcome outcome;

	if (body == NULL)
		return -1;
	for (int attempt = 1;; attempt++) {
		if (post(opaque, zone, record, body, &outcome, err) == 0) {
			memcpy(id, outcome.id, sizeof(outcome.id));
			return 0;
		}
		if (err->code == EXIT_BAD_CONFIG || outcome.is_put_off)
			return -1;
		enum presence presence = look_for(opaque, zone, record, id);
		if (presence == IS_THERE)
			return 0;
		if (presence == IS_UNKNOWN || err->code == EXIT_FAILED ||
		    attempt == CREATE_ATTEMPTS)
			return -1;
		clock_sleep_ms(CREATE_PAUSE_MS);
	}
}

static int create(void *opaque, const struct zone *zone, const struct record *record,
		  struct error *err)
{
	struct error doubt = ERROR_INIT;
	struct record made = *record; /* borrows the value */

	if (make_once(opaque, zone, record, made.id, err) != 0)
		return -1;
	/* The API does not save the TTL of a record that is made.  A record with a longer TTL
	 * works as well, but stays longer in caches. */
	bool is_found = *made.id != '\0' || look_for(opaque, zone, record, made.id) == IS_THERE;
	if (!is_found)
		error_set(&doubt, EXIT_FAILED, "Linode does not show the record that was made");
	if (!is_found || update(opaque, zone, &made, &made, &doubt) != 0)
		log_warn("the TTL of the record %s at %s stays the domain's default: %s",
			 record_type_text(record), record->name, doubt.text);
	return 0;
}

static int linode_change(void *opaque, const struct zone *zone, const char *name,
			 const struct record_list *present, const struct change_list *changes,
			 struct error *err)
{
	static const struct record_calls calls = {create, update, delete};

	(void)name;
	(void)present;
	return record_by_id_change(&calls, opaque, zone, changes, err);
}

const struct provider_class linode_class = {
    .name = "linode",
    .challenge_ttl = 30,
    .record_ttl = 300,
    .propagation_timeout = 600, /* zones are handed to the name servers every so often */
    .cname_beside_others = false,
    .caa_separator = ";",
    .open = linode_open,
    .close = linode_close,
    .find_zone = linode_find_zone,
    .list = linode_list,
    .change = linode_change,
};
