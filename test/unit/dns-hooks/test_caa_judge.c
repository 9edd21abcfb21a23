/* What CAA records let a CA do (RFC 8659 section 4, RFC 8657), record by record. */
#include "dns-hooks/caa/caa_judge.h"

#include "test/unit/common/unit.h"

#define CA "ca.test"
#define ACCOUNT "https://ca.test/acme/acct/1"

enum { RECORDS_MAX = 4 };

struct sample {
	const char *records[RECORDS_MAX];
	const char *why; /* part of the sentence; NULL: it permits */
};

static void judge(const struct sample *sample, bool is_wildcard)
{
	static const struct caa_identities identities = {{CA, "alias.test"}, 2};
	const struct caa_applicant applicant = {&identities, ACCOUNT, is_wildcard};
	struct caa_set set = {0};
	struct error why = ERROR_INIT;

	for (size_t i = 0; i < RECORDS_MAX && sample->records[i] != NULL; i++) {
		struct caa caa;
		assert_int_equal(caa_parse(sample->records[i], &caa), 0);
		assert_int_equal(caa_set_add(&set, &caa, &why), 0);
	}
	bool permits = caa_set_permits(&set, &applicant, &why);
	if (permits != (sample->why == NULL))
		fail_msg("%s (%s): %s", sample->records[0], is_wildcard ? "wildcard" : "plain",
			 permits ? "permits" : why.text);
	if (sample->why != NULL) {
		assert_contains(why.text, sample->why);
		assert_int_equal(why.code, EXIT_FAILED);
	}
	caa_set_free(&set);
}

#define judge_all(samples, is_wildcard)                                     \
	for (size_t i = 0; i < sizeof(samples) / sizeof((samples)[0]); i++) \
	judge(&(samples)[i], is_wildcard)

static void test_who_may_issue_for_a_name(void **state)
{
	static const struct sample samples[] = {
	    {{"0 issue \"ca.test\""}, NULL},
	    {{"0 issue \"alias.test\""}, NULL},
	    {{"0 issue \" \t ca.test ;\""}, NULL},
	    {{"128 issue \"ca.test\""}, NULL},
	    {{"0 ISSUE \"ca.test\""}, NULL},
	    {{"0 issue \"other.test\"", "0 issue \"ca.test\""}, NULL},
	    {{"0 issue \";\"", "0 issue \"ca.test\""}, NULL},
	    {{"0 iodef \"mailto:x@ca.test\"", "0 contactemail \"x@ca.test\""}, NULL},
	    {{"0 issuewild \"other.test\""}, NULL},
	    {{"0 issue \"other.test\""}, "add CAA 0 issue \"ca.test\" beside it"},
	    {{"0 issue \"sub.ca.test\""}, "only another CA"},
	    {{"0 issue \";\""}, "lets nobody issue"},
	    {{"0 issue \"\""}, "lets nobody issue"},
	    {{"0 issue \"; accounturi=" ACCOUNT "\""}, "lets nobody issue"},
	    {{"0 issue \"CA.test\""}, "in other letters"},
	    {{"0 issue \"other.test\"", "0 issuewild \"ca.test\""}, "only another CA"},
	    {{"0 issue \"other.test\"", "0 iodef \"mailto:x@ca.test\""}, "only another CA"},
	};

	(void)state;
	judge_all(samples, false);
}

static void test_who_may_issue_for_a_wildcard(void **state)
{
	static const struct sample samples[] = {
	    {{"0 issue \"ca.test\""}, NULL},
	    {{"0 issue \";\"", "0 issuewild \"ca.test\""}, NULL},
	    {{"0 issuewild \"other.test\"", "0 issuewild \"ca.test\""}, NULL},
	    {{"0 issue \"other.test\""}, "add CAA 0 issue"},
	    {{"0 issue \"ca.test\"", "0 issuewild \"other.test\""}, "add CAA 0 issuewild"},
	    {{"0 issue \"ca.test\"", "0 issuewild \";\""}, "lets nobody issue"},
	};

	(void)state;
	judge_all(samples, true);
}

static void test_account_and_method_count(void **state)
{
	static const struct sample samples[] = {
	    {{"0 issue \"ca.test; accounturi=" ACCOUNT "\""}, NULL},
	    {{"0 issue \"ca.test;validationmethods=dns-01;accounturi=" ACCOUNT "\""}, NULL},
	    {{"0 issue \"ca.test; validationmethods=http-01,dns-01\""}, NULL},
	    {{"0 issue \"ca.test; policy=ev\""}, NULL},
	    {{"0 issue \"ca.test; a-b = c=d\""}, NULL},
	    {{"0 issue \"ca.test; accounturi=" ACCOUNT "0\"", "0 issue \"ca.test\""}, NULL},
	    {{"0 issue \"ca.test; accounturi=" ACCOUNT "0\""}, "the one in use is " ACCOUNT},
	    {{"0 issue \"ca.test; accounturi=\""}, "another ACME account"},
	    {{"0 issue \"ca.test; validationmethods=http-01\""}, "does not allow dns-01"},
	    {{"0 issue \"ca.test; validationmethods=\""}, "does not allow dns-01"},
	    {{"0 issue \"ca.test; validationmethods=DNS-01\""}, "does not allow dns-01"},
	    {{"0 issue \"ca.test; validationmethods=http_01,dns-01\""}, "does not allow dns-01"},
	    {{"0 issue \"ca.test; validationmethods=,dns-01\""}, "does not allow dns-01"},
	    {{"0 issue \"ca.test; validationmethods=xdns-01\""}, "does not allow dns-01"},
	    /* The nearest miss is told. */
	    {{"0 issue \"other.test\"", "0 issue \"ca.test; accounturi=https://x.test/1\""},
	     "another ACME account"},
	};

	(void)state;
	judge_all(samples, false);
}

