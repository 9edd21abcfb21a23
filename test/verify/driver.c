/*
 * The verifier's library for thousands of quotes in one process: one JSON object a line in,
 * {"quote": hex, "root": PEM, "at": seconds} and, if wanted, "collateral" (text), "event_log"
 * (text), "report_data" (hex); one a line out, {"good", "status", "failed": {step: sentence}}.
 */
#include "common/attestation/attestation.h"
#include "common/hex.h"
#include "common/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_DATA_DIGITS = 2 * QUOTE_REPORT_DATA_SIZE };

static void print_result(bool good, const struct attestation_result *result)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "good", good);
	cJSON_AddStringToObject(json, "status",
				result->has_tcb ? tcb_status_name(result->tcb.status) : "");
	cJSON_AddStringToObject(json, "app_id", result->identity.app_id);
	cJSON *failed = cJSON_AddObjectToObject(json, "failed");
	for (int i = 0; i < ATTESTATION_STEP_COUNT; i++)
		if (result->findings[i].outcome == ATTESTATION_FAILED)
			cJSON_AddStringToObject(failed,
						attestation_step_name((enum attestation_step)i),
						result->findings[i].text);
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	fflush(stdout);
	free(text);
	cJSON_Delete(json);
}

/* -1 when the question itself is wrong. */
static int answer(const cJSON *question)
{
	const char *hex = json_string(question, "quote"), *root = json_string(question, "root");
	const char *expected = json_string(question, "report_data");
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
	struct attestation_result result;
	struct trust_anchor anchor;
	struct error err = ERROR_INIT;
	size_t length = strlen(hex) / 2;
	/* Of exactly this size, so that the address sanitizer sees a read past its end. */
	unsigned char *quote = malloc(length > 0 ? length : 1);
	struct attestation_input input = {
	    .quote = quote,
	    .quote_length = length,
	    .anchor = &anchor,
	    .at = (time_t)json_integer(question, "at", 0),
	    .event_log = json_string(question, "event_log"),
	    .collateral = json_string(question, "collateral"),
	    .worst_tcb = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	};
	int rc = -1;

	if (quote == NULL || hex_decode(hex, 2 * length, quote) != 0 ||
	    trust_anchor_from_pem(root, strlen(root), &anchor, &err) != 0)
		goto out;
	if (expected != NULL && hex_decode(expected, REPORT_DATA_DIGITS, report_data) != 0)
		goto out;
	input.report_data = expected == NULL ? NULL : report_data;
	input.event_log_length = input.event_log == NULL ? 0 : strlen(input.event_log);
	input.collateral_length = input.collateral == NULL ? 0 : strlen(input.collateral);
	print_result(attestation_verify(&input, &result), &result);
	rc = 0;
out:
	free(quote);
	return rc;
}

int main(void)
{
	struct error err = ERROR_INIT;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int rc = 0;

	while (rc == 0 && (length = getline(&line, &room, stdin)) > 0) {
		cJSON *question = json_parse(line, (size_t)length, "the question", &err);
		rc = question == NULL ? -1 : answer(question);
		cJSON_Delete(question);
	}
	free(line);
	return rc == 0 ? 0 : 1;
}
