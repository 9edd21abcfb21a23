#include "supervisor/state.h"

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	STATE_FILE_MAX = 4 * 1024 * 1024,
	STATE_VERSION = 1,
	/* Ours, and those of settings of the past; each is looked for among all. */
	STATE_DOMAINS_MAX = 4 * SETTINGS_DOMAINS_MAX,
};

struct entry {
	STAILQ_ENTRY(entry) link;
	struct domain_record record;
};

struct state {
	char *folder, *path;
	char app_id[STATE_ID_MAX];
	STAILQ_HEAD(, entry) entries;
};

/* ---- reading */

/* A number that is no time (of this side of the year 9999) was not written by us. */
static void read_budget(const cJSON *array, struct budget *budget)
{
	static const double latest = 253402300799.0;
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		double at = item->valuedouble;
		if (cJSON_IsNumber(item) && at >= 0 && at <= latest)
			budget_spend(budget, (time_t)at);
	}
}

static void read_domain(const cJSON *json, struct domain_record *record)
{
	const char *step = json_string(json, "step");
	const char *error = json_string(json, "error");
	long long attempt = json_integer(json, "attempt", 0);

	read_budget(json_array(json, "orders"), &record->budget);
	record->step = step == NULL ? STEP_COUNT : lifecycle_step_from_name(step);
	if (record->step == STEP_COUNT)
		record->step = STEP_SETTLED;
	record->attempt = attempt > 1000 ? 1000 : (unsigned)attempt;
	record->not_before = (time_t)json_integer(json, "not_before", 0);
	snprintf(record->error, sizeof(record->error), "%s", error == NULL ? "" : error);
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

struct domain_record *state_domain(struct state *state, const char *name)
{
	struct entry *entry;

	STAILQ_FOREACH(entry, &state->entries, link)
	if (strcmp(entry->record.name, name) == 0)
		return &entry->record;
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return NULL;
	snprintf(entry->record.name, sizeof(entry->record.name), "%s", name);
	STAILQ_INSERT_TAIL(&state->entries, entry, link);
	return &entry->record;
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
	domains = cJSON_AddObjectToObject(json, "domains");
	STAILQ_FOREACH(entry, &state->entries, link)
	{
		/* A domain that cost nothing and waits for nothing is not worth a line. */
		if (entry->record.budget.count == 0 && entry->record.attempt == 0)
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
