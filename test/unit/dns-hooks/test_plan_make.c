/* Aliases and app addresses: what becomes of what stands at a name. */
#include "test/unit/dns-hooks/planning.h"

#define NAME "app.example.test"
#define ADDRESSES "A 192.0.2.1\nAAAA 2001:db8::1"

struct alias_case {
	const char *present, *changes;
};

/* Plans for what is there and compares; `addresses` is "" where a CNAME will do. */
static void expect_plan(const struct desired_records *desired, const char *present,
			const char *addresses, bool cname_beside_others, const char *wanted)
{
	AUTO_RECORDS struct record_list there = {0}, gateway = {0};
	struct plan_rules rules = rules_of(cname_beside_others);
	struct error err = ERROR_INIT;
	struct buffer text;
	struct plan plan;

	buffer_init(&text, 65536);
	plan_init(&plan);
	add_records(&there, desired->name, present);
	add_records(&gateway, GATEWAY, addresses);
	int result = plan_make(desired, "example.test", &there, gateway.count > 0 ? &gateway : NULL,
			       &rules, &plan, &err);
	if (wanted == NULL) {
		assert_int_equal(result, -1);
		assert_int_equal(err.code, EXIT_FAILED);
		assert_contains(err.text, desired->name);
	} else {
		assert_int_equal(result, 0);
		describe_changes(&text, &plan.changes);
		assert_string_equal(buffer_text(&text), wanted);
	}
	buffer_free(&text);
	plan_free(&plan);
}

