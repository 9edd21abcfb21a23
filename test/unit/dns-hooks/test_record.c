/* Records in their normal form, and lists of them. */
#include "dns-hooks/record.h"

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

static void test_names_have_one_form(void **state)
{
	domain_name name;
	char longer[300];

	(void)state;
	assert_int_equal(record_name("_Acme.EXAMPLE.com.", name), 0);
	assert_string_equal(name, "_acme.example.com");
	assert_int_equal(record_name(".", name), 0);
	assert_string_equal(name, "");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(record_name(longer, name), -1);
}

static void test_within_goes_by_labels(void **state)
{
	(void)state;
	assert_true(record_name_within("a.example.com", "example.com"));
	assert_true(record_name_within("example.com", "example.com"));
	assert_true(record_name_within("example.com", ""));
	assert_false(record_name_within("badexample.com", "example.com"));
	assert_false(record_name_within("com", "example.com"));
}

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
	    cmocka_unit_test(test_names_have_one_form),
	    cmocka_unit_test(test_within_goes_by_labels),
	    cmocka_unit_test(test_quoted_strings_are_joined),
	    cmocka_unit_test(test_long_values_are_cut_when_quoted),
	    cmocka_unit_test(test_what_is_the_same),
	    cmocka_unit_test(test_a_list_owns_and_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
