/* What the log is told of a domain's failures, and of their ends. */
#include "test/unit/common/stderr.h"

#include "common/log.h"
#include "supervisor/domains/domain_log.h"

static struct domain_log opened(void)
{
	log_setup("ingressd", LOG_INFO, LOG_PREFIXED);
	return (struct domain_log){.domain = "app.demo.test"};
}

static struct error error_of(enum exit_code code, const char *text)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "%s", text);
	return err;
}

static void pass(struct domain_log *log, enum step step, const char *why)
{
	struct error err = error_of(EXIT_FAILED, why);

	domain_log_passed(log, step, &err);
}

static void fail_with(struct domain_log *log, enum exit_code code, const char *why)
{
	struct error err = error_of(code, why);

	domain_log_failed(log, STEP_PREFLIGHT, 2, 60, &err);
}

static void what_holds_up_nothing_is_told_once(void **state)
{
	struct domain_log log = opened();

	(void)state;
	pass(&log, STEP_RECORDS, "the token is refused");
	assert_string_equal(written(), ""); /* an order may need what failed */
	domain_log_rests(&log, 0, 60);
	assert_string_equal(
	    written(), "<4>[app.demo.test] records failed, which holds up nothing (again in 60 s): "
		       "the token is refused\n");
	pass(&log, STEP_RECORDS, "the token is refused");
	domain_log_rests(&log, 0, 60);
	assert_string_equal(written(), "");
	/* Another step's is another failure, and so is another text. */
	pass(&log, STEP_CAA, "the token is refused");
	domain_log_rests(&log, 0, 60);
	assert_string_equal(
	    written(), "<4>[app.demo.test] caa failed, which holds up nothing (again in 60 s): "
		       "the token is refused\n");
	pass(&log, STEP_RECORDS, "there are too many records");
	domain_log_rests(&log, 0, 60);
	assert_string_equal(
	    written(), "<4>[app.demo.test] records failed, which holds up nothing (again in 60 s): "
		       "there are too many records\n");
	domain_log_free(&log);
}

static void its_end_is_told_with_what_was_told_last(void **state)
{
	struct domain_log log = opened();

	(void)state;
	domain_log_done(&log, STEP_RECORDS);
	assert_string_equal(written(), "");
	pass(&log, STEP_RECORDS, "the token is refused");
	domain_log_rests(&log, 0, 60);
	written();
	domain_log_done(&log, STEP_CAA);
	assert_string_equal(written(), "");
	log.since_ms[STEP_RECORDS] -= 505 * 1000;
	domain_log_done(&log, STEP_RECORDS);
	assert_matches(written(),
		       "^<6>\\[app.demo.test\\] records succeeded, after it had failed for "
		       "505 s: the token is refused\n$");
	domain_log_done(&log, STEP_RECORDS);
	assert_string_equal(written(), "");
	/* When it comes back, that is told. */
	pass(&log, STEP_RECORDS, "the token is refused");
	domain_log_rests(&log, 0, 60);
	assert_string_equal(
	    written(), "<4>[app.demo.test] records failed, which holds up nothing (again in 60 s): "
		       "the token is refused\n");
	domain_log_free(&log);
}

static void an_attempt_that_failed_is_told_each_time(void **state)
{
	struct domain_log log = opened();

	(void)state;
	for (int i = 0; i < 2; i++) {
		fail_with(&log, EXIT_FAILED, "preflight: the CA would refuse it");
		assert_string_equal(written(), "<4>[app.demo.test] preflight failed (attempt 2, "
					       "again in 60 s): the CA would refuse it\n");
	}
	domain_log_free(&log);
}

static void an_attempt_with_one_cause_is_one_line(void **state)
{
	struct domain_log log = opened();
	struct error silent = error_of(EXIT_TRY_LATER, "192.0.2.1 did not answer in time");
	struct error refused = error_of(EXIT_UNREACHABLE, "192.0.2.2: Connection refused");

	(void)state;
	domain_log_passed(&log, STEP_RECORDS, &silent);
	domain_log_passed(&log, STEP_CAA, &refused);
	fail_with(&log, EXIT_UNREACHABLE, "nobody answers");
	assert_string_equal(written(), "<4>[app.demo.test] preflight failed (attempt 2, again in "
				       "60 s): nobody answers\n");
	pass(&log, STEP_RECORDS, "DNS records: no zone: HTTP status 403: no such token");
	fail_with(&log, EXIT_BAD_CONFIG, "no zone for x: HTTP status 403: no such token");
	assert_matches(written(), "^<4>[^\n]* preflight failed [^\n]*: no such token\n$");
	/* It has not been told: it is when it holds up nothing, and has an end only then. */
	domain_log_done(&log, STEP_CAA);
	assert_string_equal(written(), "");
	domain_log_passed(&log, STEP_RECORDS, &silent);
	domain_log_rests(&log, 0, 60);
	assert_matches(
	    written(),
	    "^<4>[^\n]* records failed, which holds up nothing \\(again in 60 s\\): 192[^\n]*\n$");
	domain_log_free(&log);
}

