/* Which records follow from the settings. */
#include "test/unit/common/unit.h"

#include "dns-hooks/plan/desired_records.h"

enum { DOMAINS_MAX = 8 };

struct fixture {
	domain_name domains[DOMAINS_MAX];
	struct settings settings;
	struct desired_list names;
};

/* `domains` with NULL at the end; other settings stay as they are in `fixture`. */
static void build_with(struct fixture *fixture, const char *const *domains, bool set_caa,
		       const char *chosen, unsigned kinds)
{
	struct error err = ERROR_INIT;

	fixture->settings.txt_prefix = "_app";
	fixture->settings.set_caa = set_caa;
	fixture->settings.domains = fixture->domains;
	for (; *domains != NULL; domains++)
		snprintf(fixture->domains[fixture->settings.domain_count++], sizeof(domain_name),
			 "%s", *domains);
	assert_int_equal(desired_list_build(&fixture->settings, &chosen, chosen == NULL ? 0 : 1,
					    kinds, &fixture->names, &err),
			 0);
}

static void build(struct fixture *fixture, const char *const *domains, bool set_caa,
		  const char *chosen, unsigned kinds)
{
	*fixture = (struct fixture){0};
	build_with(fixture, domains, set_caa, chosen, kinds);
}

static const struct desired_records *find(const struct fixture *fixture, const char *name)
{
	static const struct desired_records none;

	for (size_t i = 0; i < fixture->names.count; i++)
		if (strcmp(fixture->names.items[i].name, name) == 0)
			return &fixture->names.items[i];
	fail_msg("no records are desired at %s", name);
	return &none;
}

static void every_domain_has_alias_and_app_address(void **state)
{
	static const char *const domains[] = {"a.test.example", "*.test.example", NULL};
	struct fixture fixture;

	(void)state;
	build(&fixture, domains, false, NULL, KIND_ALL);
	assert_int_equal(fixture.names.count, 4);
	assert_true(find(&fixture, "a.test.example")->alias);
	assert_true(find(&fixture, "_app.a.test.example")->txt);
	assert_true(find(&fixture, "*.test.example")->alias);
	assert_true(find(&fixture, "_app-wildcard.test.example")->txt);
	assert_false(find(&fixture, "a.test.example")->caa_stands);
	desired_list_free(&fixture.names);
}

static void a_shared_domain_has_no_alias(void **state)
{
	static const char *const domains[] = {"a.example", "shared.example", NULL};
	struct fixture fixture;

	(void)state;
	build(&fixture, domains, true, NULL, KIND_ALL);
	desired_list_free(&fixture.names);
	fixture.settings.alias_domain = "shared.example";
	struct error err = ERROR_INIT;
	assert_int_equal(
	    desired_list_build(&fixture.settings, NULL, 0, KIND_ALL, &fixture.names, &err), 0);
	assert_true(find(&fixture, "a.example")->alias);
	assert_false(find(&fixture, "a.example")->is_shared);
	assert_false(find(&fixture, "_app.a.example")->is_shared);
	assert_false(find(&fixture, "shared.example")->alias);
	assert_true(find(&fixture, "shared.example")->is_shared);
	assert_int_equal(find(&fixture, "shared.example")->issue, CAA_WISH_PIN);
	assert_true(find(&fixture, "_app.shared.example")->txt);
	assert_true(find(&fixture, "_app.shared.example")->is_shared);
	desired_list_free(&fixture.names);
	assert_int_equal(
	    desired_list_build(&fixture.settings, NULL, 0, KIND_ALIAS, &fixture.names, &err), 0);
	assert_int_equal(fixture.names.count, 1);
	desired_list_free(&fixture.names);
}

static void only_what_is_chosen(void **state)
{
	static const char *const domains[] = {"a.example", "b.example", NULL};
	struct fixture fixture;

	(void)state;
	build(&fixture, domains, true, "b.example", KIND_TXT);
	assert_int_equal(fixture.names.count, 1);
	assert_true(find(&fixture, "_app.b.example")->txt);
	desired_list_free(&fixture.names);
	/* its alias knows of the CAA record even if that is not part of the run */
	build(&fixture, domains, true, "b.example", KIND_ALIAS);
	assert_true(find(&fixture, "b.example")->caa_stands);
	assert_int_equal(find(&fixture, "b.example")->issue, CAA_WISH_NONE);
	desired_list_free(&fixture.names);
}