static void test_what_is_wrong_voids_the_record(void **state)
{
	static const struct sample samples[] = {
	    {{"0 issue \"ca.test; accounturi=" ACCOUNT "; accounturi=" ACCOUNT "\""},
	     "a parameter twice"},
	    {{"0 issue \"ca.test; validationmethods=dns-01; validationmethods=dns-01\""},
	     "a parameter twice"},
	    {{"0 issue \"ca.test; account\""}, "malformed"},
	    {{"0 issue \"ca.test; =x\""}, "malformed"},
	    {{"0 issue \"ca.test; a_b=x\""}, "malformed"},
	    {{"0 issue \"ca.test; -a=x\""}, "malformed"},
	    {{"0 issue \"ca.test; a=b c\""}, "malformed"},
	    {{"0 issue \"ca.test; a=b;\""}, "malformed"},
	    {{"0 issue \"ca.test;; a=b\""}, "malformed"},
	    {{"0 issue \"ca.test;;\""}, "malformed"},
	    {{"0 issue \"ca test\""}, "malformed"},
	    {{"128 tbs \"Unknown\"", "0 issue \"ca.test\""}, "critical"},
	};
	static const struct sample fine[] = {
	    {{"0 tbs \"Unknown\"", "0 issue \"ca.test\""}, NULL},
	    {{"128 issuemail \";\"", "0 issue \"ca.test\""}, NULL},
	};

	(void)state;
	judge_all(samples, false);
	judge_all(samples, true);
	judge_all(fine, false);
}

static void test_an_account_that_is_not_known_is_not_compared(void **state)
{
	static const struct caa_identities identities = {{CA}, 1};
	const struct caa_applicant applicant = {&identities, NULL, false};
	struct caa_set set = {0};
	struct caa caa;
	struct error why = ERROR_INIT;

	(void)state;
	assert_int_equal(caa_parse("0 issue \"ca.test; accounturi=" ACCOUNT "\"", &caa), 0);
	assert_int_equal(caa_set_add(&set, &caa, &why), 0);
	assert_true(caa_set_permits(&set, &applicant, &why));
	caa_set_free(&set);
}

static void judge_binding(const struct sample *sample, bool is_wildcard)
{
	struct caa_set set = {0};
	struct error why = ERROR_INIT;

	for (size_t i = 0; i < RECORDS_MAX && sample->records[i] != NULL; i++) {
		struct caa caa;
		assert_int_equal(caa_parse(sample->records[i], &caa), 0);
		assert_int_equal(caa_set_add(&set, &caa, &why), 0);
	}
	bool binds = caa_set_binds(&set, ACCOUNT, is_wildcard, &why);
	if (binds != (sample->why == NULL))
		fail_msg("%s (%s): %s", sample->records[0], is_wildcard ? "wildcard" : "plain",
			 binds ? "binds" : why.text);
	if (sample->why != NULL)
		assert_contains(why.text, sample->why);
	caa_set_free(&set);
}

#define OUR_ISSUE "0 issue \"ca.test; accounturi=" ACCOUNT "\""
#define OUR_WILD "0 issuewild \"ca.test; validationmethods=dns-01; accounturi=" ACCOUNT "\""

/* Whether anybody but the account may have certificates. */
static void test_what_is_open_to_others(void **state)
{
	static const struct sample plain[] = {
	    {{OUR_ISSUE}, NULL},
	    {{"128 issue \"ca.test; accounturi=" ACCOUNT "\""}, NULL},
	    {{OUR_ISSUE, "0 issue \";\"", "0 iodef \"mailto:x@ca.test\""}, NULL},
	    {{"0 issue \";\""}, NULL},
	    /* Without meaning for a name that is no wildcard. */
	    {{OUR_ISSUE, "0 issuewild \"ca.test\""}, NULL},
	    {{OUR_ISSUE, "0 issue \"ca.test\""}, "names no account"},
	    {{OUR_ISSUE, "0 issue \"other.test\""}, "other.test"},
	    {{OUR_ISSUE, "0 issue \"ca.test; accounturi=" ACCOUNT "1\""}, "another account"},
	    {{"0 issue \"ca.test; accounturi=" ACCOUNT "; accounturi=" ACCOUNT "\""}, "several"},
	    {{"0 issue \"ca.test; AccountURI=" ACCOUNT "\""}, "names no account"},
	    {{OUR_WILD}, "about other things"},
	    {{"0 iodef \"mailto:x@ca.test\""}, "about other things"},
	    {{"128 tbs \"x\""}, "about other things"},
	    {{"128 tbs \"x\"", "0 issue \"ca.test\""}, "names no account"},
	};
	static const struct sample wildcard[] = {
	    {{OUR_ISSUE}, NULL},
	    {{OUR_WILD}, NULL},
	    {{OUR_WILD, "0 issue \"ca.test\""}, NULL},
	    {{OUR_ISSUE, "0 issuewild \"ca.test\""}, "names no account"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		judge_binding(&plain[i], false);
	for (size_t i = 0; i < sizeof(wildcard) / sizeof(wildcard[0]); i++)
		judge_binding(&wildcard[i], true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_may_issue_for_a_name),
	    cmocka_unit_test(test_who_may_issue_for_a_wildcard),
	    cmocka_unit_test(test_account_and_method_count),
	    cmocka_unit_test(test_what_is_wrong_voids_the_record),
	    cmocka_unit_test(test_an_account_that_is_not_known_is_not_compared),
	    cmocka_unit_test(test_what_is_open_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
