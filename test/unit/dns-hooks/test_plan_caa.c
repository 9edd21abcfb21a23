/* CAA records: what is added, what counts as an old one of ours, what is warned about. */
#include "test/unit/dns-hooks/planning.h"

#define BASE "example.test"
#define OTHER_PIN "other.test; validationmethods=dns-01; accounturi=" ACCOUNT

struct outcome {
	struct buffer changes;
	struct plan plan;
	struct error err;
	int result;
};

static void plan_desired(struct outcome *outcome, const struct desired_records *desired,
			 const char *present, bool cname_beside_others)
{
	AUTO_RECORDS struct record_list there = {0};
	struct plan_rules rules = rules_of(cname_beside_others);

	*outcome = (struct outcome){.err = ERROR_INIT};
	buffer_init(&outcome->changes, 65536);
	plan_init(&outcome->plan);
	add_records(&there, BASE, present);
	outcome->result =
	    plan_make(desired, "example.test", &there, NULL, &rules, &outcome->plan, &outcome->err);
	describe_changes(&outcome->changes, &outcome->plan.changes);
}

static void plan_for(struct outcome *outcome, enum caa_wish issue, enum caa_wish issuewild,
		     const char *present, bool cname_beside_others)
{
	struct desired_records desired = {
	    .name = BASE, .base = BASE, .issue = issue, .issuewild = issuewild, .caa_stands = true};

	plan_desired(outcome, &desired, present, cname_beside_others);
}

static void outcome_free(struct outcome *outcome)
{
	buffer_free(&outcome->changes);
	plan_free(&outcome->plan);
}

/* `warning` is a part of what has to be warned about, NULL for nothing at all. */
static void expect(enum caa_wish issue, enum caa_wish issuewild, const char *present,
		   const char *changes, const char *warning)
{
	struct outcome outcome;

	plan_for(&outcome, issue, issuewild, present, false);
	assert_int_equal(outcome.result, 0);
	assert_string_equal(buffer_text(&outcome.changes), changes);
	if (warning == NULL)
		assert_string_equal(buffer_text(&outcome.plan.warnings), "");
	else
		assert_contains(buffer_text(&outcome.plan.warnings), warning);
	outcome_free(&outcome);
}

#define ADD_ISSUE "+ CAA 0 issue \"" PIN "\"\n"
#define ADD_WILD "+ CAA 0 issuewild \"" PIN "\"\n"

static void a_plain_domain_is_pinned_by_issue(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "", ADD_ISSUE, NULL);
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"" PIN "\"", "", NULL);
	/* as an API may make it whose answer was lost */
	expect(CAA_WISH_PIN, CAA_WISH_NONE,
	       "CAA 0 issue \"" PIN "\"\nCAA 0 issue \"" PIN "\"\nCAA 0 issue \"" PIN "\"",
	       "- CAA 0 issue \"" PIN "\"\n- CAA 0 issue \"" PIN "\"\n", NULL);
	/* as programs before this one wrote it */
	expect(CAA_WISH_PIN, CAA_WISH_NONE,
	       "CAA 0 issue \"ca.test;accounturi=" ACCOUNT ";validationmethods=dns-01\"", "", NULL);
}

static void the_new_pin_comes_before_the_old_one_goes(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"" OLD_PIN "\"",
	       ADD_ISSUE "- CAA 0 issue \"" OLD_PIN "\"\n", NULL);
	expect(CAA_WISH_PIN, CAA_WISH_NONE,
	       "CAA 0 issue \"alias." OLD_PIN "\"\nCAA 0 issue \"" PIN "\"",
	       "- CAA 0 issue \"alias." OLD_PIN "\"\n", NULL);
}

static void a_wildcard_is_pinned_by_both_tags(void **state)
{
	(void)state;
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, "", "+ CAA 0 issue \";\"\n" ADD_WILD, NULL);
	expect(CAA_WISH_PIN, CAA_WISH_PIN, "", ADD_ISSUE ADD_WILD, NULL);
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, "CAA 0 issue \";\"\nCAA 0 issuewild \"" OLD_PIN "\"",
	       ADD_WILD "- CAA 0 issuewild \"" OLD_PIN "\"\n", NULL);
}