static void two_causes_are_two_lines_once(void **state)
{
	struct domain_log log = opened();
	struct error silent = error_of(EXIT_TRY_LATER, "192.0.2.1 did not answer in time");

	(void)state;
	domain_log_passed(&log, STEP_RECORDS, &silent);
	fail_with(&log, EXIT_FAILED, "a CAA record forbids it");
	assert_matches(written(), "^<4>[^\n]* preflight failed [^\n]*: a CAA record forbids it\n"
				  "<4>\\[app.demo.test\\] records failed as well: 192[^\n]*\n$");
	domain_log_passed(&log, STEP_RECORDS, &silent);
	fail_with(&log, EXIT_FAILED, "a CAA record forbids it");
	assert_matches(written(), "^<4>[^\n]* preflight failed [^\n]*: a CAA record forbids it\n$");
	/* The system's word for it is no cause yet. */
	pass(&log, STEP_CAA, "cannot connect to 192.0.2.1: Connection refused");
	fail_with(&log, EXIT_FAILED, "cannot connect to 192.0.2.9: Connection refused");
	assert_matches(written(), "caa failed as well: ");
	domain_log_free(&log);
}

/* Two services that tell how long to wait are two. */
static void a_ca_that_says_when_is_no_cause_of_others(void **state)
{
	struct domain_log log = opened();
	struct error silent = error_of(EXIT_TRY_LATER, "192.0.2.1 did not answer in time");
	struct error limited = {EXIT_TRY_LATER, 300, "too many orders"};

	(void)state;
	domain_log_passed(&log, STEP_CAA, &silent);
	domain_log_failed(&log, STEP_ISSUE, 1, 300, &limited);
	assert_matches(written(), "issue failed [^\n]*\n<4>[^\n]*caa failed as well: 192[^\n]*\n$");
	domain_log_free(&log);
}

static void a_stop_leaves_nothing_untold(void **state)
{
	struct domain_log log = opened();

	(void)state;
	pass(&log, STEP_CAA, "the token is refused");
	domain_log_stops(&log);
	assert_string_equal(written(), "<4>[app.demo.test] caa failed: the token is refused\n");
	domain_log_stops(&log);
	assert_string_equal(written(), "");
	domain_log_free(&log);
}

static void who_waits_for_the_operator_is_told_once(void **state)
{
	struct domain_log log = opened();
	struct error why = error_of(EXIT_TRY_LATER, "waiting for the operator");

	(void)state;
	domain_log_waits(&log, STEP_CAA, &why, true);
	assert_string_equal(written(), "<4>[app.demo.test] caa: waiting for the operator\n");
	domain_log_waits(&log, STEP_CAA, &why, false);
	assert_string_equal(written(), "");
	domain_log_free(&log);
}

static void all_is_well_only_when_nothing_is_open(void **state)
{
	struct domain_log log = opened();

	(void)state;
	domain_log_rests(&log, 0, 60);
	assert_string_equal(written(), "");
	pass(&log, STEP_CAA, "the token is refused");
	domain_log_rests(&log, 0, 60);
	written();
	domain_log_rests(&log, 2, 60);
	assert_string_equal(written(), "<6>[app.demo.test] the certificate is in order, after 2 "
				       "failed attempts\n");
	domain_log_done(&log, STEP_CAA);
	written();
	domain_log_rests(&log, 1, 60);
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
	    test(an_attempt_with_one_cause_is_one_line),
	    test(two_causes_are_two_lines_once),
	    test(a_ca_that_says_when_is_no_cause_of_others),
	    test(a_stop_leaves_nothing_untold),
	    test(who_waits_for_the_operator_is_told_once),
	    test(all_is_well_only_when_nothing_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
