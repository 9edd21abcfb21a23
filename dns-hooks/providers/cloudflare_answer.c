#include "dns-hooks/providers/cloudflare_answer.h"

#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/idn.h"
#include "dns-hooks/records/record_text.h"
#include "dns-hooks/web/web_answer.h"
#include "dns-hooks/web/web_json.h"

#include <stdio.h>
#include <string.h>

enum {
	TTL_AUTOMATIC = 1,	     /* as the API writes it ... */
	TTL_AUTOMATIC_SECONDS = 300, /* ... and what it means */
	ERRORS_SHOWN_MAX = 4,
	WORDS_MAX = 600,
};

void cloudflare_answer_free(struct cloudflare_answer *answer)
{
	cJSON_Delete(answer->json);
	answer->json = NULL;
}

static bool is_about_credentials(const struct cloudflare_answer *answer)
{
	/* Invalid headers, unknown or inactive token, no permission for this zone. */
	static const long long codes[] = {1000, 1009, 6003, 6111,  9103,
					  9106, 9107, 9109, 10000, 10001};

	if (answer->status == 401 || answer->status == 403)
		return true;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (answer->code == codes[i])
			return true;
	return false;
}

static enum exit_code exit_code_of(const struct cloudflare_answer *answer)
{
	enum exit_code code = web_exit_code(answer->status);

	return code == EXIT_FAILED && is_about_credentials(answer) ? EXIT_BAD_CONFIG : code;
}

/* "error 81053: ..., error 9041: ...": the chain below an error holds the real reason. */
static void append_errors(const cJSON *errors, char words[WORDS_MAX], int *shown)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, errors)
	{
		size_t used = strlen(words);
		const char *message = json_string(item, "message");
		if (*shown == ERRORS_SHOWN_MAX)
			return;
		snprintf(words + used, WORDS_MAX - used, "%serror %lld: %s",
			 *shown == 0 ? "" : ", ", json_integer(item, "code", 0),
			 message == NULL ? "(no message)" : message);
		(*shown)++;
		append_errors(json_array(item, "error_chain"), words, shown);
	}
}

static struct web_answer web_answer(const struct cloudflare_answer *answer, const char *call)
{
	return (struct web_answer){"Cloudflare", call, answer->status, answer->retry_after};
}

static int explain(const struct cloudflare_answer *answer, const char *call, struct error *err)
{
	const struct web_answer web = web_answer(answer, call);
	enum exit_code code = exit_code_of(answer);
	char words[WORDS_MAX] = "";
	int shown = 0;

	append_errors(json_array(answer->json, "errors"), words, &shown);
	return web_answer_refused(
	    &web, code, words,
	    code == EXIT_BAD_CONFIG
		? "check CLOUDFLARE_API_TOKEN (it needs Zone:Read and DNS:Edit for the zone)"
		: "",
	    err);
}

int cloudflare_judge(struct cloudflare_answer *answer, const char *call, const char *body,
		     size_t length, struct error *err)
{
	answer->json = web_json_parse(body, length, err);
	if (answer->json != NULL && !cJSON_IsObject(answer->json)) {
		cloudflare_answer_free(answer);
		error_set(err, EXIT_UNREACHABLE, "the answer is no JSON object");
	}
	if (answer->json == NULL) {
		const struct web_answer web = web_answer(answer, call);
		return web_answer_unreadable(&web, err);
	}
	const cJSON *errors = json_array(answer->json, "errors");
	answer->code = json_integer(cJSON_GetArrayItem(errors, 0), "code", 0);
	if (answer->status >= 200 && answer->status < 300 && json_true(answer->json, "success"))
		return 0;
	return explain(answer, call, err);
}

const cJSON *cloudflare_next_page(struct cloudflare_listing *listing, const cJSON *json,
				  const char *call, struct error *err)
{
	const cJSON *result = json_array(json, "result");
	long long total = json_integer(json_object(json, "result_info"), "total_count", -1);

	if (result == NULL || total < 0) {
		error_set(err, EXIT_UNREACHABLE,
			  "Cloudflare: %s: the answer lacks result or result_info.total_count",
			  call);
		return NULL;
	}
	if (listing->total < 0)
		listing->total = total;
	int count = cJSON_GetArraySize(result);
	listing->seen += count;
	if (total != listing->total || listing->seen > total ||
	    (count == 0 && listing->seen < total)) {
		error_set(err, EXIT_TRY_LATER,
			  "Cloudflare: %s: %lld of %lld entries came (the first page announced "
			  "%lld): the listing is not whole",
			  call, listing->seen, total, listing->total);
		return NULL;
	}
	return result;
}

/* ---- records */

static int caa_text(const cJSON *item, const char *content, char text[CAA_TEXT_MAX])
{
	const cJSON *data = json_object(item, "data");
	const char *tag = json_string(data, "tag"), *value = json_string(data, "value");
	struct caa caa;

	if (tag == NULL || value == NULL ||
	    caa_make(&caa, json_integer(data, "flags", 0), tag, value) != 0)
		return snprintf(text, CAA_TEXT_MAX, "%s", content) < CAA_TEXT_MAX ? 0 : -1;
	caa_format(&caa, text);
	return 0;
}

