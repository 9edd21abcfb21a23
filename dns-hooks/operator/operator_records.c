#include "dns-hooks/operator/operator_records.h"

#include "dns-hooks/plan/print.h"

#include <stdio.h>
#include <stdlib.h>

void operator_list_free(struct operator_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		record_free(&list->items[i].wanted);
	free(list->items);
	*list = (struct operator_list){0};
}

static bool has(const struct operator_list *list, const struct record *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (record_same(&list->items[i].wanted, wanted))
			return true;
	return false;
}

static int grow(struct operator_list *list)
{
	size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
	struct operator_record *items = reallocarray(list->items, capacity, sizeof(*items));

	if (items == NULL)
		return -1;
	list->items = items;
	list->capacity = capacity;
	return 0;
}

int operator_list_copy(struct operator_list *list, const struct operator_record *record,
		       struct error *err)
{
	struct operator_record copy = *record;

	if (has(list, &record->wanted))
		return 0;
	if (list->count == OPERATOR_RECORDS_MAX)
		return error_set(err, EXIT_FAILED, "more than %d records to make by hand",
				 OPERATOR_RECORDS_MAX);
	if (record_copy(&copy.wanted, &record->wanted, err) != 0)
		return -1;
	if (list->count == list->capacity && grow(list) != 0) {
		record_free(&copy.wanted);
		return error_no_memory(err);
	}
	list->items[list->count++] = copy;
	return 0;
}

int operator_list_add(struct operator_list *list, const char *name, enum record_type type,
		      const char *value, bool exact, const char *note, struct error *err)
{
	struct operator_record record = {.exact = exact};

	if (record_make(&record.wanted, name, type, OPERATOR_TTL, value, err) != 0)
		return -1;
	snprintf(record.note, sizeof(record.note), "%s", note);
	int result = operator_list_copy(list, &record, err);
	record_free(&record.wanted);
	return result;
}

void operator_list_print(const struct operator_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		print_record(&list->items[i].wanted);
}

static bool add_json(cJSON *array, const struct operator_record *record)
{
	cJSON *json = cJSON_CreateObject();

	if (json == NULL || !cJSON_AddItemToArray(array, json)) {
		cJSON_Delete(json);
		return false;
	}
	return cJSON_AddStringToObject(json, "type", record_type_text(&record->wanted)) != NULL &&
	       cJSON_AddStringToObject(json, "name", record->wanted.name) != NULL &&
	       cJSON_AddStringToObject(json, "value", record->wanted.value) != NULL &&
	       cJSON_AddStringToObject(json, "note", record->note) != NULL &&
	       cJSON_AddBoolToObject(json, "exact", record->exact) != NULL;
}

cJSON *operator_list_json(const struct operator_list *list, struct error *err)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array != NULL && i < list->count; i++)
		if (!add_json(array, &list->items[i])) {
			cJSON_Delete(array);
			array = NULL;
		}
	if (array == NULL)
		error_no_memory(err);
	return array;
}
