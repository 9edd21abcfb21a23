#include "dns-hooks/apply_result.h"

#include "common/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int apply_result_write(int fd, const char *domain, const struct error *failure,
		       const struct error *note, bool unchanged,
		       const struct operator_list *missing, struct error *err)
{
	const struct error *told = failure == NULL ? note : failure;
	AUTO_JSON cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "domain", domain);
	cJSON_AddNumberToObject(json, "exit_code", failure == NULL ? EXIT_OK : failure->code);
	if (told == NULL)
		cJSON_AddNullToObject(json, "error");
	else
		cJSON_AddStringToObject(json, "error", told->text);
	cJSON_AddNumberToObject(json, "retry_after", failure == NULL ? 0 : failure->retry_after);
	cJSON_AddBoolToObject(json, "unchanged", unchanged);
	if (missing != NULL && missing->count > 0) {
		cJSON *array = operator_list_json(missing, err);
		if (array == NULL || !cJSON_AddItemToObject(json, "operator", array)) {
			cJSON_Delete(array);
			return error_no_memory(err);
		}
	}
	char *line = json_print(json, false, err);
	if (line == NULL)
		return -1;
	int written = dprintf(fd, "%s\n", line);
	free(line);
	return written > 0 ? 0
			   : error_set_errno(err, EXIT_FAILED, errno,
					     "cannot tell what became of %s", domain);
}
