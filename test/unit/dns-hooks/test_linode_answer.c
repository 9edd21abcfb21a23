/* Linode's answers, good, odd and broken. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/linode_answer.h"

#define CALL "GET /domains/7/records"

static int judge(struct linode_answer *answer, long status, const char *body, struct error *err)
{
	*answer = (struct linode_answer){.status = status};
	return linode_judge(answer, CALL, body, strlen(body), err);
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
	    {400, "{\"errors\":[{\"field\":\"name\",\"reason\":\"Invalid hostname\"}]}",
	     EXIT_FAILED, "HTTP status 400, name: Invalid hostname"},
	    {400, "{\"errors\":[{\"reason\":\"one\"},{\"field\":\"f\",\"reason\":\"two\"}]}",
	     EXIT_FAILED, "one, f: two"},
	    {400, "{\"errors\":[{\"reason\":\"Linode busy.\"}]}", EXIT_TRY_LATER, "Linode busy."},
	    {401, "{\"errors\":[{\"reason\":\"Invalid Token\"}]}", EXIT_BAD_CONFIG,
	     "Invalid Token; check LINODE_API_TOKEN"},
	    {403, "{\"errors\":[{\"reason\":\"Unauthorized\"}]}", EXIT_BAD_CONFIG, "Unauthorized"},
	    {404, "{\"errors\":[{\"reason\":\"Not found\"}]}", EXIT_FAILED, "Not found"},
	    {408, "{\"errors\":[]}", EXIT_TRY_LATER, "408"},
	    {429, "{\"errors\":[{\"reason\":\"Too many requests\"}]}", EXIT_TRY_LATER,
	     "Too many requests"},
	    {429, "<html>slow down</html>", EXIT_TRY_LATER, "slow down"},
	    {503, "<html>Service Unavailable</html>", EXIT_UNREACHABLE, "<html>"},
	    {403, "<html>Forbidden</html>", EXIT_BAD_CONFIG, "403"},
	    {200, "<html>Down for maintenance</html>", EXIT_UNREACHABLE, "not JSON"},
	    {200, "", EXIT_UNREACHABLE, "200"},
	    {200, "{\"data\":[", EXIT_UNREACHABLE, "200"},
	    {200, "[]", EXIT_UNREACHABLE, "no JSON object"},
	    {200, "null", EXIT_UNREACHABLE, "no JSON object"},
	    {200, "{\"errors\":[],\"data\":[]}", EXIT_FAILED, "200"},
	    {200, "{\"errors\":null}", EXIT_FAILED, "200"},
	    {301, "{\"data\":[]}", EXIT_FAILED, "301"},
	    {400, "{\"errors\":[1,\"x\",{\"reason\":7}]}", EXIT_FAILED, "(no reason)"},
	    {400, "{\"errors\":{\"reason\":\"r\"}}", EXIT_FAILED, "400"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct linode_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, cases[i].status, cases[i].body, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_contains(err.text, "Linode: " CALL);
		assert_contains(err.text, cases[i].words);
		linode_answer_free(&answer);
	}
}

static void what_is_known_after_an_answer(void **state)
{
	static const struct {
		long status;
		const char *body;
		bool busy, gone;
	} cases[] = {
	    {400, "{\"errors\":[{\"reason\":\"x\"},{\"reason\":\"Linode busy.\"}]}", true, false},
	    {404, "{\"errors\":[{\"reason\":\"Not found\"}]}", false, true},
	    {400, "{\"errors\":[{\"reason\":\"Not found\"}]}", false, false},
	    {500, "{\"errors\":[{\"reason\":\"Linode busy.\"}]}", false, false},
	    /* A proxy's words. */
	    {404, "<html>404</html>", false, false},
	    {404, "{\"message\":\"no such route\"}", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct linode_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, cases[i].status, cases[i].body, &err), -1);
		assert_int_equal(answer.busy, cases[i].busy);
		assert_int_equal(answer.gone, cases[i].gone);
		linode_answer_free(&answer);
	}
}

static void success_is_taken(void **state)
{
	struct linode_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(judge(&answer, 200, "{}", &err), 0); /* of a DELETE */
	assert_non_null(answer.json);
	linode_answer_free(&answer);
}

static void retry_after_is_passed_on(void **state)
{
	struct linode_answer answer = {.status = 429, .retry_after = 17};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(linode_judge(&answer, CALL, "{}", 2, &err), -1);
	assert_int_equal(err.retry_after, 17);
	linode_answer_free(&answer);
}

