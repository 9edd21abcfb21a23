/* What becomes part of a request that a provider's answer leads to. */
#include "test/unit/common/unit.h"

#include "dns-hooks/web/web_answer.h"

static void an_id_is_one_segment_of_a_path(void **state)
{
	static const char *const good[] = {"Z0123456789ABCDEF", "372e67954025e0ba6aaa6d586b9e0b59",
					   "17", "a-b_c"};
	static const char *const bad[] = {"",	 ".",	"..",  "a.b",	 "a/b",	  "a%2fb",
					  "a?b", "a#b", "a b", "a\r\nb", "a\x1b", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(web_id_is_usable(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(web_id_is_usable(bad[i]));
	assert_false(web_id_is_usable(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_id_is_one_segment_of_a_path)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
