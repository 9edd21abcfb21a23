/* Cloudflare's answers, good, odd and broken. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/cloudflare_answer.h"

#define CALL "GET /zones/z/dns_records"

static int judge(struct cloudflare_answer *answer, long status, const char *body, struct error *err)
{
	*answer = (struct cloudflare_answer){.status = status};
	return cloudflare_judge(answer, CALL, body, strlen(body), err);
}

struct failure_case {
	long status;
	const char *body;
	enum exit_code code;
	const char *words; /* in the message */
};

static void failures_tell_status_and_words(void **state)
{
	static const struct failure_case cases[] = {
	    {400,
	     "{\"success\":false,\"errors\":[{\"code\":81053,\"message\":\"already exists\"}]}",
	     EXIT_FAILED, "error 81053: already exists"},
	    {403, "{\"success\":false,\"errors\":[{\"code\":9109,\"message\":\"Invalid\"}]}",
	     EXIT_BAD_CONFIG, "CLOUDFLARE_API_TOKEN"},
	    {400,
	     "{\"success\":false,\"errors\":[{\"code\":6003,\"message\":\"Invalid request "
	     "headers\","
	     "\"error_chain\":[{\"code\":6111,\"message\":\"Invalid format\"}]}]}",
	     EXIT_BAD_CONFIG, "error 6111: Invalid format"},
	    {401, "{\"success\":false,\"errors\":[]}", EXIT_BAD_CONFIG, "401"},
	    {429, "{\"success\":false,\"errors\":[{\"code\":10100,\"message\":\"slow down\"}]}",
	     EXIT_TRY_LATER, "slow down"},
	    {500, "{\"success\":false,\"errors\":[]}", EXIT_UNREACHABLE, "500"},
	    {502, "<html>Bad gateway</html>", EXIT_UNREACHABLE, "<html>"},
	    {403, "<html>Forbidden</html>", EXIT_BAD_CONFIG, "403"},
	    {200, "<html>Log in to the hotel's network</html>", EXIT_UNREACHABLE, "not JSON"},
	    {200, "", EXIT_UNREACHABLE, "200"},
	    {200, "{\"success\":true,\"result\":[", EXIT_UNREACHABLE, "200"},
	    {200, "[]", EXIT_UNREACHABLE, "no JSON object"},
	    {200, "null", EXIT_UNREACHABLE, "no JSON object"},
	    {200, "{\"result\":[]}", EXIT_FAILED, "200"},
	    {200, "{\"success\":\"true\",\"result\":[]}", EXIT_FAILED, "200"},
	    {301, "{\"success\":true,\"result\":[]}", EXIT_FAILED, "301"},
	    {400, "{\"success\":false,\"errors\":[1,\"x\",{\"code\":\"y\"}]}", EXIT_FAILED,
	     "(no message)"},
	    {400, "{\"success\":false,\"errors\":{\"code\":1}}", EXIT_FAILED, "400"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cloudflare_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, cases[i].status, cases[i].body, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_contains(err.text, "Cloudflare: " CALL);
		assert_contains(err.text, cases[i].words);
		cloudflare_answer_free(&answer);
	}
}

static void success_is_taken(void **state)
{
	struct cloudflare_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(judge(&answer, 200, "{\"success\":true,\"result\":{}}", &err), 0);
	assert_int_equal(answer.code, 0);
	cloudflare_answer_free(&answer);
}

static void the_first_code_can_be_asked_for(void **state)
{
	struct cloudflare_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
	    judge(&answer, 400, "{\"success\":false,\"errors\":[{\"code\":81058}]}", &err), -1);
	assert_int_equal(answer.code, CLOUDFLARE_IDENTICAL);
	cloudflare_answer_free(&answer);
}

static void retry_after_is_passed_on(void **state)
{
	struct cloudflare_answer answer = {.status = 429, .retry_after = 17};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(cloudflare_judge(&answer, CALL, "{}", 2, &err), -1);
	assert_int_equal(err.retry_after, 17);
	assert_contains(err.text, "17 seconds");
	cloudflare_answer_free(&answer);
}

/* ---- pages */

static int take_page(struct cloudflare_listing *listing, const char *body)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", &err);

	assert_non_null(json);
	return cloudflare_next_page(listing, json, CALL, &err) == NULL ? -1 : 0;
}

static void pages_add_up(void **state)
{
	struct cloudflare_listing listing = {.total = -1};

	(void)state;
	assert_int_equal(
	    take_page(&listing, "{\"result\":[1,2],\"result_info\":{\"total_count\":3}}"), 0);
	assert_true(listing.seen < listing.total);
	assert_int_equal(
	    take_page(&listing, "{\"result\":[3],\"result_info\":{\"total_count\":3}}"), 0);
	assert_int_equal(listing.seen, listing.total);
}