/* ---- pages */

#define PAGE(data, page, pages, results) \
	"{\"data\":[" data "],\"page\":" page ",\"pages\":" pages ",\"results\":" results "}"

static int take_page(struct linode_listing *listing, const char *body, struct error *err)
{
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", err);

	assert_non_null(json);
	return linode_next_page(listing, json, CALL, err) == NULL ? -1 : 0;
}

static void pages_add_up(void **state)
{
	static const char *const pages[] = {PAGE("{\"id\":3},{\"id\":9}", "1", "3", "5"),
					    PAGE("{\"id\":1},{\"id\":4}", "2", "3", "5"),
					    PAGE("{\"id\":2}", "3", "3", "5")};
	struct linode_listing listing = {0};
	struct error err = ERROR_INIT;

	(void)state;
	for (long long i = 0; i < 3; i++) {
		assert_int_equal(take_page(&listing, pages[i], &err), 0);
		assert_int_equal(listing.page, i + 1);
		assert_int_equal(listing.page < listing.pages, i < 2);
	}
	assert_int_equal(listing.count, 5);
	linode_listing_free(&listing);
}

static void an_empty_listing_is_whole(void **state)
{
	static const char *const bodies[] = {PAGE("", "1", "1", "0"), PAGE("", "1", "0", "0")};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct linode_listing listing = {0};
		assert_int_equal(take_page(&listing, bodies[i], &err), 0);
		assert_false(listing.page < listing.pages);
		linode_listing_free(&listing);
	}
}

static void first_pages_that_lie_are_refused(void **state)
{
	static const char *const bodies[] = {
	    "{}",
	    "{\"data\":null,\"page\":1,\"pages\":1,\"results\":0}",
	    "{\"data\":{},\"page\":1,\"pages\":1,\"results\":0}",
	    "{\"data\":[],\"page\":1,\"pages\":1}",
	    PAGE("", "1", "1", "\"0\""),
	    PAGE("", "1", "-1", "0"),
	    PAGE("", "1", "1", "1"),
	    PAGE("", "1", "2", "1"),
	    PAGE("", "2", "2", "0"),
	    PAGE("{\"id\":1}", "1", "1", "0"),
	    PAGE("{\"id\":1}", "1", "1", "2"),
	    PAGE("{\"id\":1},{\"id\":1}", "1", "1", "2"),
	    PAGE("{\"id\":0}", "1", "1", "1"),
	    PAGE("{\"id\":\"1\"}", "1", "1", "1"),
	    PAGE("{\"id\":1.5}", "1", "1", "1"),
	    PAGE("{}", "1", "1", "1"),
	    PAGE("7", "1", "1", "1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct linode_listing listing = {0};
		struct error err = ERROR_INIT;
		assert_int_equal(take_page(&listing, bodies[i], &err), -1);
		assert_contains(err.text, "Linode: " CALL);
		linode_listing_free(&listing);
	}
}

static void later_pages_that_do_not_fit_are_refused(void **state)
{
	static const char *const second[] = {
	    PAGE("", "2", "2", "3"),			  /* lost */
	    PAGE("{\"id\":3}", "2", "2", "2"),		  /* shrunk */
	    PAGE("{\"id\":3},{\"id\":4}", "2", "2", "4"), /* grown */
	    PAGE("{\"id\":3},{\"id\":4}", "2", "2", "3"), /* more than announced */
	    PAGE("{\"id\":1}", "2", "2", "3"),		  /* repeated */
	    PAGE("{\"id\":3}", "1", "2", "3"),		  /* another page */
	    PAGE("{\"id\":3}", "2", "3", "3"),		  /* suddenly more of them */
	    "{\"data\":[],\"page\":2,\"pages\":2}",	  /* lacking */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		struct linode_listing listing = {0};
		struct error err = ERROR_INIT;
		assert_int_equal(
		    take_page(&listing, PAGE("{\"id\":1},{\"id\":2}", "1", "2", "3"), &err), 0);
		assert_int_equal(take_page(&listing, second[i], &err), -1);
		linode_listing_free(&listing);
	}
}

/* ---- records */

static void expect_record(const char *body, const char *name, enum record_type type,
			  const char *value)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", &err);

	assert_non_null(json);
	assert_int_equal(linode_record(json, "a.test", &record, &err), 0);
	assert_string_equal(record.name, name);
	assert_int_equal(record.type, type);
	assert_string_equal(record.value, value);
	assert_string_equal(record.id, "17");
	assert_int_equal(record.ttl, LINODE_DEFAULT_TTL);
}

