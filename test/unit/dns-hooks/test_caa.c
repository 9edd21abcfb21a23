/* CAA values: what counts as ours, what as the same, what as a loosening (RFC 8659, 8657). */
#include "dns-hooks/records/caa.h"

#include "test/unit/common/unit.h"

#define URI "https://ca.test/acme/acct/1"

static struct caa caa_of(const char *text)
{
	struct caa caa;

	assert_int_equal(caa_parse(text, &caa), 0);
	return caa;
}

static void test_parts_are_read(void **state)
{
	struct caa caa = caa_of("128 IssueWild \"ca.test; policy=ev\"");

	(void)state;
	assert_int_equal(caa.flags, 128);
	assert_string_equal(caa.tag, "issuewild");
	assert_string_equal(caa.value, "ca.test; policy=ev");
}

static void test_what_is_no_caa_record_is_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "issue \"x\"",
					    "0",
					    "256 issue \"x\"",
					    "0 is-sue \"x\"",
					    "0 issue \"x",
					    "-1 issue \"x\"",
					    "0 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \"x\""};
	struct caa caa;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(caa_parse(wrong[i], &caa), -1);
}

static void test_writing_gives_back_what_was_read(void **state)
{
	static const char text[] = "0 issue \"a \\\"quoted\\\" \\\\ thing\"";
	struct caa caa = caa_of(text);
	char again[CAA_TEXT_MAX];

	(void)state;
	caa_format(&caa, again);
	assert_string_equal(again, text);
}

static void expect_same(const char *a, const char *b, bool wanted)
{
	struct caa left = caa_of(a), right = caa_of(b);

	assert_int_equal(caa_same(&left, &right), wanted);
	assert_int_equal(caa_same(&right, &left), wanted);
}

static void test_spacing_and_order_do_not_matter(void **state)
{
	(void)state;
	expect_same("0 issue \"ca.test; a=1; b=2\"", "0 issue \"  ca.test;b = 2 ;a=1\"", true);
	expect_same("0 issue \"ca.test\"", "0 issue \"ca.test;\"", true);
	expect_same("0 issue \";\"", "0 issue \"\"", true);
}

static void test_every_other_difference_matters(void **state)
{
	(void)state;
	expect_same("0 issue \"ca.test\"", "128 issue \"ca.test\"", false);
	expect_same("0 issue \"ca.test\"", "0 issuewild \"ca.test\"", false);
	expect_same("0 issue \"ca.test\"", "0 issue \"ca.test; a=1\"", false);
	expect_same("0 issue \"ca.test; a=1\"", "0 issue \"ca.test; a=2\"", false);
	expect_same("0 issue \"ca.test; a=1; a=1\"", "0 issue \"ca.test; a=1; a=2\"", false);
	expect_same("0 issue \"ca.test; a=" URI "\"", "0 issue \"ca.test; a=" URI "/\"", false);
	expect_same("0 iodef \"mailto:a@b\"", "0 iodef \"mailto:a@b \"", false);
	/* the second is malformed, and lets nobody issue */
	expect_same("0 issue \"ca.test; a=1\"", "0 issue \"ca.test; a=1;\"", false);
	/* Let's Encrypt compares the issuer as it is written */
	expect_same("0 issue \"ca.test\"", "0 issue \"CA.test\"", false);
	/* a tag of parameters is compared as it is written: RFC 8657 defines lower case */
	expect_same("0 issue \"ca.test; a=x\"", "0 issue \"ca.test; a=X\"", false);
}

static void expect_pin(const char *text, bool wanted)
{
	struct caa caa = caa_of(text);
	struct caa_pin pin;

	assert_int_equal(caa_is_pin(&caa, &pin), wanted);
	if (wanted) {
		assert_string_equal(pin.issuer, "ca.test");
		assert_string_equal(pin.account_uri, URI);
	}
}

