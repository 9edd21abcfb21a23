#include "evidence/guest_answer.h"

#include "common/file.h"
#include "common/hex.h"

#include <stdlib.h>
#include <string.h>

enum { COMPLAINT_MAX = 300 /* of the agent's own words, in messages */ };

typedef cJSON *parse_body(const char *text, size_t length, const char *what, struct error *err);

/* The agent explains itself in {"error": "..."}; anything else is shown as it came, unless it may
 * be the secret that was asked for. */
static cJSON *refuse_status(long status, const struct buffer *body, const char *path,
			    parse_body *parse, struct error *err)
{
	struct error ignored = ERROR_INIT;
	AUTO_JSON cJSON *answer = parse(buffer_text(body), body->length, "answer", &ignored);
	const char *complaint = json_string(answer, "error");
	bool busy = status == 408 || status == 429 || status == 503;

	if (complaint == NULL)
		complaint = parse == json_parse_secret ? "(not shown)" : buffer_text(body);
	error_set(err, busy ? EXIT_TRY_LATER : EXIT_FAILED,
		  "the guest agent answered %s with HTTP status %ld: %.*s", path, status,
		  COMPLAINT_MAX, complaint[0] == '\0' ? "(empty)" : complaint);
	return NULL;
}

static cJSON *take_object(long status, const struct buffer *body, const char *path,
			  parse_body *parse, struct error *err)
{
	if (status != 200)
		return refuse_status(status, body, path, parse, err);
	cJSON *answer = parse(buffer_text(body), body->length, "the guest agent's answer", err);
	if (answer != NULL && !cJSON_IsObject(answer)) {
		error_set(err, EXIT_FAILED, "the guest agent's answer to %s is no JSON object",
			  path);
		json_free(&answer);
	}
	return answer;
}

cJSON *guest_answer_object(long status, const struct buffer *body, const char *path,
			   struct error *err)
{
	return take_object(status, body, path, json_parse, err);
}

cJSON *guest_answer_secret(long status, const struct buffer *body, const char *path,
			   struct error *err)
{
	return take_object(status, body, path, json_parse_secret, err);
}

/* ---- identity */

static int copy_id(const cJSON *info, const char *name, char out[GUEST_ID_MAX + 1],
		   struct error *err)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(info, name);
	const char *value = cJSON_GetStringValue(member);

	out[0] = '\0';
	if (member == NULL || cJSON_IsNull(member))
		return 0;
	if (value == NULL)
		return error_set(err, EXIT_FAILED, "the guest agent's %s is no string", name);
	if (strlen(value) > GUEST_ID_MAX || !hex_is_valid(value))
		return error_set(err, EXIT_FAILED,
				 "the guest agent's %s is \"%.*s\"; at most %d hex digits were "
				 "expected",
				 name, GUEST_ID_MAX, value, GUEST_ID_MAX);
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

int guest_answer_identity(const cJSON *info, struct guest_identity *identity, struct error *err)
{
	if (copy_id(info, "app_id", identity->app_id, err) != 0 ||
	    copy_id(info, "instance_id", identity->instance_id, err) != 0 ||
	    copy_id(info, "compose_hash", identity->compose_hash, err) != 0 ||
	    copy_id(info, "os_image_hash", identity->os_image_hash, err) != 0)
		return -1;
	if (identity->app_id[0] == '\0')
		return error_set(err, EXIT_FAILED, "the guest agent gives no app_id");
	return 0;
}

void guest_answer_version(const cJSON *answer, char version[GUEST_VERSION_MAX + 1])
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789.+-_ ";
	const char *told = json_string(answer, "version");

	version[0] = '\0';
	if (told != NULL && strlen(told) <= GUEST_VERSION_MAX &&
	    strspn(told, allowed) == strlen(told))
		memcpy(version, told, strlen(told) + 1);
}

/* ---- quote */

static int check_report_data(const unsigned char *bytes, size_t length,
			     const unsigned char wanted[QUOTE_REPORT_DATA_SIZE], struct error *err)
{
	char found_hex[2 * QUOTE_REPORT_DATA_SIZE + 1], wanted_hex[2 * QUOTE_REPORT_DATA_SIZE + 1];
	struct quote quote;

	if (quote_parse(bytes, length, &quote, err) != 0)
		return -1;
	if (memcmp(quote.report_data, wanted, QUOTE_REPORT_DATA_SIZE) == 0)
		return 0;
	hex_encode(quote.report_data, QUOTE_REPORT_DATA_SIZE, found_hex);
	hex_encode(wanted, QUOTE_REPORT_DATA_SIZE, wanted_hex);
	return error_set(err, EXIT_FAILED, "the quote's REPORTDATA is %s, but %s was asked for",
			 found_hex, wanted_hex);
}

int guest_answer_check_quote(const cJSON *answer,
			     const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
			     struct error *err)
{
	const char *text = json_string(answer, "quote");

	if (text == NULL || text[0] == '\0')
		return error_set(err, EXIT_FAILED, "there is no quote in it");
	size_t length = strlen(text);
	AUTO_FREE unsigned char *bytes = malloc(length / 2 + 1);
	if (bytes == NULL)
		return error_no_memory(err);
	if (hex_decode(text, length, bytes) != 0)
		return error_set(err, EXIT_FAILED, "its quote is not hexadecimal");
	return check_report_data(bytes, length / 2, report_data, err);
}

bool guest_answer_lacks_quote(long status, const struct buffer *body)
{
	struct error ignored = ERROR_INIT;

	if (status != 200 && status != 400)
		return false;
	AUTO_JSON cJSON *answer = json_parse(buffer_text(body), body->length, "answer", &ignored);
	if (status == 400)
		return json_string(answer, "error") != NULL;
	const cJSON *quote = cJSON_GetObjectItemCaseSensitive(answer, "quote");
	const char *text = cJSON_GetStringValue(quote);
	return cJSON_IsObject(answer) &&
	       (quote == NULL || cJSON_IsNull(quote) || (text != NULL && text[0] == '\0'));
}

/* ---- attestation */

bool guest_answer_lacks_path(long status, const struct buffer *body)
{
	struct error ignored = ERROR_INIT;

	if (status != 404)
		return false;
	AUTO_JSON cJSON *answer = json_parse(buffer_text(body), body->length, "answer", &ignored);
	return answer == NULL;
}

int guest_answer_attestation(const cJSON *answer, struct buffer *attestation,
			     char kind[PLATFORM_KIND_SIZE], struct error *err)
{
	const char *text = json_string(answer, "attestation");

	if (text == NULL || text[0] == '\0')
		return error_set(err, EXIT_FAILED, "there is no attestation in it");
	size_t length = strlen(text);
	AUTO_FREE unsigned char *bytes = malloc(length / 2 + 1);
	if (bytes == NULL)
		return error_no_memory(err);
	if (hex_decode(text, length, bytes) != 0)
		return error_set(err, EXIT_FAILED, "its attestation is not hexadecimal");
	if (platform_kind(bytes, length / 2, kind, err) != 0)
		return -1;
	buffer_append(attestation, bytes, length / 2);
	return buffer_check(attestation, "the attestation", err);
}
