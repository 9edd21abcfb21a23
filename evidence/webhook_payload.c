#include "evidence/webhook_payload.h"

#include "common/digest.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

enum { PAYLOAD_VERSION = 1 };

/* ---- payload */

static bool add_text(cJSON *object, const char *name, const char *text)
{
	return cJSON_AddStringToObject(object, name, text) != NULL;
}

/* Members in the order of their names. */
static int add_record(cJSON *records, const cJSON *given, struct error *err)
{
	const char *name = json_string(given, "name"), *note = json_string(given, "note");
	const char *type = json_string(given, "type"), *value = json_string(given, "value");
	cJSON *record = cJSON_CreateObject();

	if (name == NULL || type == NULL || value == NULL) {
		cJSON_Delete(record);
		return error_set(err, EXIT_USAGE_ERROR,
				 "a record of the task has no type, name or value");
	}
	if (record == NULL || !cJSON_AddItemToArray(records, record)) {
		cJSON_Delete(record);
		return error_no_memory(err);
	}
	if (cJSON_AddBoolToObject(record, "exact", json_true(given, "exact")) == NULL ||
	    !add_text(record, "name", name) ||
	    !add_text(record, "note", note == NULL ? "" : note) ||
	    !add_text(record, "type", type) || !add_text(record, "value", value))
		return error_no_memory(err);
	return 0;
}

static int add_records(cJSON *payload, const cJSON *task, struct error *err)
{
	const cJSON *given = json_array(task, "records"), *item;
	cJSON *records = cJSON_AddArrayToObject(payload, "records");
	int count = given == NULL ? 0 : cJSON_GetArraySize(given);

	if (count == 0 || count > WEBHOOK_RECORDS_MAX)
		return error_set(err, EXIT_USAGE_ERROR,
				 "the task has no \"records\", or more than %d of them",
				 WEBHOOK_RECORDS_MAX);
	if (records == NULL)
		return error_no_memory(err);
	cJSON_ArrayForEach(item, given) if (add_record(records, item, err) != 0) return -1;
	return 0;
}

char *webhook_payload(const char *task, size_t length, const struct guest_identity *identity,
		      time_t now, struct error *err)
{
	AUTO_JSON cJSON *given = json_parse(task, length, "the task", err);
	AUTO_JSON cJSON *payload = cJSON_CreateObject();
	const char *domain = given == NULL ? NULL : json_string(given, "domain");
	const char *challenge = given == NULL ? NULL : json_string(given, "challenge");
	const char *app_id = identity->app_id;

	if (given == NULL) {
		err->code = EXIT_USAGE_ERROR;
		return NULL;
	}
	if (domain == NULL || challenge == NULL) {
		error_set(err, EXIT_USAGE_ERROR, "the task has no \"domain\" or \"challenge\"");
		return NULL;
	}
	if (*app_id == '\0' && json_string(given, "app_id") != NULL)
		app_id = json_string(given, "app_id");
	bool done = add_text(payload, "app_id", app_id) &&
		    add_text(payload, "challenge", challenge) &&
		    add_text(payload, "domain", domain) &&
		    add_text(payload, "instance_id", identity->instance_id);
	if (done && add_records(payload, given, err) != 0)
		return NULL;
	if (!done || cJSON_AddNumberToObject(payload, "timestamp", (double)now) == NULL ||
	    cJSON_AddNumberToObject(payload, "version", PAYLOAD_VERSION) == NULL) {
		error_no_memory(err);
		return NULL;
	}
	return json_print(payload, false, err);
}

/* ---- envelope */

static int add_mac(cJSON *envelope, const char *payload, const char *token, struct error *err)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char digits[2 * EVP_MAX_MD_SIZE + 1];
	unsigned size = 0;

	if (*token == '\0')
		return 0;
	if (HMAC(EVP_sha256(), token, (int)strlen(token), (const unsigned char *)payload,
		 strlen(payload), mac, &size) == NULL)
		return error_set(err, EXIT_FAILED, "OpenSSL cannot compute an HMAC");
	hex_encode(mac, size, digits);
	return add_text(envelope, "hmac_sha256", digits) ? 0 : error_no_memory(err);
}

/* Takes `answer`. */
static int add_answer(cJSON *envelope, const char *name, cJSON *answer, struct error *err)
{
	if (cJSON_AddItemToObject(envelope, name, answer))
		return 0;
	cJSON_Delete(answer);
	return error_no_memory(err);
}

static int add_proof(cJSON *envelope, const char *payload, const struct guest_proof *proof,
		     struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	cJSON *answer;

	if (proof == NULL)
		return 0;
	answer = json_parse(buffer_text(&proof->answer), proof->answer.length,
			    "the guest agent's answer", err);
	if (answer == NULL)
		return -1;
	if (proof->kind[0] != '\0')
		return add_answer(envelope, "attestation_v1", answer, err);
	cJSON_DeleteItemFromObjectCaseSensitive(answer, "report_data");
	if (digest_sha256_hex(payload, strlen(payload), digest, err) != 0) {
		cJSON_Delete(answer);
		return -1;
	}
	if (!add_text(answer, "report_data", digest)) {
		cJSON_Delete(answer);
		return error_no_memory(err);
	}
	return add_answer(envelope, "attestation", answer, err);
}

char *webhook_envelope(const char *payload, const char *token, const struct guest_proof *proof,
		       struct error *err)
{
	AUTO_JSON cJSON *envelope = cJSON_CreateObject();

	if (!add_text(envelope, "payload", payload)) {
		error_no_memory(err);
		return NULL;
	}
	if (add_mac(envelope, payload, token, err) != 0 ||
	    add_proof(envelope, payload, proof, err) != 0)
		return NULL;
	return json_print(envelope, false, err);
}
