/* Quoted strings. */
#include "dns-hooks/records/record_text.h"

#include "test/unit/common/unit.h"

static void expect_unquoted(const char *text, const char *wanted)
{
	struct buffer out;

	buffer_init(&out, 1000);
	int result = record_unquote(text, &out);
	if (wanted == NULL) {
		assert_int_equal(result, -1);
	} else {
		assert_int_equal(result, 0);
		assert_string_equal(buffer_text(&out), wanted);
	}
	buffer_free(&out);
}

static void test_quoted_strings_are_joined(void **state)
{
	(void)state;
	expect_unquoted("\"abc\"", "abc");
	expect_unquoted("abc", "abc");
	expect_unquoted("\"abc\" \"def\"", "abcdef");
	expect_unquoted("\"a\\\"b\\\\c\"", "a\"b\\c");
	expect_unquoted("\"\\065\"", "A");
	expect_unquoted("\"\\000\"", "\\000");
	expect_unquoted("\"\"", "");
	expect_unquoted("", "");
	expect_unquoted("\"open", NULL);
	expect_unquoted("\"open\\", NULL);
	expect_unquoted("\"a\" b", NULL);
}

static void test_long_values_are_cut_when_quoted(void **state)
{
	char value[601];
	struct buffer quoted;

	(void)state;
	memset(value, 'x', 600);
	value[600] = '\0';
	buffer_init(&quoted, 2000);
	assert_int_equal(record_quote(value, &quoted), 0);
	/* 255 + 255 + 90, each in quotes, a space between */
	assert_int_equal(quoted.length, 600 + 3 * 2 + 2);
	expect_unquoted(buffer_text(&quoted), value);
	buffer_free(&quoted);
}

/* JSON cannot carry half a character. */
static void test_characters_are_not_cut(void **state)
{
	char value[300];
	struct buffer quoted;

	(void)state;
	for (size_t before = 250; before <= 256; before++) {
		memset(value, 'x', before);
		strncpy(value + before, "\xf0\x9f\x94\x92y", sizeof(value) - before);
		buffer_init(&quoted, 2000);
		assert_int_equal(record_quote(value, &quoted), 0);
		assert_contains(buffer_text(&quoted), "\xf0\x9f\x94\x92");
		expect_unquoted(buffer_text(&quoted), value);
		buffer_free(&quoted);
	}
	/* What is no text at all has to be cut somewhere. */
	memset(value, 0x80, sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	buffer_init(&quoted, 2000);
	assert_int_equal(record_quote(value, &quoted), 0);
	expect_unquoted(buffer_text(&quoted), value);
	buffer_free(&quoted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quoted_strings_are_joined),
	    cmocka_unit_test(test_long_values_are_cut_when_quoted),
	    cmocka_unit_test(test_characters_are_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
