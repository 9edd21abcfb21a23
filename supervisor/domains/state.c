#include "supervisor/domains/state.h"

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	STATE_FILE_MAX = 32 * 1024 * 1024, /* 10,000 domains, each with a long error */
	STATE_VERSION = 1,
	/* Ours, and those of settings of the past. */
	STATE_DOMAINS_MAX = 4 * SETTINGS_DOMAINS_MAX,
	CHAINS = 4096, /* of names with the same hash */
};

struct entry {
	STAILQ_ENTRY(entry) link;
	struct entry *next_in_chain;
	struct domain_record record;
};

struct state {
	char *folder, *path;
	char app_id[STATE_ID_MAX];
	bool was_there;
	struct bucket orders;
	STAILQ_HEAD(, entry) entries;
	struct entry *chains[CHAINS];
};

/* ---- reading */

/* A number that is no time (of this side of the year 9999) was not written by us: -1. */
static time_t read_time(const cJSON *item)
{
	static const double latest = 253402300799.0;

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= latest))
		return -1;
	return (time_t)item->valuedouble;
}

static time_t read_time_of(const cJSON *json, const char *name)
{
	time_t at = read_time(cJSON_GetObjectItemCaseSensitive(json, name));

	return at < 0 ? 0 : at;
}

static void read_budget(const cJSON *array, struct budget *budget)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array) if (read_time(item) >= 0)
	    budget_spend(budget, read_time(item));
}

static void read_domain(const cJSON *json, struct domain_record *record)
{
	const char *step = json_string(json, "step");
	const char *error = json_string(json, "error");
	const char *serial = json_string(json, "issued_serial");
	const char *told = json_string(json, "operator_told");
	long long attempt = json_integer(json, "attempt", 0);

	read_budget(json_array(json, "orders"), &record->budget);
	record->step = step == NULL ? STEP_COUNT : lifecycle_step_from_name(step);
	if (record->step == STEP_COUNT)
		record->step = STEP_SETTLED;
	record->attempt = attempt > 1000 ? 1000 : (unsigned)attempt;
	record->not_before = read_time_of(json, "not_before");
	record->certificates.full_at = read_time_of(json, "certificates_full_at");
	record->issued_at = read_time_of(json, "issued_at");
	snprintf(record->issued_serial, sizeof(record->issued_serial), "%s",
		 serial == NULL ? "" : serial);
	snprintf(record->error, sizeof(record->error), "%s", error == NULL ? "" : error);
	snprintf(record->told, sizeof(record->told), "%s", told == NULL ? "" : told);
}

static int read_all(struct state *state, const cJSON *json, struct error *err)
{
	const cJSON *domains = json_object(json, "domains"), *item;
	const char *app_id = json_string(json, "app_id");

	if (json_integer(json, "version", 0) != STATE_VERSION)
		return error_set(err, EXIT_FAILED, "%s is not of version %d", state->path,
				 STATE_VERSION);
	if (domains != NULL && cJSON_GetArraySize(domains) > STATE_DOMAINS_MAX)
		return error_set(err, EXIT_FAILED, "%s has more than %d domains", state->path,
				 STATE_DOMAINS_MAX);
	state_set_app_id(state, app_id == NULL ? "" : app_id);
	state->orders.full_at = read_time_of(json, "orders_full_at");
	cJSON_ArrayForEach(item, domains)
	{
		struct domain_record *record;
		if (strlen(item->string) >= sizeof(record->name))
			continue; /* no domain; cut short it could be the name of another */
		record = state_domain(state, item->string);
		if (record == NULL)
			return error_no_memory(err);
		read_domain(item, record);
	}
	return 0;
}

static void set_aside(const struct state *state, const struct error *why)
{
	char *aside = NULL;

	if (asprintf(&aside, "%s.broken", state->path) < 0)
		return;
	log_warn("%s; it is kept as %s and a new one begun", why->text, aside);
	if (rename(state->path, aside) != 0)
		log_warn("cannot rename %s", state->path);
	free(aside);
}

static void load(struct state *state)
{
	struct error err = ERROR_INIT;
	cJSON *json;

	if (!file_exists(state->path))
		return;
	state->was_there = true;
	json = json_read_file(state->path, STATE_FILE_MAX, &err);
	if (json == NULL || read_all(state, json, &err) != 0)
		set_aside(state, &err);
	cJSON_Delete(json);
}