static void delegated_records_stand_in_the_other_zone(void **state)
{
	static const char *const domains[] = {"a.example", "*.a.example", "b.z.test", NULL};
	struct fixture fixture = {.settings = {.delegation_zone = "z.test"}};

	(void)state;
	build_with(&fixture, domains, true, NULL, KIND_ALL);
	assert_int_equal(fixture.names.count, 5);
	const struct desired_records *name = find(&fixture, "a.example.z.test");
	assert_true(name->alias && name->caa_stands);
	assert_int_equal(name->issue, CAA_WISH_PIN);
	assert_int_equal(name->issuewild, CAA_WISH_PIN);
	assert_string_equal(name->base, "a.example");
	assert_true(find(&fixture, "_app.a.example.z.test")->txt);
	assert_true(find(&fixture, "_app-wildcard.a.example.z.test")->txt);
	/* what lies in the zone itself stays where it is */
	assert_true(find(&fixture, "b.z.test")->alias);
	assert_true(find(&fixture, "_app.b.z.test")->txt);
	desired_list_free(&fixture.names);
}

static void a_delegated_wildcard_alone_pins_its_base(void **state)
{
	static const char *const domains[] = {"*.a.example", NULL};
	struct fixture fixture = {.settings = {.delegation_zone = "z.test"}};

	(void)state;
	build_with(&fixture, domains, true, NULL, KIND_ALIAS | KIND_CAA);
	assert_int_equal(fixture.names.count, 1);
	const struct desired_records *name = find(&fixture, "a.example.z.test");
	assert_true(name->alias && name->caa_stands);
	assert_int_equal(name->issue, CAA_WISH_NOBODY);
	assert_int_equal(name->issuewild, CAA_WISH_PIN);
	desired_list_free(&fixture.names);
}

static void expect_caa(const char *const *domains, const char *base, enum caa_wish issue,
		       enum caa_wish issuewild)
{
	struct fixture fixture;

	build(&fixture, domains, true, domains[0], KIND_CAA);
	assert_int_equal(fixture.names.count, 1);
	assert_int_equal(find(&fixture, base)->issue, issue);
	assert_int_equal(find(&fixture, base)->issuewild, issuewild);
	desired_list_free(&fixture.names);
}

static void caa_follows_from_all_that_is_served(void **state)
{
	static const char *const plain[] = {"a.example", NULL};
	static const char *const wild[] = {"*.a.example", "other.example", NULL};
	static const char *const both[] = {"*.a.example", "a.example", NULL};
	static const char *const both_too[] = {"a.example", "*.a.example", NULL};
	static const char *const below[] = {"*.a.example", "x.y.a.example", NULL};
	static const char *const beside[] = {"*.a.example", "xa.example", NULL};

	(void)state;
	expect_caa(plain, "a.example", CAA_WISH_PIN, CAA_WISH_NONE);
	expect_caa(wild, "a.example", CAA_WISH_NOBODY, CAA_WISH_PIN);
	expect_caa(both, "a.example", CAA_WISH_PIN, CAA_WISH_PIN);
	expect_caa(both_too, "a.example", CAA_WISH_PIN, CAA_WISH_PIN);
	expect_caa(below, "a.example", CAA_WISH_PIN, CAA_WISH_PIN);
	expect_caa(beside, "a.example", CAA_WISH_NOBODY, CAA_WISH_PIN);
}

static void no_caa_unless_asked_for(void **state)
{
	static const char *const domains[] = {"a.example", NULL};
	struct fixture fixture;

	(void)state;
	build(&fixture, domains, false, NULL, KIND_CAA);
	assert_int_equal(fixture.names.count, 0);
	desired_list_free(&fixture.names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_domain_has_alias_and_app_address),
	    cmocka_unit_test(a_shared_domain_has_no_alias),
	    cmocka_unit_test(only_what_is_chosen),
	    cmocka_unit_test(delegated_records_stand_in_the_other_zone),
	    cmocka_unit_test(a_delegated_wildcard_alone_pins_its_base),
	    cmocka_unit_test(caa_follows_from_all_that_is_served),
	    cmocka_unit_test(no_caa_unless_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
