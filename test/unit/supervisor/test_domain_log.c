/* What the log is told of a domain's failures, and of their ends. */
#include "test/unit/common/stderr.h"

#include "common/log.h"
#include "supervisor/domain_log.h"

static struct domain_log opened(void)
{
	log_setup("ingressd", LOG_INFO, LOG_PREFIXED);
	return (struct domain_log){.domain = "app.demo.test"};
}

static void what_holds_up_nothing_is_told_once(void **state)
{
	struct domain_log log = opened();

	(void)state;
	domain_log_passed(&log, STEP_RECORDS, "the API is away");
	assert_string_equal(written(), "<4>[app.demo.test] records failed, which holds up nothing: "
				       "the API is away\n");
	domain_log_passed(&log, STEP_RECORDS, "the API is away");
	assert_string_equal(written(), "");
	/* Another step's is another failure, and so is another text. */
	domain_log_passed(&log, STEP_CAA, "the API is away");
	assert_string_equal(written(), "<4>[app.demo.test] caa failed, which holds up nothing: "
				       "the API is away\n");
	domain_log_passed(&log, STEP_RECORDS, "the token is refused");
	assert_string_equal(written(), "<4>[app.demo.test] records failed, which holds up nothing: "
				       "the token is refused\n");
	domain_log_free(&log);
}

static void its_end_is_told_with_what_was_told_last(void **state)
{
	struct domain_log log = opened();

	(void)state;
	domain_log_done(&log, STEP_RECORDS);
	assert_string_equal(written(), "");
	domain_log_passed(&log, STEP_RECORDS, "the API is away");
	domain_log_passed(&log, STEP_RECORDS, "the token is refused");
	written();
	domain_log_done(&log, STEP_CAA);
	assert_string_equal(written(), "");
	domain_log_done(&log, STEP_RECORDS);
	assert_string_equal(written(), "<6>[app.demo.test] records: this is over: "
				       "the token is refused\n");
	domain_log_done(&log, STEP_RECORDS);
	assert_string_equal(written(), "");
	/* When it comes back, that is told. */
	domain_log_passed(&log, STEP_RECORDS, "the token is refused");
	assert_string_not_equal(written(), "");
	domain_log_free(&log);
}

static void an_attempt_that_failed_is_told_each_time(void **state)
{
	struct domain_log log = opened();

	(void)state;
	for (int i = 0; i < 2; i++) {
		domain_log_failed(&log, STEP_ISSUE, 2, 60, "the CA is away");
		assert_string_equal(written(), "<4>[app.demo.test] issue failed (attempt 2, again "
					       "in 60 s): the CA is away\n");
	}
	domain_log_free(&log);
}

static void all_is_well_only_when_nothing_is_open(void **state)
{
	struct domain_log log = opened();

	(void)state;
	domain_log_rests(&log, 0);
	assert_string_equal(written(), "");
	domain_log_passed(&log, STEP_CAA, "the API is away");
	written();
	domain_log_rests(&log, 2);
	assert_string_equal(written(), "<6>[app.demo.test] the certificate is in order, after 2 "
				       "failed attempts\n");
	domain_log_done(&log, STEP_CAA);
	written();
	domain_log_rests(&log, 1);
	assert_string_equal(written(),
			    "<6>[app.demo.test] all is well again, after 1 failed attempt\n");
	domain_log_free(&log);
}

#define test(name) cmocka_unit_test_setup_teardown(name, catch_stderr, release_stderr)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    test(what_holds_up_nothing_is_told_once),
	    test(its_end_is_told_with_what_was_told_last),
	    test(an_attempt_that_failed_is_told_each_time),
	    test(all_is_well_only_when_nothing_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