static void what_was_done_for_a_wildcard_is_said(void **state)
{
	struct outcome outcome;

	(void)state;
	plan_for(&outcome, CAA_WISH_NOBODY, CAA_WISH_PIN, "", false);
	assert_contains(buffer_text(&outcome.plan.notes), "issue \";\"");
	outcome_free(&outcome);
	plan_for(&outcome, CAA_WISH_PIN, CAA_WISH_PIN, "", false);
	assert_contains(buffer_text(&outcome.plan.notes), "same value");
	outcome_free(&outcome);
}

static void a_pin_of_the_base_serves_for_nobody(void **state)
{
	struct outcome outcome;

	(void)state;
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, "CAA 0 issue \"" PIN "\"", ADD_WILD, NULL);
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, "CAA 128 issue \"alias." PIN "\"", ADD_WILD, NULL);
	plan_for(&outcome, CAA_WISH_NOBODY, CAA_WISH_PIN, "CAA 0 issue \"" PIN "\"", false);
	assert_contains(buffer_text(&outcome.plan.notes), "the issue record that is there");
	assert_null(strstr(buffer_text(&outcome.plan.notes), "\";\""));
	outcome_free(&outcome);
}

/* The CA compares letter by letter: such a record binds nobody, or lets nobody issue. */
static void another_spelling_is_not_the_pin(void **state)
{
	static const char issuer[] = "CAA 0 issue \"CA.test; validationmethods=dns-01; "
				     "accounturi=" ACCOUNT "\"",
			  tags[] = "CAA 0 issue \"ca.test; ValidationMethods=dns-01; "
				   "AccountURI=" ACCOUNT "\"";

	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, issuer,
	       ADD_ISSUE "- CAA 0 issue \"CA.test; validationmethods=dns-01; accounturi=" ACCOUNT
			 "\"\n",
	       NULL);
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, issuer, "+ CAA 0 issue \";\"\n" ADD_WILD, "CA.test");
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, tags, "+ CAA 0 issue \";\"\n" ADD_WILD, "weakens");
}

/* Whatever comes first: it is the right one that stays. */
static void of_two_spellings_the_right_one_stays(void **state)
{
#define WRONG "CAA 0 issue \"CA.TEST; validationmethods=dns-01; accounturi=" ACCOUNT "\""
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, WRONG "\nCAA 0 issue \"" PIN "\"", "- " WRONG "\n",
	       NULL);
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"" PIN "\"\n" WRONG, "- " WRONG "\n",
	       NULL);
#undef WRONG
}

static void what_the_ca_has_to_refuse_is_told(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 128 tbs \"\"", ADD_ISSUE, "has to refuse");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 tbs \"\"", ADD_ISSUE, NULL);
}

static void a_critical_pin_weakens_nothing(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 128 issue \"" PIN "\"", ADD_ISSUE, NULL);
}

/* Another instance may serve the base with an account of its own. */
static void the_pin_of_another_instance_is_left_alone(void **state)
{
	(void)state;
	expect(CAA_WISH_NOBODY, CAA_WISH_PIN, "CAA 0 issue \"" OLD_PIN "\"",
	       "+ CAA 0 issue \";\"\n" ADD_WILD, "acct/1");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issuewild \"" OLD_PIN "\"", ADD_ISSUE, NULL);
}

static void foreign_records_stay_and_are_warned_about(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"other.test\"", ADD_ISSUE, "other.test");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"ca.test\"", ADD_ISSUE, "weakens");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"" OTHER_PIN "\"", ADD_ISSUE,
	       "other.test");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 0 issue \"" OLD_PIN "; policy=x\"", ADD_ISSUE,
	       "policy=x");
	expect(CAA_WISH_PIN, CAA_WISH_PIN, "CAA 0 issuewild \"other.test\"", ADD_ISSUE ADD_WILD,
	       "other.test");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA 128 future \"x\"", ADD_ISSUE, "refuse");
	expect(CAA_WISH_PIN, CAA_WISH_NONE, "CAA nonsense", ADD_ISSUE, "nonsense");
}

static void harmless_foreign_records_are_passed_over(void **state)
{
	(void)state;
	expect(CAA_WISH_PIN, CAA_WISH_NONE,
	       "CAA 0 iodef \"mailto:a@b.test\"\nCAA 0 issue \";\"\nCAA 0 future \"x\"\n"
	       "CAA 0 issuewild \"other.test\"\nTXT x\nA 192.0.2.1",
	       ADD_ISSUE, NULL);
}