static void an_empty_listing_is_whole(void **state)
{
	struct cloudflare_listing listing = {.total = -1};

	(void)state;
	assert_int_equal(take_page(&listing, "{\"result\":[],\"result_info\":{\"total_count\":0}}"),
			 0);
	assert_int_equal(listing.seen, listing.total);
}

static void pages_that_do_not_fit_are_refused(void **state)
{
	static const char *const second[] = {
	    "{\"result\":[],\"result_info\":{\"total_count\":3}}",
	    "{\"result\":[2,3,4],\"result_info\":{\"total_count\":3}}",
	    "{\"result\":[2],\"result_info\":{\"total_count\":2}}",
	    "{\"result\":[2]}",
	    "{\"result\":null,\"result_info\":{\"total_count\":3}}",
	    "{\"result\":{},\"result_info\":{\"total_count\":3}}",
	    "{\"result\":[2],\"result_info\":{\"total_count\":-1}}",
	    "{\"result\":[2],\"result_info\":{\"total_count\":\"3\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		struct cloudflare_listing listing = {.total = -1};
		assert_int_equal(
		    take_page(&listing, "{\"result\":[1],\"result_info\":{\"total_count\":3}}"), 0);
		assert_int_equal(take_page(&listing, second[i]), -1);
	}
}

/* ---- records */

static void expect_record(const char *body, enum record_type type, const char *value)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", &err);

	assert_non_null(json);
	assert_int_equal(cloudflare_record(json, &record, &err), 0);
	assert_int_equal(record.type, type);
	assert_string_equal(record.value, value);
	assert_string_equal(record.id, "i1");
	assert_string_equal(record.name, "a.test");
}

#define RECORD(type, rest) "{\"id\":\"i1\",\"name\":\"A.test\",\"type\":\"" type "\"," rest "}"

static void records_are_read(void **state)
{
	(void)state;
	expect_record(RECORD("A", "\"content\":\"192.0.2.1\",\"ttl\":1"), RECORD_A, "192.0.2.1");
	expect_record(RECORD("CNAME", "\"content\":\"B.Test\""), RECORD_CNAME, "b.test");
	expect_record(RECORD("TXT", "\"content\":\"\\\"quoted\\\"\""), RECORD_TXT, "quoted");
	expect_record(RECORD("TXT", "\"content\":\"unquoted\""), RECORD_TXT, "unquoted");
	expect_record(RECORD("TXT", "\"content\":\"\\\"spl\\\" \\\"it\\\"\""), RECORD_TXT, "split");
	expect_record(RECORD("CAA", "\"content\":\"0 issue \\\"x.test\\\"\""), RECORD_CAA,
		      "0 issue \"x.test\"");
	expect_record(RECORD("CAA", "\"content\":\"\",\"data\":{\"flags\":128,\"tag\":\"issue\","
				    "\"value\":\"x.test; a=b\"}"),
		      RECORD_CAA, "128 issue \"x.test; a=b\"");
	expect_record(RECORD("MX", "\"content\":\"mail.test\",\"priority\":10"), RECORD_OTHER,
		      "mail.test");
	expect_record(RECORD("FUTURE", "\"data\":[1,{}]"), RECORD_OTHER, "");
}

static void automatic_ttl_and_proxying_are_understood(void **state)
{
	static const char body[] =
	    RECORD("CNAME", "\"content\":\"b.test\",\"ttl\":1,\"proxied\":true");
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", &err);

	(void)state;
	assert_int_equal(cloudflare_record(json, &record, &err), 0);
	assert_int_equal(record.ttl, 300);
	assert_true(record.proxied);
}

static void foreign_texts_are_opaque(void **state)
{
	static const struct {
		const char *json, *value;
	} cases[] = {
	    {"\\\"open", "\"open"},
	    {"\\\"foo\\\" bar", "\"foo\" bar"},
	    {"\\\"a\\\"b\\\"", "\"a\"b\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		struct error err = ERROR_INIT;
		AUTO_RECORD struct record record = {0};
		snprintf(text, sizeof(text),
			 "{\"id\":\"i\",\"name\":\"a.test\",\"type\":\"TXT\",\"content\":\"%s\"}",
			 cases[i].json);
		AUTO_JSON cJSON *json = json_parse(text, strlen(text), "test", &err);
		assert_int_equal(cloudflare_record(json, &record, &err), 0);
		assert_int_equal(record.type, RECORD_OTHER);
		assert_string_equal(record.other_type, "TXT");
		assert_string_equal(record.value, cases[i].value);
	}
}

static void names_may_come_in_unicode(void **state)
{
	static const char text[] =
	    "{\"id\":\"i\",\"name\":\"App.m\xc3\xbcnchen.test\",\"type\":\"CNAME\","
	    "\"content\":\"gateway.m\xc3\xbcnchen.test\"}";
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};
	AUTO_JSON cJSON *json = json_parse(text, strlen(text), "test", &err);

	(void)state;
	assert_int_equal(cloudflare_record(json, &record, &err), 0);
	assert_string_equal(record.name, "app.xn--mnchen-3ya.test");
	assert_string_equal(record.value, "gateway.xn--mnchen-3ya.test");
}

