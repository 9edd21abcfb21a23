/* Where the records of a domain stand, and the operator's CNAMEs. */
#include "dns-hooks/plan/record_places.h"

#include "test/unit/common/unit.h"

#include <stdio.h>
#include <string.h>

static const struct settings plain = {.txt_prefix = "_app"};
static const struct settings delegated = {.txt_prefix = "_app", .delegation_zone = "z.test"};

static void expect_places(const struct settings *settings, const char *domain, const char *alias,
			  const char *txt, const char *caa, const char *challenge)
{
	struct record_places places;
	struct error err = ERROR_INIT;

	assert_int_equal(record_places_find(settings, domain, &places, &err), 0);
	assert_string_equal(places.alias, alias);
	assert_string_equal(places.txt, txt);
	assert_string_equal(places.caa, caa);
	assert_string_equal(places.challenge, challenge);
}

static void records_stand_where_the_settings_say(void **state)
{
	(void)state;
	expect_places(&plain, "n.test", "n.test", "_app.n.test", "n.test",
		      "_acme-challenge.n.test");
	expect_places(&plain, "*.b.test", "*.b.test", "_app-wildcard.b.test", "b.test",
		      "_acme-challenge.b.test");
	expect_places(&delegated, "n.test", "n.test.z.test", "_app.n.test.z.test", "n.test.z.test",
		      "_acme-challenge.n.test.z.test");
	expect_places(&delegated, "*.b.test", "b.test.z.test", "_app-wildcard.b.test.z.test",
		      "b.test.z.test", "_acme-challenge.b.test.z.test");
	expect_places(&delegated, "n.z.test", "n.z.test", "_app.n.z.test", "n.z.test",
		      "_acme-challenge.n.z.test");
	expect_places(&delegated, "*.z.test", "*.z.test", "_app-wildcard.z.test", "z.test",
		      "_acme-challenge.z.test");
}

/* `wanted`: "NAME TARGET" line by line. */
static void expect_cnames(const struct settings *settings, const char *domain, unsigned kinds,
			  const char *wanted)
{
	struct delegation_cname cnames[DELEGATION_CNAMES_MAX];
	struct error err = ERROR_INIT;
	struct buffer lines;
	int count = delegation_cnames(settings, domain, kinds, cnames, &err);

	assert_true(count >= 0);
	buffer_init(&lines, 4096);
	for (int i = 0; i < count; i++) {
		buffer_printf(&lines, "%s %s\n", cnames[i].name, cnames[i].target);
		assert_true(cnames[i].note[0] != '\0');
	}
	assert_string_equal(buffer_text(&lines), wanted);
	buffer_free(&lines);
}

#define NAME_CNAMES                        \
	"n.test n.test.z.test\n"           \
	"_app.n.test _app.n.test.z.test\n" \
	"_acme-challenge.n.test _acme-challenge.n.test.z.test\n"
#define WILDCARD_CNAMES                                      \
	"*.b.test b.test.z.test\n"                           \
	"b.test b.test.z.test\n"                             \
	"_app-wildcard.b.test _app-wildcard.b.test.z.test\n" \
	"_acme-challenge.b.test _acme-challenge.b.test.z.test\n"

static void the_operator_makes_cnames(void **state)
{
	(void)state;
	expect_cnames(&delegated, "n.test", KIND_ALL, NAME_CNAMES);
	expect_cnames(&delegated, "*.b.test", KIND_ALL, WILDCARD_CNAMES);
	expect_cnames(&delegated, "n.test", KIND_TXT, "_app.n.test _app.n.test.z.test\n");
	expect_cnames(&delegated, "n.test", KIND_CAA, "");
	expect_cnames(&delegated, "n.z.test", KIND_ALL, "");
	expect_cnames(&plain, "n.test", KIND_ALL, "");
}

static void the_challenge_has_one_of_them(void **state)
{
	struct delegation_cname cname;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(delegation_challenge_cname(&plain, "n.test", &cname, &err), 0);
	assert_int_equal(delegation_challenge_cname(&delegated, "*.b.test", &cname, &err), 1);
	assert_string_equal(cname.name, "_acme-challenge.b.test");
	assert_string_equal(cname.target, "_acme-challenge.b.test.z.test");
}

/* `length` characters, the first of which may be a wildcard's. */
static void make_name(char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		name[i] = i % 60 == 59 ? '.' : 'a';
	name[length] = '\0';
}

static void no_name_is_cut_short(void **state)
{
	struct record_places places;
	struct error err = ERROR_INIT;
	domain_name domain;

	(void)state;
	/* "_acme-challenge." and ".z.test" have 23 characters. */
	make_name(domain, DOMAIN_MAX - 23);
	assert_int_equal(record_places_find(&delegated, domain, &places, &err), 0);
	assert_int_equal(strlen(places.challenge), DOMAIN_MAX);
	make_name(domain, DOMAIN_MAX - 22);
	assert_int_equal(record_places_find(&plain, domain, &places, &err), 0);
	assert_int_equal(record_places_find(&delegated, domain, &places, &err), -1);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	make_name(domain, DOMAIN_MAX - 15);
	assert_int_equal(record_places_find(&plain, domain, &places, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_stand_where_the_settings_say),
	    cmocka_unit_test(the_operator_makes_cnames),
	    cmocka_unit_test(the_challenge_has_one_of_them),
	    cmocka_unit_test(no_name_is_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