static int make_text(const char *name, unsigned ttl, const char *content, struct record *record,
		     struct error *err)
{
	struct buffer value;

	buffer_init(&value, RECORD_VALUE_MAX);
	/* Written with quotes; read back quoted, unquoted, or split into several strings.  What is
	 * none of these is somebody else's, and shown as it was typed. */
	int result = record_unquote(content, &value) == 0
			 ? record_make_shown(record, name, "TXT", ttl, buffer_text(&value), err)
			 : record_make_other(record, name, "TXT", ttl, content, err);
	buffer_free(&value);
	return result;
}

static int make_typed(const cJSON *item, const char *name, enum record_type type, unsigned ttl,
		      const char *content, struct record *record, struct error *err)
{
	char text[CAA_TEXT_MAX];
	domain_name target;

	switch (type) {
	case RECORD_TXT:
		return make_text(name, ttl, content, record, err);
	case RECORD_CNAME:
		if (idn_to_ascii(content, target) == 0)
			return record_make(record, name, type, ttl, target, err);
		return record_make_other(record, name, "CNAME", ttl, content, err);
	case RECORD_CAA:
		if (caa_text(item, content, text) == 0)
			return record_make(record, name, type, ttl, text, err);
		return record_make_other(record, name, "CAA", ttl, "(too long to read)", err);
	default:
		return record_make_shown(record, name, json_string(item, "type"), ttl, content,
					 err);
	}
}

static unsigned ttl_of(const cJSON *item)
{
	long long ttl = json_integer(item, "ttl", 0);

	if (ttl == TTL_AUTOMATIC)
		return TTL_AUTOMATIC_SECONDS;
	return ttl < 0 || ttl > 0x7fffffff ? 0 : (unsigned)ttl;
}

int cloudflare_record(const cJSON *item, struct record *record, struct error *err)
{
	const char *id = json_string(item, "id"), *name = json_string(item, "name");
	const char *type_name = json_string(item, "type");
	const char *content = json_string(item, "content");
	domain_name ascii = "";

	*record = (struct record){0};
	if (!web_id_is_usable(id) || strlen(id) >= RECORD_ID_MAX || name == NULL ||
	    type_name == NULL)
		return error_set(
		    err, EXIT_UNREACHABLE,
		    "Cloudflare: a record in the listing lacks a usable id, name or type");
	/* One that cannot be read is not the name that was asked for. */
	if (idn_to_ascii(name, ascii) == 0 || strlen(name) > DOMAIN_MAX)
		name = ascii;
	enum record_type type = record_type_parse(type_name);
	if (type != RECORD_OTHER && content == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "Cloudflare: the %s record of %s in the listing has no content",
				 type_name, name);
	int result = type == RECORD_OTHER
			 ? record_make_other(record, name, type_name, ttl_of(item),
					     content == NULL ? "" : content, err)
			 : make_typed(item, name, type, ttl_of(item), content, record, err);
	if (result != 0)
		return error_wrap(err, "Cloudflare");
	memcpy(record->id, id, strlen(id) + 1);
	record->proxied = json_true(item, "proxied");
	return 0;
}

/* ---- bodies */

static bool add_caa(cJSON *body, const char *value)
{
	cJSON *data = cJSON_AddObjectToObject(body, "data");
	struct caa caa;

	return caa_parse(value, &caa) == 0 &&
	       cJSON_AddNumberToObject(data, "flags", caa.flags) != NULL &&
	       cJSON_AddStringToObject(data, "tag", caa.tag) != NULL &&
	       cJSON_AddStringToObject(data, "value", caa.value) != NULL;
}

static bool add_text(cJSON *body, const char *value)
{
	struct buffer quoted;

	buffer_init(&quoted, RECORD_VALUE_MAX);
	bool is_added = record_quote(value, &quoted) == 0 &&
			cJSON_AddStringToObject(body, "content", buffer_text(&quoted)) != NULL;
	buffer_free(&quoted);
	return is_added;
}

static bool add_content(cJSON *body, const struct record *record)
{
	switch (record->type) {
	case RECORD_CAA:
		return add_caa(body, record->value);
	case RECORD_TXT:
		return add_text(body, record->value);
	default:
		return cJSON_AddStringToObject(body, "content", record->value) != NULL &&
		       cJSON_AddBoolToObject(body, "proxied", record->proxied) != NULL;
	}
}

cJSON *cloudflare_body(const struct record *record, bool is_new, struct error *err)
{
	cJSON *body = cJSON_CreateObject();
	bool is_whole = body != NULL && add_content(body, record);

	if (is_new)
		is_whole = is_whole &&
			   cJSON_AddStringToObject(body, "type", record_type_text(record)) &&
			   cJSON_AddStringToObject(body, "name", record->name) &&
			   cJSON_AddNumberToObject(body, "ttl", record->ttl);
	if (is_whole)
		return body;
	cJSON_Delete(body);
	error_no_memory(err);
	return NULL;
}