#define RECORD(type, name, rest) \
	"{\"id\":17,\"ttl_sec\":0,\"name\":\"" name "\",\"type\":\"" type "\"," rest "}"

static void records_are_read(void **state)
{
	(void)state;
	expect_record(RECORD("A", "", "\"target\":\"192.0.2.1\""), "a.test", RECORD_A, "192.0.2.1");
	expect_record(RECORD("AAAA", "b", "\"target\":\"2001:DB8::0001\""), "b.a.test", RECORD_AAAA,
		      "2001:db8::1");
	expect_record(RECORD("CNAME", "*", "\"target\":\"B.Test.\""), "*.a.test", RECORD_CNAME,
		      "b.test");
	expect_record(RECORD("TXT", "_x.B", "\"target\":\"as \\\"it\\\" \\\\ is\""), "_x.b.a.test",
		      RECORD_TXT, "as \"it\" \\ is");
	expect_record(RECORD("CAA", "", "\"tag\":\"issue\",\"target\":\"x.test;a=b\""), "a.test",
		      RECORD_CAA, "0 issue \"x.test;a=b\"");
	expect_record(RECORD("CAA", "", "\"tag\":null,\"target\":\"x\""), "a.test", RECORD_OTHER,
		      "x");
	expect_record(RECORD("MX", "", "\"target\":\"mail.test\",\"priority\":10"), "a.test",
		      RECORD_OTHER, "mail.test");
	expect_record(RECORD("FUTURE", "b", "\"target\":[1,{}]"), "b.a.test", RECORD_OTHER, "");
}

static void names_are_read_in_either_form(void **state)
{
	static const char *const forms[][2] = {
	    {"", "a.test"},
	    {"@", "a.test"},
	    {"a.test", "a.test"},
	    {"a.test.", "a.test"},
	    {"A.Test", "a.test"},
	    {"b", "b.a.test"},
	    {"b.a.test", "b.a.test"},
	    {"B.", "b.a.test"},
	    {"b.a.test.", "b.a.test"},
	    {"ba.test", "ba.test.a.test"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char body[256];
		snprintf(body, sizeof(body), RECORD("TXT", "%s", "\"target\":\"v\""), forms[i][0]);
		expect_record(body, forms[i][1], RECORD_TXT, "v");
	}
}

static void broken_records_are_errors(void **state)
{
	static const char *const bodies[] = {
	    "{}",
	    "[]",
	    "1",
	    "null",
	    "{\"name\":\"\",\"type\":\"A\",\"target\":\"192.0.2.1\"}",
	    "{\"id\":\"17\",\"name\":\"\",\"type\":\"A\",\"target\":\"192.0.2.1\"}",
	    "{\"id\":17,\"name\":null,\"type\":\"FUTURE\"}",
	    "{\"id\":17,\"name\":\"x\",\"type\":65280}",
	    RECORD("A", "", "\"x\":1"),
	    RECORD("A", "", "\"target\":7"),
	    RECORD("CAA", "", "\"tag\":\"issue\""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct error err = ERROR_INIT;
		struct record record;
		AUTO_JSON cJSON *json = json_parse(bodies[i], strlen(bodies[i]), "test", &err);
		assert_int_equal(linode_record(json, "a.test", &record, &err), -1);
		assert_contains(err.text, "Linode");
		record_free(&record);
	}
}

/* The whole zone is read, whatever stands at other names. */
static void what_is_no_value_is_somebody_elses(void **state)
{
	static const struct {
		const char *type, *target;
	} values[] = {{"A", "b.test"},
		      {"A", ""},
		      {"AAAA", "192.0.2.1"},
		      {"AAAA", "\xff\xfe"},
		      {"CNAME", "a..\xf0\x9f\x8c\x8d \\\"b"},
		      {"NS", "\x01"},
		      {"CAA", "\xc3\xbc;;"}};
	static char text[DOMAIN_MAX + 200];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct error err = ERROR_INIT;
		AUTO_JSON cJSON *json = cJSON_CreateObject();
		AUTO_RECORD struct record record = {0};
		cJSON_AddNumberToObject(json, "id", 17);
		cJSON_AddStringToObject(json, "name", "x");
		cJSON_AddStringToObject(json, "type", values[i].type);
		cJSON_AddStringToObject(json, "target", values[i].target);
		assert_int_equal(linode_record(json, "a.test", &record, &err), 0);
		assert_string_equal(record_type_text(&record), values[i].type);
		assert_string_equal(record.value, values[i].target);
		assert_string_equal(record.name, "x.a.test");
	}
	memset(text, 'x', sizeof(text) - 1);
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json = cJSON_CreateObject();
	AUTO_RECORD struct record record = {0};
	cJSON_AddNumberToObject(json, "id", 17);
	cJSON_AddStringToObject(json, "name", text);
	cJSON_AddStringToObject(json, "type", "A");
	cJSON_AddStringToObject(json, "target", "192.0.2.1");
	assert_int_equal(linode_record(json, "a.test", &record, &err), 0);
	assert_string_equal(record.name, "");
}

static void ttls_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned ttl;
	} cases[] = {{"300", 300},
		     {"0", LINODE_DEFAULT_TTL},
		     {"-1", LINODE_DEFAULT_TTL},
		     {"\"300\"", LINODE_DEFAULT_TTL},
		     {"99999999999", LINODE_DEFAULT_TTL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[256];
		struct error err = ERROR_INIT;
		AUTO_RECORD struct record record = {0};
		snprintf(body, sizeof(body),
			 "{\"id\":1,\"type\":\"TXT\",\"name\":\"\",\"target\":\"\",\"ttl_sec\":%s}",
			 cases[i].text);
		AUTO_JSON cJSON *json = json_parse(body, strlen(body), "test", &err);
		assert_int_equal(linode_record(json, "a.test", &record, &err), 0);
		assert_int_equal(record.ttl, cases[i].ttl);
	}
}

