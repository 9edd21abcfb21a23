#include "dns-hooks/providers/linode_answer.h"

#include "dns-hooks/records/caa.h"
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/web/web_answer.h"
#include "dns-hooks/web/web_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ERRORS_SHOWN_MAX = 4,
	WORDS_MAX = 600,
	ENTRIES_MAX = 100000, /* of one listing; a domain may have 12,000 records */
};

void linode_answer_free(struct linode_answer *answer)
{
	cJSON_Delete(answer->json);
	answer->json = NULL;
}

/* ---- success and failure */

static struct web_answer web_answer(const struct linode_answer *answer, const char *call)
{
	return (struct web_answer){"Linode", call, answer->status, answer->retry_after};
}

/* "target: Invalid target, name: ...". */
static void collect_reasons(const cJSON *errors, char words[WORDS_MAX])
{
	const cJSON *item = NULL;
	int shown = 0;

	cJSON_ArrayForEach(item, errors)
	{
		size_t used = strlen(words);
		const char *field = json_string(item, "field");
		const char *reason = json_string(item, "reason");
		if (shown++ == ERRORS_SHOWN_MAX)
			return;
		snprintf(words + used, WORDS_MAX - used, "%s%s%s%s", used == 0 ? "" : ", ",
			 field == NULL ? "" : field, field == NULL ? "" : ": ",
			 reason == NULL ? "(no reason)" : reason);
	}
}

static bool has_reason(const cJSON *errors, const char *wanted)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, errors)
	{
		const char *reason = json_string(item, "reason");
		if (reason != NULL && strcmp(reason, wanted) == 0)
			return true;
	}
	return false;
}

static int explain(const struct linode_answer *answer, const char *call, const cJSON *errors,
		   struct error *err)
{
	const struct web_answer web = web_answer(answer, call);
	enum exit_code code = answer->busy ? EXIT_TRY_LATER : web_exit_code(answer->status);
	char words[WORDS_MAX] = "";

	collect_reasons(errors, words);
	/* A token that is unknown and one that lacks a scope are both answered 401. */
	return web_answer_refused(
	    &web, code, words,
	    code == EXIT_BAD_CONFIG
		? "check LINODE_API_TOKEN (it needs read and write access to Domains)"
		: "",
	    err);
}

int linode_judge(struct linode_answer *answer, const char *call, const char *body, size_t length,
		 struct error *err)
{
	answer->json = web_json_parse(body, length, err);
	if (answer->json != NULL && !cJSON_IsObject(answer->json)) {
		linode_answer_free(answer);
		error_set(err, EXIT_UNREACHABLE, "the answer is no JSON object");
	}
	if (answer->json == NULL) {
		const struct web_answer web = web_answer(answer, call);
		return web_answer_unreadable(&web, err);
	}
	bool has_errors = cJSON_GetObjectItemCaseSensitive(answer->json, "errors") != NULL;
	if (answer->status >= 200 && answer->status < 300 && !has_errors)
		return 0;
	const cJSON *errors = json_array(answer->json, "errors");
	answer->busy = answer->status == 400 && has_reason(errors, "Linode busy.");
	/* A 404 with a page of a proxy says nothing about the record. */
	answer->gone = answer->status == 404 && errors != NULL;
	return explain(answer, call, errors, err);
}

/* ---- listings */

void linode_listing_free(struct linode_listing *listing)
{
	free(listing->ids);
	*listing = (struct linode_listing){0};
}

static int add_id(struct linode_listing *listing, long long id, struct error *err)
{
	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity == 0 ? 128 : listing->capacity * 2;
		long long *ids = reallocarray(listing->ids, capacity, sizeof(*ids));
		if (ids == NULL)
			return error_no_memory(err);
		listing->ids = ids;
		listing->capacity = capacity;
	}
	listing->ids[listing->count++] = id;
	return 0;
}

static int add_ids(struct linode_listing *listing, const cJSON *data, const char *call,
		   struct error *err)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, data)
	{
		long long id = json_integer(item, "id", 0);
		if (id <= 0)
			return error_set(err, EXIT_UNREACHABLE,
					 "Linode: %s: an entry of the listing has no id", call);
		if (listing->count == ENTRIES_MAX)
			return error_set(err, EXIT_FAILED, "Linode: %s: more than %d entries", call,
					 ENTRIES_MAX);
		if (add_id(listing, id, err) != 0)
			return -1;
	}
	return 0;
}

static int compare_ids(const void *left, const void *right)
{
	long long a = *(const long long *)left, b = *(const long long *)right;

	return (a > b) - (a < b);
}

/* By sorting, as there may be many; nobody needs their order. */
static bool has_repeated_id(const struct linode_listing *listing)
{
	if (listing->count > 1)
		qsort(listing->ids, listing->count, sizeof(*listing->ids), compare_ids);
	for (size_t i = 1; i < listing->count; i++)
		if (listing->ids[i] == listing->ids[i - 1])
			return true;
	return false;
}

/* Whether the entries that came can be part (after the last page: all) of what was announced. */
static bool adds_up(const struct linode_listing *listing, int on_page)
{
	long long count = (long long)listing->count;

	if (has_repeated_id(listing) || count > listing->results)
		return false;
	if (listing->page >= listing->pages)
		return count == listing->results;
	return on_page > 0;
}

const cJSON *linode_next_page(struct linode_listing *listing, const cJSON *json, const char *call,
			      struct error *err)
{
	const cJSON *data = json_array(json, "data");
	long long page = json_integer(json, "page", -1), pages = json_integer(json, "pages", -1);
	long long results = json_integer(json, "results", -1);
	int on_page = cJSON_GetArraySize(data);

