#include "unit.h"

#include "common/text.h"

static void assert_tidied(const char *from, const char *to)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", from);
	text_tidy(text);
	assert_string_equal(text, to);
}

static void ordinary_text_stays(void **state)
{
	(void)state;
	assert_tidied("", "");
	assert_tidied("plain ~ text?", "plain ~ text?");
	assert_tidied("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92",
		      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92");
}

static void controls_are_replaced(void **state)
{
	(void)state;
	assert_tidied("a\nb\r\x01\x1f\x7f", "a?b????");
	assert_tidied("a\tb", "a b");
	/* U+009B is an escape sequence's beginning in one character. */
	assert_tidied("x\xc2\x9b"
		      "31m",
		      "x??31m");
	assert_tidied("\xc2\xa0", "\xc2\xa0");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	(void)state;
	assert_tidied("\x80", "?");
	assert_tidied("caf\xe9", "caf?");	   /* Latin-1 */
	assert_tidied("\xc3", "?");		   /* cut after one of two */
	assert_tidied("\xe2\x82", "??");	   /* cut after two of three */
	assert_tidied("\xf0\x9f\x94", "???");	   /* cut after three of four */
	assert_tidied("\xc0\xaf", "??");	   /* '/' in two bytes */
	assert_tidied("\xe0\x80\xaf", "???");	   /* '/' in three */
	assert_tidied("\xf0\x80\x80\xaf", "????"); /* '/' in four */
	assert_tidied("\xed\xa0\x80", "???");	   /* a surrogate */
	assert_tidied("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
	assert_tidied("\xff\xfe", "??");
	assert_tidied("\xc3(", "?(");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_text_stays),
	    cmocka_unit_test(controls_are_replaced),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