/* ---- bodies */

static void expect_body(const char *name, enum record_type type, const char *value, bool is_new,
			const char *wanted)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record record = {0};

	assert_int_equal(record_make(&record, name, type, 300, value, &err), 0);
	AUTO_JSON cJSON *body = linode_body(&record, "a.test", is_new, &err);
	if (wanted == NULL) {
		assert_null(body);
		assert_contains(err.text, "there are no flags");
		return;
	}
	AUTO_FREE char *text = json_print(body, false, &err);
	assert_string_equal(text, wanted);
}

static void bodies_are_what_the_api_wants(void **state)
{
	(void)state;
	expect_body("b.a.test", RECORD_CNAME, "g.test.", true,
		    "{\"name\":\"b\",\"target\":\"g.test\",\"ttl_sec\":300,\"type\":\"CNAME\"}");
	expect_body("a.test", RECORD_A, "192.0.2.1", false,
		    "{\"name\":\"\",\"target\":\"192.0.2.1\",\"ttl_sec\":300}");
	expect_body("*.a.test", RECORD_TXT, "v\"1", true,
		    "{\"name\":\"*\",\"target\":\"v\\\"1\",\"ttl_sec\":300,\"type\":\"TXT\"}");
	expect_body("a.test", RECORD_CAA, "0 issue \";\"", true,
		    "{\"name\":\"\",\"tag\":\"issue\",\"target\":\";\",\"ttl_sec\":300,"
		    "\"type\":\"CAA\"}");
	/* Names that would mean something else in short. */
	expect_body("b.a.test.a.test", RECORD_TXT, "v", false,
		    "{\"name\":\"b.a.test.a.test\",\"target\":\"v\",\"ttl_sec\":300}");
	expect_body("@.a.test", RECORD_TXT, "v", false,
		    "{\"name\":\"@.a.test\",\"target\":\"v\",\"ttl_sec\":300}");
	expect_body("a.test", RECORD_CAA, "128 issue \"x.test\"", true, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_tell_status_and_words),
	    cmocka_unit_test(what_is_known_after_an_answer),
	    cmocka_unit_test(success_is_taken),
	    cmocka_unit_test(retry_after_is_passed_on),
	    cmocka_unit_test(pages_add_up),
	    cmocka_unit_test(an_empty_listing_is_whole),
	    cmocka_unit_test(first_pages_that_lie_are_refused),
	    cmocka_unit_test(later_pages_that_do_not_fit_are_refused),
	    cmocka_unit_test(records_are_read),
	    cmocka_unit_test(names_are_read_in_either_form),
	    cmocka_unit_test(broken_records_are_errors),
	    cmocka_unit_test(what_is_no_value_is_somebody_elses),
	    cmocka_unit_test(ttls_are_read),
	    cmocka_unit_test(bodies_are_what_the_api_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
