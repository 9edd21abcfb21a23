/* dns-hooks: Linode's answers.  The first line is the HTTP status, every other one a body: the
 * pages of one listing. */
#include "dns-hooks/providers/linode_answer.h"

#include "common/file.h"
#include "dns-hooks/records/caa.h"
#include "test/fuzz/fuzz.h"

#define ZONE "a.test"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* The body that makes a record, read back as if it were listed, is that record. */
static void check_written(const struct record *record)
{
	AUTO_RECORD struct record again = {0};
	struct error err = ERROR_INIT;
	struct caa caa;
	AUTO_JSON cJSON *body = linode_body(record, ZONE, true, &err);

	if (record->type == RECORD_CAA && (caa_parse(record->value, &caa) != 0 || caa.flags != 0)) {
		CHECK(body == NULL);
		return;
	}
	CHECK(body != NULL);
	AUTO_FREE char *text = json_print(body, false, &err);
	CHECK(text != NULL);
	AUTO_JSON cJSON *listed = json_parse(text, strlen(text), "it", &err);
	CHECK(listed != NULL && cJSON_AddNumberToObject(listed, "id", 1) != NULL);
	CHECK(linode_record(listed, ZONE, &again, &err) == 0);
	CHECK(record_same(record, &again));
	CHECK(again.ttl == record->ttl);
}

/* A name with empty labels is none, and a trailing dot is taken off once. */
static bool is_odd(const char *name)
{
	size_t length = strlen(name);

	return length == 0 || name[0] == '.' || name[length - 1] == '.' ||
	       strstr(name, "..") != NULL;
}

/* By its text: the API knows no escapes, so a label may end in a backslash, and then RFC 1035 would
 * have the dot behind it for a part of the label. */
static bool reads_as_within(const char *name)
{
	size_t length = strlen(name), zone_length = strlen(ZONE);

	return strcmp(name, ZONE) == 0 ||
	       (length > zone_length && strcmp(name + length - zone_length - 1, "." ZONE) == 0);
}

static void check_record(const cJSON *item)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	if (linode_record(item, ZONE, &record, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	CHECK(record.id[0] != '\0' && record.value != NULL);
	CHECK(strlen(record.value) <= RECORD_VALUE_MAX);
	CHECK(reads_as_within(record.name));
	CHECK(record.ttl > 0);
	if (record.type == RECORD_OTHER || is_odd(record.name) ||
	    (record.type == RECORD_CNAME && is_odd(record.value)))
		return;
	check_written(&record);
}

/* Whether the listing goes on. */
static bool check_page(struct linode_listing *listing, const cJSON *json)
{
	size_t before = listing->count;
	struct error err = ERROR_INIT;
	const cJSON *page = linode_next_page(listing, json, "GET /", &err), *item;

	if (page == NULL) {
		fuzz_check_error(&err);
		return false;
	}
	CHECK(listing->count == before + (size_t)cJSON_GetArraySize(page));
	CHECK((long long)listing->count <= listing->results);
	CHECK(listing->page < listing->pages || (long long)listing->count == listing->results);
	for (size_t i = 1; i < listing->count; i++)
		CHECK(listing->ids[i - 1] < listing->ids[i]);
	cJSON_ArrayForEach(item, page) check_record(item);
	return listing->page < listing->pages;
}

/* Whether the listing goes on with the answer that is judged here. */
static bool check_answer(struct linode_listing *listing, long status, const char *body)
{
	size_t size = strlen(body);
	struct linode_answer answer = {.status = status, .retry_after = (unsigned)size};
	struct error err = ERROR_INIT;
	bool goes_on = false;

	if (linode_judge(&answer, "GET /", body, size, &err) == 0) {
		CHECK(answer.status >= 200 && answer.status < 300);
		CHECK(cJSON_GetObjectItemCaseSensitive(answer.json, "errors") == NULL);
		CHECK(!answer.busy && !answer.gone);
		goes_on = check_page(listing, answer.json);
	} else {
		fuzz_check_error(&err);
		CHECK(err.code != EXIT_OK && err.retry_after == answer.retry_after);
		CHECK((answer.status != 429 && !answer.busy) || err.code == EXIT_TRY_LATER);
		CHECK(!answer.busy || answer.status == 400);
		CHECK(!answer.gone || answer.status == 404);
	}
	linode_answer_free(&answer);
	CHECK(answer.json == NULL);
	return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct linode_listing listing = {0};
	AUTO_FREE char *status = fuzz_line(&input);
	bool goes_on = true;

	if (!fuzz_is_utf8(data, size))
		return 0;
	while (goes_on) {
		AUTO_FREE char *body = fuzz_line(&input);
		goes_on = check_answer(&listing, strtol(status, NULL, 10) % 1000, body);
	}
	linode_listing_free(&listing);
	CHECK(listing.ids == NULL);
	return 0;
}