struct state *state_open(const char *letsencrypt_dir, struct error *err)
{
	struct state *state = calloc(1, sizeof(*state));

	if (state == NULL)
		goto no_memory;
	STAILQ_INIT(&state->entries);
	state->folder = file_join(letsencrypt_dir, "dstack-ingress");
	if (state->folder == NULL)
		goto no_memory;
	state->path = file_join(state->folder, "state.json");
	if (state->path == NULL)
		goto no_memory;
	load(state);
	return state;
no_memory:
	state_free(state);
	error_no_memory(err);
	return NULL;
}

void state_free(struct state *state)
{
	struct entry *entry;

	if (state == NULL)
		return;
	while ((entry = STAILQ_FIRST(&state->entries)) != NULL) {
		STAILQ_REMOVE_HEAD(&state->entries, link);
		free(entry);
	}
	free(state->folder);
	free(state->path);
	free(state);
}

bool state_was_there(const struct state *state)
{
	return state->was_there;
}

/* FNV-1a. */
static size_t chain_of(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash % CHAINS;
}

struct domain_record *state_domain(struct state *state, const char *name)
{
	struct entry **chain = &state->chains[chain_of(name)];
	struct entry *entry;

	for (entry = *chain; entry != NULL; entry = entry->next_in_chain)
		if (strcmp(entry->record.name, name) == 0)
			return &entry->record;
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return NULL;
	snprintf(entry->record.name, sizeof(entry->record.name), "%s", name);
	entry->next_in_chain = *chain;
	*chain = entry;
	STAILQ_INSERT_TAIL(&state->entries, entry, link);
	return &entry->record;
}

struct bucket *state_orders(struct state *state)
{
	return &state->orders;
}

const char *state_app_id(const struct state *state)
{
	return state->app_id;
}

void state_set_app_id(struct state *state, const char *app_id)
{
	snprintf(state->app_id, sizeof(state->app_id), "%s", app_id);
}

/* ---- writing */

static cJSON *write_domain(const struct domain_record *record)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *orders = cJSON_AddArrayToObject(json, "orders");

	for (unsigned i = 0; i < record->budget.count; i++)
		cJSON_AddItemToArray(orders,
				     cJSON_CreateNumber((double)record->budget.attempts[i]));
	if (record->certificates.full_at > 0)
		cJSON_AddNumberToObject(json, "certificates_full_at",
					(double)record->certificates.full_at);
	if (record->issued_at > 0) {
		cJSON_AddNumberToObject(json, "issued_at", (double)record->issued_at);
		cJSON_AddStringToObject(json, "issued_serial", record->issued_serial);
	}
	if (record->told[0] != '\0')
		cJSON_AddStringToObject(json, "operator_told", record->told);
	if (record->attempt > 0) {
		cJSON_AddStringToObject(json, "step", lifecycle_step_name(record->step));
		cJSON_AddNumberToObject(json, "attempt", record->attempt);
		cJSON_AddNumberToObject(json, "not_before", (double)record->not_before);
		cJSON_AddStringToObject(json, "error", record->error);
	}
	return json;
}

static cJSON *write_all(const struct state *state)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *domains;
	struct entry *entry;

	cJSON_AddNumberToObject(json, "version", STATE_VERSION);
	cJSON_AddStringToObject(json, "app_id", state->app_id);
	if (state->orders.full_at > 0)
		cJSON_AddNumberToObject(json, "orders_full_at", (double)state->orders.full_at);
	domains = cJSON_AddObjectToObject(json, "domains");
	STAILQ_FOREACH(entry, &state->entries, link)
	{
		/* A domain that cost nothing and waits for nothing is not worth a line. */
		if (entry->record.budget.count == 0 && entry->record.attempt == 0 &&
		    entry->record.certificates.full_at == 0 && entry->record.issued_at == 0 &&
		    entry->record.told[0] == '\0')
			continue;
		cJSON_AddItemToObject(domains, entry->record.name, write_domain(&entry->record));
	}
	return json;
}

int state_save(struct state *state, struct error *err)
{
	cJSON *json = write_all(state);
	char *text = json_print(json, true, err);
	int rc = -1;

	cJSON_Delete(json);
	if (text != NULL && file_make_dirs(state->folder, 0700, err) == 0)
		rc = file_write(state->path, 0600, text, strlen(text), err);
	free(text);
	return rc;
}
