#include "dns-hooks/look.h"

#include "common/file.h"
#include "common/json.h"
#include "dns-hooks/apply_result.h"
#include "dns-hooks/operator/operator_check.h"
#include "dns-hooks/resolve/zone_check.h"

enum {
	INPUT_MAX = 4 * 1024 * 1024,
	BUDGET_MS = 40000, /* for the records of one domain */
};

static int add_record(struct operator_list *list, const cJSON *json, struct error *err)
{
	const char *type = json_string(json, "type"), *name = json_string(json, "name");
	const char *value = json_string(json, "value"), *note = json_string(json, "note");

	if (type == NULL || name == NULL || value == NULL ||
	    record_type_parse(type) == RECORD_OTHER)
		return error_set(err, EXIT_USAGE_ERROR,
				 "a record has no type that is known here, no name or no value");
	if (operator_list_add(list, name, record_type_parse(type), value, json_true(json, "exact"),
			      note == NULL ? "" : note, err) != 0)
		return error_wrap(err, "the record at %.100s", name);
	return 0;
}

static int look_for(struct dns_view *view, const cJSON *json, int results_fd, struct error *err)
{
	AUTO_OPERATOR struct operator_list list = {0}, unmet = {0};
	const char *domain = json_string(json, "domain");
	struct error failure = ERROR_INIT;
	const cJSON *item;

	if (domain == NULL)
		return error_set(err, EXIT_USAGE_ERROR, "records of no domain");
	cJSON_ArrayForEach(item, json_array(json, "records")) if (add_record(&list, item, err) !=
								  0) return -1;
	bool is_met = operator_check_all(view, &list, BUDGET_MS, &unmet, &failure) == 0;
	return apply_result_write(results_fd, domain, is_met ? NULL : &failure, NULL, false, &unmet,
				  err);
}

static int look_for_all(struct dns_view *view, const cJSON *json, int results_fd, struct error *err)
{
	const cJSON *item;

	if (!cJSON_IsArray(json))
		return error_set(err, EXIT_USAGE_ERROR, "the list of records is no list");
	cJSON_ArrayForEach(item, json) if (look_for(view, item, results_fd, err) != 0) return -1;
	return 0;
}

int look_run(const struct settings *settings, int input, int results_fd, struct error *err)
{
	struct dns_view view = {.port = 0};
	struct buffer text;
	cJSON *json = NULL;
	int result = -1;

	buffer_init(&text, INPUT_MAX);
	if (file_read_fd(input, "the records on standard input", &text, err) == 0)
		json = json_parse(buffer_text(&text), text.length, "the list of records", err);
	if (json == NULL)
		err->code = EXIT_USAGE_ERROR;
	else if (dns_view_init(&view, settings, err) == 0)
		result = look_for_all(&view, json, results_fd, err);
	cJSON_Delete(json);
	buffer_free(&text);
	return result;
}
