/* Times with a unit. */
#include "common/time_text.h"

#include "test/unit/common/unit.h"

static void test_units(void **state)
{
	(void)state;
	assert_int_equal(time_text_us("7us"), 7);
	assert_int_equal(time_text_us("500ms"), 500000);
	assert_int_equal(time_text_us("0s"), 0);
	assert_int_equal(time_text_us("10s"), 10000000);
	assert_int_equal(time_text_us("2m"), 120000000);
	assert_int_equal(time_text_us("3h"), 10800000000);
	assert_int_equal(time_text_us("24d"), 2073600000000);
}

static void test_too_large_is_the_largest(void **state)
{
	(void)state;
	assert_int_equal(time_text_us("106751991d"), 9223372022400000000);
	assert_int_equal(time_text_us("106751992d"), INT64_MAX);
	assert_int_equal(time_text_us("99999999999999999999us"), INT64_MAX);
}

static void test_no_time(void **state)
{
	static const char *const texts[] = {"",	   "10",  "s",	  "10S", "10 s", " 10s",
					    "-1s", "+1s", "1.5s", "1s ", "1sec", "0x1s"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(time_text_us(texts[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_units),
	    cmocka_unit_test(test_too_large_is_the_largest),
	    cmocka_unit_test(test_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
