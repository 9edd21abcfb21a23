#include "test/unit/common/unit.h"

#include "evidence/guest_answer.h"

/* {"platform": {"kind": "sev-snp"}} in MessagePack. */
#define ATTESTATION "81a8706c6174666f726d81a46b696e64a77365762d736e70"

static void take(struct buffer *body, const char *text)
{
	buffer_init(body, 64 * 1024);
	assert_int_equal(buffer_puts(body, text), 0);
}

/* Only an agent that has answered can have said that there is no quote. */
static void what_says_that_there_is_no_quote(void **state)
{
	static const struct {
		long status;
		const char *body;
		bool lacks;
	} cases[] = {
	    {200, "{\"quote\":\"\",\"event_log\":\"\"}", true},
	    {200, "{\"quote\":null}", true},
	    {200, "{}", true},
	    {400, "{\"error\":\"not supported\"}", true},
	    {400, "{\"error\":\"\"}", true},
	    {200, "{\"quote\":\"00\"}", false},
	    {200, "{\"quote\":0}", false},
	    {200, "{\"quote\":[]}", false},
	    {200, "{\"quote\":\"\"", false},
	    {200, "[]", false},
	    {200, "null", false},
	    {200, "", false},
	    {400, "{\"error\":7}", false},
	    {400, "bad request", false},
	    {400, "", false},
	    {401, "{\"error\":\"no\"}", false},
	    {404, "{\"error\":\"no\"}", false},
	    {408, "{\"error\":\"no\"}", false},
	    {429, "{\"error\":\"no\"}", false},
	    {500, "{\"error\":\"no\"}", false},
	    {503, "{\"error\":\"no\"}", false},
	    {503, "{\"quote\":\"\"}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer body;
		take(&body, cases[i].body);
		if (guest_answer_lacks_quote(cases[i].status, &body) != cases[i].lacks)
			fail_msg("%ld %s", cases[i].status, cases[i].body);
		buffer_free(&body);
	}
}

static void which_404_is_an_older_agents(void **state)
{
	static const struct {
		long status;
		const char *body;
		bool lacks;
	} cases[] = {
	    {404, "<html>", true},
	    {404, "", true},
	    {404, "{\"error\":\"no such app\"}", false},
	    {404, "{}", false},
	    {400, "<html>", false},
	    {200, "<html>", false},
	    {500, "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer body;
		take(&body, cases[i].body);
		if (guest_answer_lacks_path(cases[i].status, &body) != cases[i].lacks)
			fail_msg("%ld %s", cases[i].status, cases[i].body);
		buffer_free(&body);
	}
}

static int read_attestation(const char *json, struct buffer *bytes, char *kind, struct error *err)
{
	AUTO_JSON cJSON *answer = json_parse(json, strlen(json), "the answer", err);

	assert_non_null(answer);
	return guest_answer_attestation(answer, bytes, kind, err);
}

static void an_attestation_has_bytes_and_a_kind(void **state)
{
	char kind[PLATFORM_KIND_SIZE];
	struct error err = ERROR_INIT;
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, PLATFORM_ATTESTATION_MAX);
	assert_int_equal(
	    read_attestation("{\"attestation\":\"" ATTESTATION "\"}", &bytes, kind, &err), 0);
	assert_string_equal(kind, "sev-snp");
	assert_int_equal(bytes.length, strlen(ATTESTATION) / 2);
	assert_memory_equal(bytes.data, "\x81\xa8platform", 10);
	buffer_free(&bytes);
}

static void what_is_no_attestation(void **state)
{
	static const struct {
		const char *json, *sentence;
	} cases[] = {
	    {"{}", "there is no attestation in it"},
	    {"{\"attestation\":\"\"}", "there is no attestation in it"},
	    {"{\"attestation\":[\"" ATTESTATION "\"]}", "there is no attestation in it"},
	    {"{\"attestation\":\"" ATTESTATION "0\"}", "not hexadecimal"},
	    {"{\"attestation\":\"x" ATTESTATION "x\"}", "not hexadecimal"},
	    {"{\"attestation\":\"00\"}", "names no platform"},
	    {"{\"attestation\":\"0400020081000000\"}", "names no platform"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char kind[PLATFORM_KIND_SIZE];
		struct error err = ERROR_INIT;
		struct buffer bytes;
		buffer_init(&bytes, PLATFORM_ATTESTATION_MAX);
		assert_int_equal(read_attestation(cases[i].json, &bytes, kind, &err), -1);
		assert_contains(err.text, cases[i].sentence);
		assert_int_equal(bytes.length, 0);
		buffer_free(&bytes);
	}
}

static void a_version_is_a_short_text_or_nothing(void **state)
{
	static const struct {
		const char *json, *version;
	} cases[] = {
	    {"{\"version\":\"0.6.0\"}", "0.6.0"},
	    {"{\"version\":\"0.6.0-rc.1+a_b c\"}", "0.6.0-rc.1+a_b c"},
	    {"{\"version\":\"\"}", ""},
	    {"{\"version\":6}", ""},
	    {"{\"version\":\"<b>\"}", ""},
	    {"{\"version\":\"a\\nb\"}", ""},
	    {"{\"version\":\"01234567890123456789012345678901234567890123456789"
	     "012345678901234\"}",
	     ""},
	    {"[]", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char version[GUEST_VERSION_MAX + 1];
		struct error err = ERROR_INIT;
		AUTO_JSON cJSON *answer =
		    json_parse(cases[i].json, strlen(cases[i].json), "the answer", &err);
		assert_non_null(answer);
		guest_answer_version(answer, version);
		assert_string_equal(version, cases[i].version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_says_that_there_is_no_quote),
	    cmocka_unit_test(which_404_is_an_older_agents),
	    cmocka_unit_test(an_attestation_has_bytes_and_a_kind),
	    cmocka_unit_test(what_is_no_attestation),
	    cmocka_unit_test(a_version_is_a_short_text_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