static void broken_records_are_errors(void **state)
{
	static const char *const bodies[] = {
	    "{}",
	    "[]",
	    "1",
	    "null",
	    "{\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    "{\"id\":\"\",\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    /* Would make of the record's path that of the zone. */
	    "{\"id\":\"..\",\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    "{\"id\":\".\",\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    "{\"id\":\"a/b\",\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    "{\"id\":\"a\\r\\nb\",\"name\":\"a.test\",\"type\":\"A\",\"content\":\"192.0.2.1\"}",
	    "{\"id\":\"i\",\"name\":null,\"type\":\"FUTURE\"}",
	    "{\"id\":\"i\",\"name\":\"x\",\"type\":65280,\"content\":{\"a\":\"b\"}}",
	    RECORD("A", "\"ttl\":1"),
	    RECORD("A", "\"content\":7"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct error err = ERROR_INIT;
		struct record record;
		AUTO_JSON cJSON *json = json_parse(bodies[i], strlen(bodies[i]), "test", &err);
		assert_int_equal(cloudflare_record(json, &record, &err), -1);
		assert_contains(err.text, "Cloudflare");
		record_free(&record);
	}
}

static void what_is_no_value_is_somebody_elses(void **state)
{
	static const char *const types[] = {"A", "AAAA", "CNAME", "NS", "CAA", "TXT", "MX"};
	static const char *const values[] = {"b..test \"", "", "\xff\xfe\x01", "\xf0\x9f\x8c\x8d\\",
					     "\"open"};
	static char longest[2 * RECORD_VALUE_MAX];

	(void)state;
	memset(longest, '"', sizeof(longest) - 1);
	for (size_t i = 0; i < 7; i++)
		for (size_t v = 0; v < 6; v++) {
			struct error err = ERROR_INIT;
			AUTO_JSON cJSON *json = cJSON_CreateObject();
			AUTO_RECORD struct record record = {0};
			cJSON_AddStringToObject(json, "id", "i");
			cJSON_AddStringToObject(json, "name", "a.test");
			cJSON_AddStringToObject(json, "type", types[i]);
			cJSON_AddStringToObject(json, "content", v == 5 ? longest : values[v]);
			assert_int_equal(cloudflare_record(json, &record, &err), 0);
			assert_string_equal(record_type_text(&record), types[i]);
			assert_string_equal(record.name, "a.test");
		}
}

/* ---- bodies */

static void expect_body(enum record_type type, const char *value, bool is_new, const char *wanted)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};

	assert_int_equal(record_make(&record, "a.test", type, 60, value, &err), 0);
	AUTO_JSON cJSON *body = cloudflare_body(&record, is_new, &err);
	AUTO_FREE char *text = json_print(body, false, &err);
	assert_string_equal(text, wanted);
}

static void bodies_are_what_the_api_wants(void **state)
{
	(void)state;
	expect_body(RECORD_CNAME, "b.test.", true,
		    "{\"content\":\"b.test\",\"proxied\":false,\"type\":\"CNAME\","
		    "\"name\":\"a.test\",\"ttl\":60}");
	expect_body(RECORD_A, "192.0.2.1", false, "{\"content\":\"192.0.2.1\",\"proxied\":false}");
	expect_body(RECORD_TXT, "v\"1", true,
		    "{\"content\":\"\\\"v\\\\\\\"1\\\"\",\"type\":\"TXT\",\"name\":\"a.test\","
		    "\"ttl\":60}");
	expect_body(RECORD_CAA, "0 issue \";\"", false,
		    "{\"data\":{\"flags\":0,\"tag\":\"issue\",\"value\":\";\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_tell_status_and_words),
	    cmocka_unit_test(success_is_taken),
	    cmocka_unit_test(the_first_code_can_be_asked_for),
	    cmocka_unit_test(retry_after_is_passed_on),
	    cmocka_unit_test(pages_add_up),
	    cmocka_unit_test(an_empty_listing_is_whole),
	    cmocka_unit_test(pages_that_do_not_fit_are_refused),
	    cmocka_unit_test(records_are_read),
	    cmocka_unit_test(automatic_ttl_and_proxying_are_understood),
	    cmocka_unit_test(foreign_texts_are_opaque),
	    cmocka_unit_test(names_may_come_in_unicode),
	    cmocka_unit_test(broken_records_are_errors),
	    cmocka_unit_test(what_is_no_value_is_somebody_elses),
	    cmocka_unit_test(bodies_are_what_the_api_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