static void no_caa_beside_a_cname(void **state)
{
	struct outcome outcome;

	(void)state;
	plan_for(&outcome, CAA_WISH_PIN, CAA_WISH_NONE, "CNAME elsewhere.test", false);
	assert_int_equal(outcome.result, -1);
	assert_contains(outcome.err.text, "elsewhere.test");
	outcome_free(&outcome);
	plan_for(&outcome, CAA_WISH_PIN, CAA_WISH_NONE, "CNAME elsewhere.test", true);
	assert_int_equal(outcome.result, 0);
	assert_string_equal(buffer_text(&outcome.changes), ADD_ISSUE);
	outcome_free(&outcome);
}

/* One name, alias and CAA together: the CNAME has to be addresses before CAA can stand. */
static void the_alias_gives_way_in_the_same_plan(void **state)
{
	AUTO_RECORDS struct record_list there = {0}, addresses = {0};
	struct desired_records desired = {
	    .name = BASE, .base = BASE, .alias = true, .issue = CAA_WISH_PIN, .caa_stands = true};
	struct plan_rules rules = rules_of(false);
	struct error err = ERROR_INIT;
	struct buffer text;
	struct plan plan;

	(void)state;
	buffer_init(&text, 65536);
	plan_init(&plan);
	add_records(&there, BASE, "CNAME " GATEWAY);
	add_records(&addresses, GATEWAY, "A 192.0.2.1");
	assert_int_equal(
	    plan_make(&desired, "example.test", &there, &addresses, &rules, &plan, &err), 0);
	describe_changes(&text, &plan.changes);
	assert_string_equal(buffer_text(&text), "~ CNAME gateway.test -> A 192.0.2.1\n" ADD_ISSUE);
	buffer_free(&text);
	plan_free(&plan);
}

static void at_a_shared_name_the_pins_of_others_stay(void **state)
{
	static const struct {
		const char *present, *changes, *warning;
		bool cname_beside_others;
	} cases[] = {
	    {"", ADD_ISSUE, NULL, false},
	    {"CAA 0 issue \"" OLD_PIN "\"", ADD_ISSUE, NULL, false},
	    {"CAA 0 issue \"" OLD_PIN "\"\nCAA 0 issue \"" PIN "\"", "", NULL, false},
	    {"CAA 0 issue \"other.test\"", ADD_ISSUE, "weakens", false},
	    {"CNAME node.test", "", "is a CNAME", false},
	    {"CNAME node.test", ADD_ISSUE, NULL, true},
	};
	struct desired_records desired = {.name = BASE,
					  .base = BASE,
					  .issue = CAA_WISH_PIN,
					  .caa_stands = true,
					  .is_shared = true};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plan_desired(&outcome, &desired, cases[i].present, cases[i].cname_beside_others);
		assert_int_equal(outcome.result, 0);
		assert_string_equal(buffer_text(&outcome.changes), cases[i].changes);
		if (cases[i].warning == NULL)
			assert_string_equal(buffer_text(&outcome.plan.warnings), "");
		else
			assert_contains(buffer_text(&outcome.plan.warnings), cases[i].warning);
		outcome_free(&outcome);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_domain_is_pinned_by_issue),
	    cmocka_unit_test(the_new_pin_comes_before_the_old_one_goes),
	    cmocka_unit_test(a_wildcard_is_pinned_by_both_tags),
	    cmocka_unit_test(what_was_done_for_a_wildcard_is_said),
	    cmocka_unit_test(a_pin_of_the_base_serves_for_nobody),
	    cmocka_unit_test(another_spelling_is_not_the_pin),
	    cmocka_unit_test(of_two_spellings_the_right_one_stays),
	    cmocka_unit_test(what_the_ca_has_to_refuse_is_told),
	    cmocka_unit_test(a_critical_pin_weakens_nothing),
	    cmocka_unit_test(the_pin_of_another_instance_is_left_alone),
	    cmocka_unit_test(foreign_records_stay_and_are_warned_about),
	    cmocka_unit_test(harmless_foreign_records_are_passed_over),
	    cmocka_unit_test(no_caa_beside_a_cname),
	    cmocka_unit_test(the_alias_gives_way_in_the_same_plan),
	    cmocka_unit_test(at_a_shared_name_the_pins_of_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
