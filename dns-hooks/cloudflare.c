#include "dns-hooks/cloudflare.h"

#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "dns-hooks/cloudflare_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_SIZE = 100,
	ZONE_PAGE_SIZE = 50,
	ZONES_REMEMBERED_MAX = 4096,
};

/* What the account has under a name: a zone, or nothing (id ""). */
struct known_zone {
	domain_name name;
	char id[ZONE_ID_MAX];
};

struct cloudflare {
	struct cloudflare_api *api;
	struct known_zone *known; /* the names of a run share suffixes */
	size_t known_count;
};

static void cloudflare_close(void *opaque)
{
	struct cloudflare *state = opaque;

	cloudflare_api_free(state->api);
	free(state->known);
	free(state);
}

static void *cloudflare_open(const struct settings *settings, struct error *err)
{
	struct cloudflare *state = calloc(1, sizeof(*state));

	(void)settings;
	if (state == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->api = cloudflare_api_new(err);
	if (state->api != NULL)
		return state;
	cloudflare_close(state);
	return NULL;
}

/* ---- zones */

struct zone_search {
	const char *name;
	struct zone *zone;
	size_t found;
	char accounts[200];
};

static int take_zone(const cJSON *item, void *user, struct error *err)
{
	struct zone_search *search = user;
	const char *id = json_string(item, "id"), *name = json_string(item, "name");
	const char *status = json_string(item, "status");
	const char *account = json_string(json_object(item, "account"), "name");
	size_t used = strlen(search->accounts);

	if (id == NULL || *id == '\0' || name == NULL || strlen(id) >= ZONE_ID_MAX)
		return error_set(err, EXIT_UNREACHABLE,
				 "Cloudflare: a zone in the listing lacks id or name");
	if (strcasecmp(name, search->name) != 0)
		return 0;
	search->found++;
	snprintf(search->accounts + used, sizeof(search->accounts) - used, "%s%s",
		 used == 0 ? "" : ", ", account == NULL ? "?" : account);
	snprintf(search->zone->id, sizeof(search->zone->id), "%s", id);
	if (status != NULL && strcmp(status, "active") != 0)
		log_warn("Cloudflare: the zone %s is %s, not active: the world does not see its "
			 "records until its registrar names Cloudflare's servers",
			 search->name, status);
	return 0;
}

static int ask_for_zone(const struct cloudflare *state, const char *name, struct zone *zone,
			struct error *err)
{
	struct zone_search search = {.name = name, .zone = zone};
	AUTO_FREE char *escaped = http_escape(name);
	char filter[CLOUDFLARE_URL_MAX];

	if (escaped == NULL)
		return error_no_memory(err);
	snprintf(filter, sizeof(filter), "name=%s", escaped);
	if (cloudflare_list_all(state->api, "/zones", filter, ZONE_PAGE_SIZE, take_zone, &search,
				err) != 0)
		return -1;
	if (search.found > 1)
		return error_set(err, EXIT_BAD_CONFIG,
				 "Cloudflare: the token reaches the zone %s in several accounts "
				 "(%s), and only one of them is what the world sees; use a token "
				 "that is limited to that one",
				 name, search.accounts);
	return search.found == 1 ? 1 : 0;
}

static void remember(struct cloudflare *state, const char *name, const char *id)
{
	struct known_zone *known = NULL;

	if (state->known_count < ZONES_REMEMBERED_MAX)
		known = reallocarray(state->known, state->known_count + 1, sizeof(*known));
	if (known == NULL)
		return; /* it will be asked again */
	state->known = known;
	known += state->known_count++;
	snprintf(known->name, sizeof(known->name), "%s", name);
	snprintf(known->id, sizeof(known->id), "%s", id);
}

/* Whether the account has a zone of exactly that name. */
static int zone_named(struct cloudflare *state, const char *name, struct zone *zone,
		      struct error *err)
{
	for (size_t i = 0; i < state->known_count; i++)
		if (strcmp(state->known[i].name, name) == 0) {
			memcpy(zone->id, state->known[i].id, sizeof(zone->id));
			return *zone->id != '\0';
		}
	int found = ask_for_zone(state, name, zone, err);
	if (found >= 0)
		remember(state, name, zone->id);
	return found;
}

static int cloudflare_find_zone(void *opaque, const char *name, struct zone *zone,
				struct error *err)
{
	const char *at = domain_base(name);
	int found = 0;

	*zone = (struct zone){0};
	/* A single label is a registry's. */
	for (; found == 0 && strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
		found = zone_named(opaque, at, zone, err);
		if (found == 1 && record_name(at, zone->name) != 0)
			return 0;
	}
	return found;
}

/* ---- records */

struct record_search {
	const char *name;
	struct record_list *records;
};

static int take_record(const cJSON *item, void *user, struct error *err)
{
	struct record_search *search = user;
	struct record record;

	if (cloudflare_record(item, &record, err) != 0) {
		record_free(&record);
		return -1;
	}
	if (strcmp(record.name, search->name) == 0)
		return record_list_add(search->records, &record, err);
	record_free(&record);
	return 0;
}

static int records_path(const struct zone *zone, const char *id, char path[CLOUDFLARE_URL_MAX],
			struct error *err)
{
	AUTO_FREE char *zone_id = http_escape(zone->id);
	AUTO_FREE char *record_id = http_escape(id);

	if (zone_id == NULL || record_id == NULL)
		return error_no_memory(err);
	snprintf(path, CLOUDFLARE_URL_MAX, "/zones/%s/dns_records%s%s", zone_id,
		 *id == '\0' ? "" : "/", record_id);
	return 0;
}

static int cloudflare_list(void *opaque, const struct zone *zone, const char *name,
			   struct record_list *records, struct error *err)
{
	const struct cloudflare *state = opaque;
	struct record_search search = {.name = name, .records = records};
	AUTO_FREE char *escaped = http_escape(name);
	char path[CLOUDFLARE_URL_MAX], filter[CLOUDFLARE_URL_MAX];

	if (escaped == NULL)
		return error_no_memory(err);
	if (records_path(zone, "", path, err) != 0)
		return -1;
	snprintf(filter, sizeof(filter), "name.exact=%s", escaped);
	return cloudflare_list_all(state->api, path, filter, PAGE_SIZE, take_record, &search, err);
}

/* -1 with the API's code, if it gave one. */
static int write_record(const struct cloudflare *state, const char *method, const char *path,
			const cJSON *body, long long *code, struct error *err)
{
	struct cloudflare_answer answer;
	int result = cloudflare_call(state->api, method, path, "", body, &answer, err);

	*code = answer.code;
	cloudflare_answer_free(&answer);
	return result;
}

static int create(const struct cloudflare *state, const struct zone *zone,
		  const struct record *record, struct error *err)
{
	AUTO_JSON cJSON *body = cloudflare_body(record, true, err);
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	if (body == NULL || records_path(zone, "", path, err) != 0)
		return -1;
	int result = write_record(state, "POST", path, body, &code, err);
	return code == CLOUDFLARE_EXISTS || code == CLOUDFLARE_IDENTICAL ? 0 : result;
}

static int delete (const struct cloudflare *state, const struct zone *zone,
		   const struct record *record, struct error *err)
{
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	if (records_path(zone, record->id, path, err) != 0)
		return -1;
	int result = write_record(state, "DELETE", path, NULL, &code, err);
	return code == CLOUDFLARE_GONE ? 0 : result;
}

static int update(const struct cloudflare *state, const struct zone *zone,
		  const struct record *before, const struct record *after, struct error *err)
{
	AUTO_JSON cJSON *body = cloudflare_body(after, false, err);
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	if (body == NULL || records_path(zone, before->id, path, err) != 0)
		return -1;
	int result = write_record(state, "PATCH", path, body, &code, err);
	return code == CLOUDFLARE_GONE ? PROVIDER_CHANGED_MEANWHILE : result;
}

/* The type of a record is fixed, and a CNAME cannot be made beside the address it replaces:
 * there is a moment without either.  When the new one is refused, the old one comes back. */
static int replace(const struct cloudflare *state, const struct zone *zone,
		   const struct record *before, const struct record *after, struct error *err)
{
	struct error second = ERROR_INIT;

	if (delete (state, zone, before, err) != 0)
		return -1;
	if (create(state, zone, after, err) == 0)
		return 0;
	if (create(state, zone, before, &second) != 0)
		error_wrap(err, "the record %s %s of %s is deleted, and could not be restored (%s)",
			   record_type_text(before), before->value, before->name, second.text);
	return -1;
}

static int cloudflare_change(void *opaque, const struct zone *zone, const char *name,
			     const struct record_list *present, const struct change_list *changes,
			     struct error *err)
{
	(void)name;
	(void)present;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const struct record *before = &change->before, *after = &change->after;
		int result = -1;
		if (change->kind == CHANGE_ADD)
			result = create(opaque, zone, after, err);
		else if (change->kind == CHANGE_REMOVE)
			result = delete (opaque, zone, before, err);
		else if (before->type == after->type)
			result = update(opaque, zone, before, after, err);
		else
			result = replace(opaque, zone, before, after, err);
		if (result != 0)
			return result;
	}
	return 0;
}

const struct provider_class cloudflare_class = {
    .name = "cloudflare",
    .challenge_ttl = 60,
    .record_ttl = 300,
    .propagation_timeout = 120,
    .cname_beside_others = true,
    .caa_separator = "; ",
    .open = cloudflare_open,
    .close = cloudflare_close,
    .find_zone = cloudflare_find_zone,
    .list = cloudflare_list,
    .change = cloudflare_change,
};
