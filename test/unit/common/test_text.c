#include "unit.h"

#include "common/say.h"
#include "common/text.h"

static void assert_escaped(const char *from, const char *to)
{
	char text[128], again[128];

	assert_int_equal(text_escape(from, text, sizeof(text)), strlen(from));
	assert_string_equal(text, to);
	text_escape(text, again, sizeof(again));
	assert_string_equal(again, to);
}

static void ordinary_text_stays(void **state)
{
	(void)state;
	assert_escaped("", "");
	assert_escaped("plain ~ text\\n?", "plain ~ text\\n?");
	assert_escaped("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92",
		       "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92");
}

static void controls_are_shown(void **state)
{
	(void)state;
	assert_escaped("a\nb\r\x01\x1f\x7f", "a\\nb\\r\\x01\\x1f\\x7f");
	assert_escaped("a\tb", "a\\tb");
	assert_escaped("\x1b]0;title\x07", "\\x1b]0;title\\x07");
	/* An escape sequence's beginning in one character. */
	assert_escaped("x\xc2\x9b"
		       "31m",
		       "x\\u009b31m");
}

static void what_deceives_the_eye_is_shown(void **state)
{
	(void)state;
	assert_escaped("a\xe2\x80\xae.txt", "a\\u202e.txt"); /* right to left from here */
	assert_escaped("\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069");
	assert_escaped("app\xe2\x80\x8b.test", "app\\u200b.test"); /* no width */
	assert_escaped("\xe2\x80\x8d\xe2\x80\x8e", "\\u200d\\u200e");
	assert_escaped("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"); /* line ends */
	assert_escaped("\xef\xbb\xbf"
		       "443",
		       "\\ufeff443"); /* a byte order mark */
	assert_escaped("4\xc2\xa0"
		       "4\xc2\xad",
		       "4\\u00a04\\u00ad");
	assert_escaped("\xf3\xa0\x81\x81", "\\U000e0041"); /* a tag, of letters nobody sees */
}

static void bytes_that_are_not_utf8_are_shown(void **state)
{
	(void)state;
	assert_escaped("\x80", "\\x80");
	assert_escaped("caf\xe9", "caf\\xe9");			    /* Latin-1 */
	assert_escaped("\xc3", "\\xc3");			    /* cut after one of two */
	assert_escaped("\xe2\x82", "\\xe2\\x82");		    /* cut after two of three */
	assert_escaped("\xf0\x9f\x94", "\\xf0\\x9f\\x94");	    /* cut after three of four */
	assert_escaped("\xc0\xaf", "\\xc0\\xaf");		    /* '/' in two bytes */
	assert_escaped("\xe0\x80\xaf", "\\xe0\\x80\\xaf");	    /* '/' in three */
	assert_escaped("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"); /* '/' in four */
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");	    /* a surrogate */
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	assert_escaped("\xff\xfe", "\\xff\\xfe");
	assert_escaped("\xc3(", "\\xc3(");
}

static void only_whole_characters_fit(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(text_escape("1234567890123\xc3\xa9", text, sizeof(text)), 15);
	assert_int_equal(text_escape("12345678901234\xc3\xa9", text, sizeof(text)), 14);
	assert_string_equal(text, "12345678901234");
	assert_int_equal(text_escape("12345678901\x1b", text, sizeof(text)), 12);
	assert_int_equal(text_escape("123456789012\x1b", text, sizeof(text)), 12);
	assert_string_equal(text, "123456789012");
	text_end_in_dots(text, 13);
	assert_string_equal(text, "123456789...");
	snprintf(text, sizeof(text), "12\xe2\x82\xac");
	text_end_in_dots(text, 8);
	assert_string_equal(text, "12...");
}

static void a_line_is_one_line(void **state)
{
	char printed[2048] = "", value[700];
	FILE *out = fmemopen(printed, sizeof(printed), "w");
	struct buffer lines;

	(void)state;
	memset(value, '\x1b', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	say(out, "%s is\n%.2s", "a", value);
	say_lines(out, "one\ntwo\xe2\x80\xae\x1b[2J\nthree");
	fclose(out);
	assert_string_equal(printed, "a is\\n\\x1b\\x1b\none\ntwo\\u202e\\x1b[2J\nthree");
	buffer_init(&lines, 8192);
	say_into(&lines, "%s", value);
	assert_int_equal(lines.length, 4 * strlen(value) + 1);
	buffer_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_text_stays),
	    cmocka_unit_test(controls_are_shown),
	    cmocka_unit_test(what_deceives_the_eye_is_shown),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_shown),
	    cmocka_unit_test(only_whole_characters_fit),
	    cmocka_unit_test(a_line_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
