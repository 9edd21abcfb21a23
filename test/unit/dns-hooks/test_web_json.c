/* JSON with texts of strangers in it. */
#include "test/unit/common/unit.h"

#include "dns-hooks/web/web_json.h"

#include <string.h>

static void expect(const char *text, const char *wanted)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json = web_json_parse(text, strlen(text), &err);

	if (wanted == NULL) {
		assert_null(json);
		return;
	}
	assert_non_null(json);
	assert_string_equal(json_string(json, "a"), wanted);
}

#define REPLACED "\xef\xbf\xbd"

static void what_stands_for_no_character_is_replaced(void **state)
{
	(void)state;
	expect("{\"a\":\"x\\u0000y\"}", "x" REPLACED "y");
	expect("{\"a\":\"\\ud83c\\udf0d\"}", "\xf0\x9f\x8c\x8d");
	expect("{\"a\":\"\\ud83c\"}", REPLACED);
	expect("{\"a\":\"\\ud83cx\\udf0d\"}", REPLACED "x" REPLACED);
	expect("{\"a\":\"\\udf0d\\ud83c\"}", REPLACED REPLACED);
	expect("{\"a\":\"\\ud83c\\u0000\"}", REPLACED REPLACED);
	/* Not an escape, but a backslash and letters. */
	expect("{\"a\":\"\\\\u0000\"}", "\\u0000");
	expect("{\"a\":\"\\\\\\u0000\"}", "\\" REPLACED);
	expect("{\"a\":\"\xff\"}", "\xff");
}

static void what_is_no_json_stays_none(void **state)
{
	(void)state;
	expect("{\"a\":\"\\u00", NULL);
	expect("{\"a\":\"\\", NULL);
	expect("{\"a\":\"\\u00g0\"}", NULL);
	expect("", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_stands_for_no_character_is_replaced),
	    cmocka_unit_test(what_is_no_json_stays_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
