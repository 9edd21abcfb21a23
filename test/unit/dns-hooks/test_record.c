/* Records in their normal form, and lists of them. */
#include "dns-hooks/records/record.h"

#include "test/unit/common/unit.h"

static void expect_form(enum record_type type, const char *given, const char *wanted)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(record_make(&record, "a.test", type, 60, given, &err), 0);
	assert_string_equal(record.value, wanted);
}

static void expect_refused(enum record_type type, const char *given)
{
	AUTO_RECORD struct record record = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(record_make(&record, "a.test", type, 60, given, &err), -1);
	assert_non_null(strstr(err.text, "a.test"));
}

static void test_values_have_one_form(void **state)
{
	(void)state;
	expect_form(RECORD_A, "192.0.2.1", "192.0.2.1");
	expect_form(RECORD_AAAA, "2001:DB8:0::0001", "2001:db8::1");
	expect_form(RECORD_CNAME, "Gateway.Example.COM.", "gateway.example.com");
	expect_form(RECORD_TXT, "as it is ", "as it is ");
	expect_form(RECORD_CAA, "0  ISSUE   ca.test", "0 issue \"ca.test\"");
	expect_form(RECORD_CAA, "0 issue \"a\\\"b\"", "0 issue \"a\\\"b\"");
}

static void test_a_value_of_another_type_is_refused(void **state)
{
	(void)state;
	expect_refused(RECORD_A, "2001:db8::1");
	expect_refused(RECORD_AAAA, "192.0.2.1");
	expect_refused(RECORD_A, "192.0.2");
	expect_refused(RECORD_A, "");
}

static void test_what_is_the_same(void **state)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record a = {0}, b = {0}, c = {0}, d = {0};

	(void)state;
	assert_int_equal(record_make(&a, "A.test", RECORD_CAA, 60,
				     "0 issue \"ca.test; accounturi=https://x; "
				     "validationmethods=dns-01\"",
				     &err),
			 0);
	assert_int_equal(record_make(&b, "a.TEST.", RECORD_CAA, 99,
				     "0 issue \"ca.test;validationmethods=dns-01;"
				     "accounturi=https://x\"",
				     &err),
			 0);
	assert_true(record_same(&a, &b));
	assert_int_equal(record_make_other(&c, "a.test", "MX", 60, "10 mail", &err), 0);
	assert_int_equal(record_make_other(&d, "a.test", "SRV", 60, "10 mail", &err), 0);
	assert_false(record_same(&c, &d));
	assert_false(record_same(&a, &c));
}

static void test_a_list_owns_and_finds(void **state)
{
	AUTO_RECORDS struct record_list list = {0};
	AUTO_RECORD struct record wanted = {0};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct record record;
		char value[24];
		snprintf(value, sizeof(value), "192.0.2.%d", i);
		assert_int_equal(record_make(&record, "a.test", RECORD_A, 60, value, &err), 0);
		assert_int_equal(record_list_add(&list, &record, &err), 0);
		assert_null(record.value);
	}
	assert_int_equal(record_make(&wanted, "a.test", RECORD_A, 1, "192.0.2.39", &err), 0);
	assert_ptr_equal(record_list_find(&list, &wanted), &list.items[39]);
	assert_null(record_list_find_type(&list, RECORD_TXT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_have_one_form),
	    cmocka_unit_test(test_a_value_of_another_type_is_refused),
	    cmocka_unit_test(test_what_is_the_same),
	    cmocka_unit_test(test_a_list_owns_and_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