static void an_alias_becomes_a_cname(void **state)
{
	static const struct alias_case cases[] = {
	    {"", "+ CNAME gateway.test\n"},
	    {"CNAME gateway.test", ""},
	    {"CNAME GATEWAY.test.", ""},
	    {"CNAME old.test", "~ CNAME old.test -> CNAME gateway.test\n"},
	    {"A 192.0.2.9", "~ A 192.0.2.9 -> CNAME gateway.test\n"},
	    {"A 192.0.2.8\nA 192.0.2.9\nAAAA 2001:db8::9",
	     "- A 192.0.2.8\n- A 192.0.2.9\n~ AAAA 2001:db8::9 -> CNAME gateway.test\n"},
	};
	struct desired_records desired = {.name = NAME, .alias = true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_plan(&desired, cases[i].present, "", false, cases[i].changes);
}

static void an_alias_becomes_addresses(void **state)
{
	static const struct alias_case cases[] = {
	    {"", "+ A 192.0.2.1\n+ AAAA 2001:db8::1\n"},
	    {"A 192.0.2.1\nAAAA 2001:db8::1", ""},
	    {"AAAA 2001:db8::1\nTXT v=spf1 -all\nA 192.0.2.1\nMX 10 mail.test", ""},
	    {"A 192.0.2.1", "+ AAAA 2001:db8::1\n"},
	    {"A 192.0.2.9\nA 192.0.2.1\nAAAA 2001:db8::1", "- A 192.0.2.9\n"},
	    {"A 192.0.2.1\nAAAA 2001:db8::1\nA 192.0.2.1", "- A 192.0.2.1\n"},
	    {"A 192.0.2.9\nTXT keep", "~ A 192.0.2.9 -> A 192.0.2.1\n+ AAAA 2001:db8::1\n"},
	    {"AAAA 2001:db8::9\nA 192.0.2.9",
	     "~ A 192.0.2.9 -> A 192.0.2.1\n~ AAAA 2001:db8::9 -> AAAA 2001:db8::1\n"},
	    {"CNAME gateway.test", "~ CNAME gateway.test -> A 192.0.2.1\n+ AAAA 2001:db8::1\n"},
	};
	struct desired_records desired = {.name = NAME, .alias = true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_plan(&desired, cases[i].present, ADDRESSES, false, cases[i].changes);
}

static void a_proxied_record_is_no_alias(void **state)
{
	struct desired_records desired = {.name = NAME, .alias = true};

	(void)state;
	expect_plan(&desired, "CNAME! gateway.test", "", true,
		    "~ CNAME gateway.test -> CNAME gateway.test\n");
	expect_plan(&desired, "CNAME! gateway.test\nTXT x", "", true,
		    "~ CNAME gateway.test -> CNAME gateway.test\n");
}

static void a_delegated_name_is_refused(void **state)
{
	struct desired_records desired = {.name = NAME, .alias = true};
	struct desired_records apex = {.name = "example.test", .alias = true};

	(void)state;
	expect_plan(&desired, "NS ns.other.test", ADDRESSES, false, NULL);
	/* the apex has NS records of its own, of which some APIs show some, and no SOA */
	expect_plan(&apex, "NS ns.example.test\nSOA x\nA 192.0.2.1\nAAAA 2001:db8::1", ADDRESSES,
		    false, "");
	expect_plan(&apex, "NS ns.other.test", ADDRESSES, false,
		    "+ A 192.0.2.1\n+ AAAA 2001:db8::1\n");
}

static void where_a_cname_cannot_stand(void **state)
{
	struct desired_records plain = {.name = NAME, .alias = true};
	struct desired_records pinned = {.name = NAME, .alias = true, .caa_stands = true};
	AUTO_RECORDS struct record_list none = {0}, addresses = {0}, text = {0};
	struct plan_rules strict = rules_of(false), lenient = rules_of(true);

	(void)state;
	add_records(&addresses, NAME, ADDRESSES);
	add_records(&text, NAME, "TXT google-site-verification=x");
	assert_null(plan_why_addresses(&plain, "example.test", &none, &strict));
	assert_null(plan_why_addresses(&plain, "example.test", &addresses, &strict));
	assert_contains(plan_why_addresses(&plain, NAME, &none, &strict), "apex");
	assert_contains(plan_why_addresses(&pinned, "example.test", &none, &strict), "CAA");
	assert_contains(plan_why_addresses(&plain, "example.test", &text, &strict), "beside");
	assert_null(plan_why_addresses(&pinned, NAME, &text, &lenient));
}

static void the_app_address_is_kept_current(void **state)
{
	static const struct alias_case cases[] = {
	    {"", "+ TXT abcdef01:443\n"},
	    {"TXT abcdef01:443", ""},
	    {"TXT abcdef01:8443", "~ TXT abcdef01:8443 -> TXT abcdef01:443\n"},
	    {"TXT 00ff:1\nTXT ABCDEF:65535",
	     "~ TXT 00ff:1 -> TXT abcdef01:443\n- TXT ABCDEF:65535\n"},
	    {"TXT 00ff:1\nTXT abcdef01:443", "- TXT 00ff:1\n"},
	    {"TXT hello", "+ TXT abcdef01:443\n"},
	    {"TXT abcdef01:443\nTXT abcdef01:443\nTXT hello\nTXT hello", "- TXT abcdef01:443\n"},
	    {"TXT 00ff:\nTXT :443\nTXT 00fg:1\nTXT 00ff:123456\nTXT 00ff:1 \nTXT abcdef01:443", ""},
	};
	struct desired_records desired = {.name = "_dstack." NAME, .txt = true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_plan(&desired, cases[i].present, "", false, cases[i].changes);
}

static void at_a_shared_name_other_apps_stay(void **state)
{
	static const struct alias_case cases[] = {
	    {"", "+ TXT abcdef01:443\n"},
	    {"TXT abcdef01:443", ""},
	    {"TXT 00ff:443", "+ TXT abcdef01:443\n"},
	    {"TXT 00ff:443\nTXT ABCDEF01:8443", "~ TXT ABCDEF01:8443 -> TXT abcdef01:443\n"},
	    {"TXT abcdef:443\nTXT abcdef0100:443\nTXT abcdef01:443", ""},
	};
	struct desired_records desired = {.name = "_dstack." NAME, .txt = true, .is_shared = true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_plan(&desired, cases[i].present, "", false, cases[i].changes);
}

static void a_foreign_text_beside_it_is_warned_of(void **state)
{
	static const struct {
		const char *present, *warned;
	} cases[] = {
	    {"", NULL},
	    {"TXT abcdef01:443", NULL},
	    {"TXT 00ff:1\nMX 10 mail.test", NULL},
	    {"TXT abcdef01:443\nTXT hello", "(\"hello\")"},
	    {"TXT 00ff:123456", "(\"00ff:123456\")"},
	};
	struct desired_records desired = {.name = "_dstack." NAME, .txt = true};
	struct plan_rules rules = rules_of(false);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_RECORDS struct record_list there = {0};
		struct error err = ERROR_INIT;
		struct plan plan;
		plan_init(&plan);
		add_records(&there, desired.name, cases[i].present);
		assert_int_equal(
		    plan_make(&desired, "example.test", &there, NULL, &rules, &plan, &err), 0);
		if (cases[i].warned == NULL)
			assert_string_equal(buffer_text(&plan.warnings), "");
		else
			assert_contains(buffer_text(&plan.warnings), cases[i].warned);
		plan_free(&plan);
	}
}

static void the_app_address_is_cached_for_a_minute(void **state)
{
	static const char *const present[] = {"", "TXT 00ff:1"};
	struct desired_records desired = {.name = "_dstack." NAME, .txt = true};
	struct plan_rules rules = rules_of(false);

	(void)state;
	for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++) {
		AUTO_RECORDS struct record_list there = {0};
		struct error err = ERROR_INIT;
		struct plan plan;
		plan_init(&plan);
		add_records(&there, desired.name, present[i]);
		assert_int_equal(
		    plan_make(&desired, "example.test", &there, NULL, &rules, &plan, &err), 0);
		assert_int_equal(plan.changes.count, 1);
		assert_int_equal(plan.changes.items[0].after.ttl, 60);
		plan_free(&plan);
	}
}

static void no_txt_beside_a_cname(void **state)
{
	struct desired_records desired = {.name = "_dstack." NAME, .txt = true};

	(void)state;
	expect_plan(&desired, "CNAME elsewhere.test", "", false, NULL);
	expect_plan(&desired, "CNAME elsewhere.test", "", true, "+ TXT abcdef01:443\n");
}

static void the_ttl_of_an_updated_record_stays(void **state)
{
	AUTO_RECORDS struct record_list there = {0};
	struct desired_records desired = {.name = NAME, .alias = true};
	struct plan_rules rules = rules_of(false);
	struct error err = ERROR_INIT;
	struct plan plan;

	(void)state;
	plan_init(&plan);
	add_records(&there, NAME, "CNAME old.test");
	assert_int_equal(plan_make(&desired, "example.test", &there, NULL, &rules, &plan, &err), 0);
	assert_int_equal(plan.changes.items[0].after.ttl, 60);
	plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_alias_becomes_a_cname),
	    cmocka_unit_test(an_alias_becomes_addresses),
	    cmocka_unit_test(a_proxied_record_is_no_alias),
	    cmocka_unit_test(a_delegated_name_is_refused),
	    cmocka_unit_test(where_a_cname_cannot_stand),
	    cmocka_unit_test(the_app_address_is_kept_current),
	    cmocka_unit_test(at_a_shared_name_other_apps_stay),
	    cmocka_unit_test(a_foreign_text_beside_it_is_warned_of),
	    cmocka_unit_test(the_app_address_is_cached_for_a_minute),
	    cmocka_unit_test(no_txt_beside_a_cname),
	    cmocka_unit_test(the_ttl_of_an_updated_record_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
