/* dns-hooks: Cloudflare's answers.  The first line is the HTTP status, the rest the body. */
#include "dns-hooks/providers/cloudflare_answer.h"

#include "common/file.h"
#include "dns-hooks/records/caa.h"
#include "test/fuzz/fuzz.h"

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
	AUTO_JSON cJSON *body = cloudflare_body(record, true, &err);

	if (record->type == RECORD_CAA && caa_parse(record->value, &caa) != 0) {
		CHECK(body == NULL);
		return;
	}
	CHECK(body != NULL);
	AUTO_FREE char *text = json_print(body, false, &err);
	CHECK(text != NULL);
	AUTO_JSON cJSON *listed = json_parse(text, strlen(text), "it", &err);
	CHECK(listed != NULL && cJSON_AddStringToObject(listed, "id", "1") != NULL);
	if (record->type == RECORD_CAA)
		CHECK(cJSON_AddStringToObject(listed, "content", "") != NULL);
	CHECK(cloudflare_record(listed, &again, &err) == 0);
	CHECK(record_same(record, &again));
	CHECK(again.proxied == (record->proxied && record->type <= RECORD_CNAME));
}

static void check_record(const cJSON *item)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	if (cloudflare_record(item, &record, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	CHECK(record.id[0] != '\0' && record.value != NULL);
	CHECK(strlen(record.value) <= RECORD_VALUE_MAX);
	/* The form of a name or target is final but for one that ends in several dots. */
	size_t name = strlen(record.name), value = strlen(record.value);
	if (record.type != RECORD_OTHER && (name == 0 || record.name[name - 1] != '.') &&
	    (record.type != RECORD_CNAME || value == 0 || record.value[value - 1] != '.'))
		check_written(&record);
}

/* Pages that fit one another never hold more than was announced. */
static void check_listing(const cJSON *json)
{
	struct cloudflare_listing listing = {.total = -1};
	struct error err = ERROR_INIT;
	const cJSON *page, *item;

	for (int turn = 0; turn < 3; turn++) {
		long long before = listing.seen;
		page = cloudflare_next_page(&listing, json, "GET /", &err);
		if (page == NULL) {
			fuzz_check_error(&err);
			return;
		}
		CHECK(listing.seen <= listing.total && listing.total >= 0);
		CHECK(listing.seen == before + cJSON_GetArraySize(page));
		CHECK(cJSON_GetArraySize(page) > 0 || listing.seen == listing.total);
	}
	cJSON_ArrayForEach(item, page) check_record(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *status = fuzz_line(&input);
	struct cloudflare_answer answer = {.status = strtol(status, NULL, 10) % 1000,
					   .retry_after = (unsigned)size};
	struct error err = ERROR_INIT;
	const cJSON *item;

	if (!fuzz_is_utf8(data, size))
		return 0;
	if (cloudflare_judge(&answer, "GET /zones", (const char *)input.at, input.left, &err) ==
	    0) {
		CHECK(answer.status >= 200 && answer.status < 300);
		CHECK(json_true(answer.json, "success"));
	} else {
		fuzz_check_error(&err);
		CHECK(err.code != EXIT_OK && err.retry_after == answer.retry_after);
		CHECK(answer.status != 429 || err.code == EXIT_TRY_LATER);
	}
	if (answer.json != NULL) {
		check_listing(answer.json);
		cJSON_ArrayForEach(item, json_array(answer.json, "result")) check_record(item);
	}
	cloudflare_answer_free(&answer);
	CHECK(answer.json == NULL);
	return 0;
}
