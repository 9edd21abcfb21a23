#include "dns-hooks/providers/cloudflare.h"

#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "dns-hooks/providers/cloudflare_api.h"
#include "dns-hooks/providers/record_by_id.h"
#include "dns-hooks/providers/zone_search.h"
#include "dns-hooks/records/idn.h"
#include "dns-hooks/web/web_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_SIZE = 100,
	ZONE_PAGE_SIZE = 50,
};

struct cloudflare {
	struct cloudflare_api *api;
	struct zone_memory zones;
};

static void cloudflare_close(void *opaque)
{
	struct cloudflare *state = opaque;

	cloudflare_api_free(state->api);
	zone_memory_free(&state->zones);
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

struct zone_match {
	const char *name;
	struct zone *zone;
	size_t found, active;
	char accounts[200];
	char status[32]; /* of the one that was taken */
};

static int take_zone(const cJSON *item, void *user, struct error *err)
{
	struct zone_match *search = user;
	const char *id = json_string(item, "id"), *name = json_string(item, "name");
	const char *status = json_string(item, "status");
	const char *account = json_string(json_object(item, "account"), "name");
	size_t used = strlen(search->accounts);
	domain_name ascii;

	if (!web_id_is_usable(id) || name == NULL || strlen(id) >= ZONE_ID_MAX)
		return error_set(err, EXIT_UNREACHABLE,
				 "Cloudflare: a zone in the listing lacks a usable id or name");
	/* It is asked for as DNS has it, and may be shown in Unicode. */
	if (idn_to_ascii(name, ascii) != 0 || strcmp(ascii, search->name) != 0)
		return 0;
	search->found++;
	snprintf(search->accounts + used, sizeof(search->accounts) - used, "%s%s",
		 used == 0 ? "" : ", ", account == NULL ? "?" : account);
	bool is_active = status == NULL || strcmp(status, "active") == 0;
	search->active += is_active;
	/* One that has moved away, or is not yet there, may stay listed for years. */
	if (is_active || search->active == 0) {
		snprintf(search->zone->id, sizeof(search->zone->id), "%s", id);
		snprintf(search->status, sizeof(search->status), "%s", is_active ? "" : status);
	}
	return 0;
}

static int ask_for_zone(void *opaque, const char *name, struct zone *zone, struct error *err)
{
	const struct cloudflare *state = opaque;
	struct zone_match search = {.name = name, .zone = zone};
	AUTO_FREE char *escaped = http_escape(name);
	char filter[CLOUDFLARE_URL_MAX];

	if (escaped == NULL)
		return error_no_memory(err);
	snprintf(filter, sizeof(filter), "name=%s", escaped);
	/* A token without Zone:Read is refused for every name but those of its zones. */
	if (cloudflare_list_all(state->api, "/zones", filter, ZONE_PAGE_SIZE, take_zone, &search,
				err) != 0)
		return err->code == EXIT_BAD_CONFIG ? ZONE_NOT_TOLD : -1;
	if (search.status[0] != '\0')
		log_warn("Cloudflare: the zone %s is %s, not active: the world does not see its "
			 "records until its registrar names Cloudflare's servers",
			 name, search.status);
	if (search.found > 1 && search.active != 1)
		return error_set(err, EXIT_BAD_CONFIG,
				 "Cloudflare: the token reaches the zone %s in several accounts "
				 "(%s), and only one of them is what the world sees; use a token "
				 "that is limited to that one",
				 name, search.accounts);
	return search.found > 0 ? 1 : 0;
}

static int cloudflare_find_zone(void *opaque, const char *name, struct zone *zone,
				struct error *err)
{
	struct cloudflare *state = opaque;

	return zone_search(&state->zones, ask_for_zone, state, name, zone, err);
}

/* ---- records */

struct record_search {
	const char *name;
	struct record_list *records;
};

/* A record that an earlier page had: somebody made or removed records between two pages, and
 * another record may have been missed. */
static bool is_repeated(const struct record_list *records, const struct record *record)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->items[i].id, record->id) == 0)
			return true;
	return false;
}

static int take_record(const cJSON *item, void *user, struct error *err)
{
	struct record_search *search = user;
	struct record record;

	if (cloudflare_record(item, &record, err) != 0) {
		record_free(&record);
		return -1;
	}
	if (is_repeated(search->records, &record)) {
		error_set(err, EXIT_TRY_LATER,
			  "Cloudflare: the record %s of %s came twice: the listing is not whole",
			  record.id, search->name);
		record_free(&record);
		return -1;
	}
	if (strcmp(record.name, search->name) == 0)
		return record_list_add(search->records, &record, err);
	record_free(&record);
	return 0;
}

static void records_path(const struct zone *zone, const char *id, char path[CLOUDFLARE_URL_MAX])
{
	snprintf(path, CLOUDFLARE_URL_MAX, "/zones/%s/dns_records%s%s", zone->id,
		 *id == '\0' ? "" : "/", id);
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
	records_path(zone, "", path);
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

static int create(void *opaque, const struct zone *zone, const struct record *record,
		  struct error *err)
{
	AUTO_JSON cJSON *body = cloudflare_body(record, true, err);
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	if (body == NULL)
		return -1;
	records_path(zone, "", path);
	int result = write_record(opaque, "POST", path, body, &code, err);
	return code == CLOUDFLARE_EXISTS || code == CLOUDFLARE_IDENTICAL ? 0 : result;
}

static int delete (void *opaque, const struct zone *zone, const struct record *record,
		   struct error *err)
{
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	records_path(zone, record->id, path);
	int result = write_record(opaque, "DELETE", path, NULL, &code, err);
	return code == CLOUDFLARE_GONE ? 0 : result;
}

static int update(void *opaque, const struct zone *zone, const struct record *before,
		  const struct record *after, struct error *err)
{
	AUTO_JSON cJSON *body = cloudflare_body(after, false, err);
	char path[CLOUDFLARE_URL_MAX];
	long long code = 0;

	if (body == NULL)
		return -1;
	records_path(zone, before->id, path);
	int result = write_record(opaque, "PATCH", path, body, &code, err);
	return code == CLOUDFLARE_GONE ? PROVIDER_CHANGED_MEANWHILE : result;
}

static int cloudflare_change(void *opaque, const struct zone *zone, const char *name,
			     const struct record_list *present, const struct change_list *changes,
			     struct error *err)
{
	static const struct record_calls calls = {create, update, delete};

	(void)name;
	(void)present;
	return record_by_id_change(&calls, opaque, zone, changes, err);
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