static void test_only_our_shape_is_a_pin(void **state)
{
	(void)state;
	expect_pin("0 issue \"ca.test; validationmethods=dns-01; accounturi=" URI "\"", true);
	expect_pin("0 issuewild \"ca.test;accounturi=" URI ";validationmethods=dns-01\"", true);
	expect_pin("0 issue \"ca.test; accounturi=" URI "\"", false);
	expect_pin("0 issue \"ca.test; validationmethods=dns-01\"", false);
	expect_pin("0 issue \"ca.test; validationmethods=http-01; accounturi=" URI "\"", false);
	expect_pin("0 issue \"ca.test; validationmethods=dns-01,http-01; accounturi=" URI "\"",
		   false);
	expect_pin("0 issue \"ca.test; validationmethods=dns-01; accounturi=" URI "; x=y\"", false);
	expect_pin("0 issue \"ca.test; accounturi=" URI "; accounturi=" URI "\"", false);
	expect_pin("128 issue \"ca.test; validationmethods=dns-01; accounturi=" URI "\"", false);
	expect_pin("0 issuemail \"ca.test; validationmethods=dns-01; accounturi=" URI "\"", false);
	expect_pin("0 issue \".; validationmethods=dns-01; accounturi=" URI "\"", false);
	expect_pin("0 issue \"; validationmethods=dns-01; accounturi=" URI "\"", false);
	expect_pin("0 issue \"ca.test; validationmethods; accounturi=" URI "\"", false);
}

static void test_what_is_written_is_a_pin(void **state)
{
	struct caa_pin pin = {.issuer = "ca.test", .account_uri = URI}, again;
	struct caa caa = {.flags = 0, .tag = "issue"};

	(void)state;
	caa_pin_value(&pin, "; ", caa.value);
	assert_string_equal(caa.value, "ca.test; validationmethods=dns-01; accounturi=" URI);
	assert_true(caa_is_pin(&caa, &again));
	caa_pin_value(&pin, ";", caa.value);
	assert_null(strchr(caa.value, ' '));
	assert_true(caa_is_pin(&caa, &again));
}

static void expect_blocks(const char *text, bool any_ca, bool lets_encrypt)
{
	static const struct caa_identities any = {{"ca.test"}, 1};
	static const struct caa_identities strict = {{"ca.test", "letsencrypt.org"}, 2};
	struct caa caa = caa_of(text);

	assert_int_equal(caa_blocks(&caa, &any), any_ca);
	assert_int_equal(caa_blocks(&caa, &strict), lets_encrypt);
}

static void test_what_a_ca_has_to_know(void **state)
{
	(void)state;
	expect_blocks("128 future \"x\"", true, true);
	expect_blocks("0 future \"x\"", false, false);
	expect_blocks("1 future \"x\"", false, true);
	expect_blocks("254 future \"x\"", true, true);
	expect_blocks("126 future \"x\"", false, false);
	expect_blocks("128 contactemail \"x\"", false, true);
	expect_blocks("128 issuevmc \";\"", false, true);
	expect_blocks("129 issue \"x\"", false, false);
	expect_blocks("129 issuewild \"x\"", false, false);
	expect_blocks("129 issuemail \"x\"", false, false);
	expect_blocks("129 iodef \"x\"", false, false);
}

static void test_who_may_issue(void **state)
{
	struct caa nobody = caa_of("0 issue \" ; \""), empty = caa_of("0 issuewild \"\""),
		   somebody = caa_of("0 issue \"ca.test\""),
		   broken = caa_of("0 issue \"ca.test;x\"");

	(void)state;
	assert_true(caa_forbids_all(&nobody));
	assert_true(caa_forbids_all(&empty));
	assert_true(caa_forbids_all(&broken));
	assert_false(caa_forbids_all(&somebody));
}

static void test_an_account_uri_must_fit_into_the_record(void **state)
{
	static const char *const wrong[] = {"",
					    "acct/1",
					    "ftp://ca.test/1",
					    "https://ca.test/a;b",
					    "https://ca.test/a b",
					    "https://ca.test/\"",
					    "https://ca.test/\\",
					    "https://ca.test/\n"};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(caa_check_account_uri(URI, &err), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(caa_check_account_uri(wrong[i], &err), -1);
		assert_int_equal(err.code, EXIT_USAGE_ERROR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts_are_read),
	    cmocka_unit_test(test_what_is_no_caa_record_is_refused),
	    cmocka_unit_test(test_writing_gives_back_what_was_read),
	    cmocka_unit_test(test_spacing_and_order_do_not_matter),
	    cmocka_unit_test(test_every_other_difference_matters),
	    cmocka_unit_test(test_only_our_shape_is_a_pin),
	    cmocka_unit_test(test_what_is_written_is_a_pin),
	    cmocka_unit_test(test_who_may_issue),
	    cmocka_unit_test(test_what_a_ca_has_to_know),
	    cmocka_unit_test(test_an_account_uri_must_fit_into_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
