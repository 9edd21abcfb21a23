/* What a stop says of the domains: only what is not finished. */
#include "test/unit/supervisor/fake_steps.h"

#include "common/utc.h"
#include "supervisor/domains/unfinished.h"
#include "supervisor/store/served_pair.h"

enum { TEXT_MAX = 16 * 1024 };

static void assert_described(const struct trial *t, bool has_certificate, const char *expected)
{
	struct served_pair *pairs = calloc(t->count, sizeof(*pairs));
	struct buffer text;

	assert_non_null(pairs);
	for (size_t i = 0; i < t->count; i++)
		pairs[i].present = has_certificate;
	buffer_init(&text, TEXT_MAX);
	unfinished_describe(t->domains, pairs, &text);
	assert_string_equal(buffer_text(&text), expected);
	buffer_free(&text);
	free(pairs);
}

static void nothing_is_said_where_all_is_well(void **folder)
{
	struct trial *t = open_trial(*folder, 2);

	assert_described(t, true, ""); /* before the first pass, as after it */
	start(t);
	assert_described(t, true, "");
	assert_described(t, false,
			 "; d0.demo.test: it has no certificate yet"
			 "; d1.demo.test: it has no certificate yet");
	close_trial(t);
}

static void an_order_is_ended(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_HOLD;
	start(t);
	assert_described(t, true,
			 "; d0.demo.test: its certificate's order is ended, it begins anew at the "
			 "next start");
	close_trial(t);
}

static void a_renewal_that_was_asked_for_is_not_begun_again(void **folder)
{
	struct trial *t = open_trial(*folder, 1);
	struct error err = ERROR_INIT;

	start(t);
	t->acts[STEP_PREFLIGHT] = ACT_FAIL;
	assert_int_equal(domains_renew(t->domains, "d0.demo.test", true, &err), 0);
	pass_time(t);
	assert_int_equal(look(t, 0).failures, 1);
	assert_described(t, true,
			 "; d0.demo.test: the renewal that was asked for is not done, and is not "
			 "begun by the next start");
	/* Without a certificate the next start orders one anyway. */
	assert_described(t, false,
			 "; d0.demo.test: preflight has failed (attempt 1), it is tried again at "
			 "the next start");
	close_trial(t);
}

static void a_failure_goes_on_when_the_next_start_takes_it_up(void **folder)
{
	struct trial *t = open_trial(*folder, 1);
	char until[UTC_SIZE], expected[200];

	t->acts[STEP_CAA] = ACT_FAIL;
	start(t);
	assert_described(t, true,
			 "; d0.demo.test: caa has failed (attempt 1), it is tried again at the "
			 "next start");
	/* What costs something keeps its wait. */
	t->acts[STEP_CAA] = t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_FAIL;
	pass_time(t);
	utc_write(look(t, 0).next_at, until);
	snprintf(expected, sizeof(expected),
		 "; d0.demo.test: issue has failed (attempt 2), it is tried again from %s on",
		 until);
	assert_described(t, true, expected);
	close_trial(t);
}

static void so_does_what_holds_up_nothing_or_waits_for_the_operator(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_PASS;
	start(t);
	assert_described(t, true, "; d0.demo.test: this is not over: it is away");
	assert_described(t, false,
			 "; d0.demo.test: it has no certificate yet, and this is not over: it is "
			 "away");
	t->acts[STEP_RECORDS] = ACT_WAIT;
	pass_time(t);
	assert_described(t, true,
			 "; d0.demo.test: it waits for the operator (records), and this is not "
			 "over: it is away");
	close_trial(t);
}

static void of_many_the_first_are_named(void **folder)
{
	struct trial *t = open_trial(*folder, 7);

	start(t);
	assert_described(t, false,
			 "; d0.demo.test: it has no certificate yet"
			 "; d1.demo.test: it has no certificate yet"
			 "; d2.demo.test: it has no certificate yet"
			 "; d3.demo.test: it has no certificate yet"
			 "; d4.demo.test: it has no certificate yet; and 2 more");
	close_trial(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(nothing_is_said_where_all_is_well),
	    scratch_test(an_order_is_ended),
	    scratch_test(a_renewal_that_was_asked_for_is_not_begun_again),
	    scratch_test(a_failure_goes_on_when_the_next_start_takes_it_up),
	    scratch_test(so_does_what_holds_up_nothing_or_waits_for_the_operator),
	    scratch_test(of_many_the_first_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
