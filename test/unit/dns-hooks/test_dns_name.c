/* Names as text. */
#include "dns-hooks/records/dns_name.h"

#include "test/unit/common/unit.h"

static void test_names_have_one_form(void **state)
{
	domain_name name;
	char longer[300];

	(void)state;
	assert_int_equal(dns_name_normal("_Acme.EXAMPLE.com.", name), 0);
	assert_string_equal(name, "_acme.example.com");
	assert_int_equal(dns_name_normal(".", name), 0);
	assert_string_equal(name, "");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(dns_name_normal(longer, name), -1);
}

static void test_within_goes_by_labels(void **state)
{
	(void)state;
	assert_true(dns_name_within("a.example.com", "example.com"));
	assert_true(dns_name_within("example.com", "example.com"));
	assert_true(dns_name_within("example.com", ""));
	assert_false(dns_name_within("badexample.com", "example.com"));
	assert_false(dns_name_within("com", "example.com"));
}

static void test_a_dot_within_a_label_is_no_boundary(void **state)
{
	domain_name name;

	(void)state;
	assert_int_equal(dns_name_normal("example.co\\..", name), 0);
	assert_string_equal(name, "example.co\\.");
	assert_int_equal(dns_name_normal(name, name), 0);
	assert_string_equal(name, "example.co\\.");
	assert_false(dns_name_within("a\\.example.com", "example.com"));
	assert_true(dns_name_within("a\\.example.com", "com"));
	/* The label ends in a backslash: that dot is one. */
	assert_true(dns_name_within("a\\\\.example.com", "example.com"));
	assert_int_equal(dns_name_normal("co\\\\.", name), 0);
	assert_string_equal(name, "co\\\\");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_have_one_form),
	    cmocka_unit_test(test_within_goes_by_labels),
	    cmocka_unit_test(test_a_dot_within_a_label_is_no_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