	if (data == NULL || page < 0 || pages < 0 || results < 0) {
		error_set(err, EXIT_UNREACHABLE,
			  "Linode: %s: the answer lacks data, page, pages or results", call);
		return NULL;
	}
	if (listing->page == 0) {
		listing->pages = pages;
		listing->results = results;
	}
	listing->page++;
	if (add_ids(listing, data, call, err) != 0)
		return NULL;
	if (page == listing->page && pages == listing->pages && results == listing->results &&
	    adds_up(listing, on_page))
		return data;
	error_set(err, EXIT_TRY_LATER,
		  "Linode: %s: %zu of %lld entries came by page %lld of %lld, after which it says "
		  "to be page %lld of %lld with %lld entries, or one came twice: the listing is "
		  "not whole",
		  call, listing->count, listing->results, listing->page, listing->pages, page,
		  pages, results);
	return NULL;
}

/* ---- records */

/* Relative to the zone ("" is its apex), or whole: the API takes and shows both. */
static int whole_name(const char *text, const char *zone, domain_name name)
{
	domain_name given;
	int length = 0;

	if (dns_name_normal(text, given) != 0)
		return -1;
	if (*given == '\0' || strcmp(given, "@") == 0)
		length = snprintf(name, sizeof(domain_name), "%s", zone);
	else if (dns_name_within(given, zone))
		length = snprintf(name, sizeof(domain_name), "%s", given);
	else
		length = snprintf(name, sizeof(domain_name), "%s.%s", given, zone);
	return length < 0 || length >= (int)sizeof(domain_name) ? -1 : 0;
}

static unsigned ttl_of(const cJSON *item)
{
	long long ttl = json_integer(item, "ttl_sec", 0);

	return ttl <= 0 || ttl > 0x7fffffff ? LINODE_DEFAULT_TTL : (unsigned)ttl;
}

static int make_caa(const cJSON *item, const char *name, const char *target, struct record *record,
		    struct error *err)
{
	const char *tag = json_string(item, "tag");
	char text[CAA_TEXT_MAX];
	struct caa caa;

	if (tag == NULL || caa_make(&caa, 0, tag, target) != 0)
		return record_make_other(record, name, "CAA", ttl_of(item), target, err);
	caa_format(&caa, text);
	return record_make(record, name, RECORD_CAA, ttl_of(item), text, err);
}

static int make_record(const cJSON *item, const char *name, const char *type_name,
		       const char *target, struct record *record, struct error *err)
{
	enum record_type type = record_type_parse(type_name);

	if (type == RECORD_OTHER)
		return record_make_other(record, name, type_name, ttl_of(item),
					 target == NULL ? "" : target, err);
	if (target == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "the record %s of %s in the listing has no target", type_name,
				 name);
	if (type == RECORD_CAA)
		return make_caa(item, name, target, record, err);
	return record_make_shown(record, name, type_name, ttl_of(item), target, err);
}

int linode_record(const cJSON *item, const char *zone, struct record *record, struct error *err)
{
	const char *name = json_string(item, "name"), *type_name = json_string(item, "type");
	long long id = json_integer(item, "id", 0);
	domain_name whole;

	*record = (struct record){0};
	if (id <= 0 || name == NULL || type_name == NULL)
		return error_set(err, EXIT_UNREACHABLE,
				 "Linode: a record of %s in the listing lacks id, type or name",
				 zone);
	/* One that is longer than names are is nobody's that could be asked for. */
	if (whole_name(name, zone, whole) != 0)
		*whole = '\0';
	if (make_record(item, whole, type_name, json_string(item, "target"), record, err) != 0)
		return error_wrap(err, "Linode");
	snprintf(record->id, sizeof(record->id), "%lld", id);
	return 0;
}

/* ---- bodies */

/* Relative, but for the name that would then be taken for a whole one. */
static bool add_name(cJSON *body, const char *name, const char *zone)
{
	size_t zone_length = strlen(zone), length = strlen(name);
	domain_name relative = "";

	if (length > zone_length)
		snprintf(relative, sizeof(relative), "%.*s", (int)(length - zone_length - 1), name);
	bool is_ambiguous = dns_name_within(relative, zone) || strcmp(relative, "@") == 0;
	return cJSON_AddStringToObject(body, "name", is_ambiguous ? name : relative) != NULL;
}

static bool add_target(cJSON *body, const struct record *record, const struct caa *caa)
{
	if (record->type != RECORD_CAA)
		return cJSON_AddStringToObject(body, "target", record->value) != NULL;
	return cJSON_AddStringToObject(body, "tag", caa->tag) != NULL &&
	       cJSON_AddStringToObject(body, "target", caa->value) != NULL;
}

cJSON *linode_body(const struct record *record, const char *zone, bool is_new, struct error *err)
{
	struct caa caa = {0};

	if (record->type == RECORD_CAA && (caa_parse(record->value, &caa) != 0 || caa.flags != 0)) {
		error_set(err, EXIT_FAILED,
			  "Linode: the record CAA %s cannot be made: there are no flags but 0",
			  record->value);
		return NULL;
	}
	/* The body is complete also when a record is changed, since a PUT may empty the fields
	 * that it does not name. */
	cJSON *body = cJSON_CreateObject();
	if (body != NULL && add_name(body, record->name, zone) && add_target(body, record, &caa) &&
	    cJSON_AddNumberToObject(body, "ttl_sec", record->ttl) != NULL &&
	    (!is_new || cJSON_AddStringToObject(body, "type", record_type_text(record)) != NULL))
		return body;
	cJSON_Delete(body);
	error_no_memory(err);
	return NULL;
}
