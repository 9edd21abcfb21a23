/* By which names a CA recognises itself in CAA records. */
#include "test/unit/common/unit.h"

#include "dns-hooks/caa/acme_directory.h"

static struct caa_identities identities_in(const char *text)
{
	struct caa_identities identities;
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *directory = json_parse(text, strlen(text), "test", &err);

	acme_read_identities(directory, &identities);
	return identities;
}

static void identities_are_read(void **state)
{
	struct caa_identities found =
	    identities_in("{\"meta\":{\"caaIdentities\":[\"CA.test\",\"alias.ca.test\"]}}");

	(void)state;
	assert_int_equal(found.count, 2);
	assert_string_equal(found.names[0], "ca.test");
	assert_string_equal(found.names[1], "alias.ca.test");
}

static void what_is_no_name_is_passed_over(void **state)
{
	static const char *const none[] = {
	    "{}",
	    "[]",
	    "{\"meta\":1}",
	    "{\"meta\":{\"caaIdentities\":\"ca.test\"}}",
	    "{\"meta\":{\"caaIdentities\":[]}}",
	    "{\"meta\":{\"caaIdentities\":[1,null,\"\",\"ca.test; x=y\",\"*.ca.test\",\"a "
	    "b.test\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(identities_in(none[i]).count, 0);
}

static void too_many_names_are_cut(void **state)
{
	(void)state;
	assert_int_equal(identities_in("{\"meta\":{\"caaIdentities\":[\"a.test\",\"b.test\","
				       "\"c.test\",\"d.test\",\"e.test\",\"f.test\",\"g.test\","
				       "\"h.test\",\"i.test\",\"j.test\"]}}")
			     .count,
			 CAA_IDENTITIES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(identities_are_read),
	    cmocka_unit_test(what_is_no_name_is_passed_over),
	    cmocka_unit_test(too_many_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
