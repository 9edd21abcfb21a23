/* The table of steps and events, and the arithmetic of when things are due. */
#include "test/unit/common/unit.h"

#include "supervisor/domains/lifecycle.h"
#include "supervisor/domains/schedule.h"

#include <stdbool.h>

static void assert_goes(enum step step, enum lifecycle_event event, enum step next, enum verb verb)
{
	struct transition t = lifecycle_next(step, event);

	if (t.next != next || t.verb != verb)
		fail_msg("%s on event %d goes to %s (verb %d)", lifecycle_step_name(step), event,
			 lifecycle_step_name(t.next), t.verb);
}

static void success_goes_from_step_to_step(void **state)
{
	(void)state;
	assert_goes(STEP_SETTLED, EVENT_WAKE, STEP_RECORDS, VERB_RUN);
	for (int step = STEP_RECORDS; step < STEP_PROBE; step++)
		assert_goes((enum step)step, EVENT_DONE, (enum step)(step + 1), VERB_RUN);
	assert_goes(STEP_PROBE, EVENT_DONE, STEP_SETTLED, VERB_REST);
}

static void only_a_probe_that_succeeds_settles(void **state)
{
	(void)state;
	for (int step = STEP_RECORDS; step < STEP_COUNT; step++)
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct transition t =
			    lifecycle_next((enum step)step, (enum lifecycle_event)event);
			if (t.next == STEP_SETTLED || t.verb == VERB_REST) {
				assert_int_equal(step, STEP_PROBE);
				assert_true(event == EVENT_DONE || event == EVENT_NOTHING);
			}
		}
	assert_goes(STEP_PROBE, EVENT_FAILED, STEP_APPLY, VERB_PAUSE);
}

static void failures_pause_before_what_can_mend_them(void **state)
{
	(void)state;
	assert_goes(STEP_RECORDS, EVENT_FAILED, STEP_RECORDS, VERB_PAUSE);
	assert_goes(STEP_ACCOUNT, EVENT_FAILED, STEP_ACCOUNT, VERB_PAUSE);
	assert_goes(STEP_CAA, EVENT_FAILED, STEP_CAA, VERB_PAUSE);
	assert_goes(STEP_PREFLIGHT, EVENT_FAILED, STEP_PREFLIGHT, VERB_PAUSE);
	assert_goes(STEP_ISSUE, EVENT_FAILED, STEP_ISSUE, VERB_PAUSE);
	assert_goes(STEP_CHECK, EVENT_FAILED, STEP_ISSUE, VERB_PAUSE);
	assert_goes(STEP_INSTALL, EVENT_FAILED, STEP_INSTALL, VERB_PAUSE);
	assert_goes(STEP_APPLY, EVENT_FAILED, STEP_APPLY, VERB_PAUSE);
}

static void a_certificate_that_haproxy_refuses_leads_to_another(void **state)
{
	(void)state;
	assert_goes(STEP_PROBE, EVENT_REFUSED, STEP_ISSUE, VERB_PAUSE);
	for (int step = STEP_RECORDS; step < STEP_PROBE; step++) {
		struct transition failed = lifecycle_next((enum step)step, EVENT_FAILED);
		assert_goes((enum step)step, EVENT_REFUSED, failed.next, failed.verb);
	}
}

static void an_order_begins_with_records_account_and_caa(void **state)
{
	(void)state;
	assert_goes(STEP_ISSUE, EVENT_WAKE, STEP_RECORDS, VERB_RUN);
	assert_goes(STEP_PREFLIGHT, EVENT_WAKE, STEP_RECORDS, VERB_RUN);
}

static void no_order_without_a_preflight(void **state)
{
	(void)state;
	for (int step = 0; step < STEP_COUNT; step++)
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct transition t =
			    lifecycle_next((enum step)step, (enum lifecycle_event)event);
			if (t.next == STEP_ISSUE && t.verb == VERB_RUN)
				assert_int_equal(step, STEP_PREFLIGHT);
		}
	assert_goes(STEP_PREFLIGHT, EVENT_NOTHING, STEP_CHECK, VERB_RUN);
}

static void evidence_never_keeps_a_certificate_from_being_served(void **state)
{
	(void)state;
	assert_goes(STEP_PUBLISH, EVENT_FAILED, STEP_APPLY, VERB_RUN);
}

static void only_what_nothing_depends_on_is_passed(void **state)
{
	(void)state;
	for (int step = STEP_RECORDS; step < STEP_COUNT; step++) {
		struct transition passed = lifecycle_next((enum step)step, EVENT_PASSED);
		struct transition done = lifecycle_next((enum step)step, EVENT_DONE);
		struct transition failed = lifecycle_next((enum step)step, EVENT_FAILED);
		bool goes_on = step == STEP_RECORDS || step == STEP_CAA || step == STEP_ISSUE;
		struct transition expected = goes_on ? done : failed;
		if (step == STEP_PREFLIGHT) /* without an order */
			expected = lifecycle_next(STEP_PREFLIGHT, EVENT_NOTHING);
		assert_int_equal(passed.next, expected.next);
		assert_int_equal(passed.verb, expected.verb);
	}
}

static void a_recheck_is_left_to_the_pass_under_way(void **state)
{
	(void)state;
	assert_goes(STEP_SETTLED, EVENT_RECHECK, STEP_CHECK, VERB_RUN);
	for (int step = STEP_CHECK; step < STEP_COUNT; step++)
		assert_goes((enum step)step, EVENT_RECHECK, (enum step)step, VERB_IGNORE);
}

static void steps_have_names_that_lead_back(void **state)
{
	(void)state;
	for (int step = 0; step < STEP_COUNT; step++)
		assert_int_equal(lifecycle_step_from_name(lifecycle_step_name((enum step)step)),
				 step);
	assert_int_equal(lifecycle_step_from_name("nonsense"), STEP_COUNT);
}

static void a_renewal_is_due_with_a_third_left_or_so_many_days_before(void **state)
{
	const time_t day = 86400;

	(void)state;
	assert_int_equal(schedule_renewal(0, 90 * day, 0), 60 * day);
	assert_int_equal(schedule_renewal(0, 10 * day, 0), 10 * day - 10 * day / 3);
	assert_int_equal(schedule_renewal(0, 6 * day, 0), 3 * day);
	assert_int_equal(schedule_renewal(0, 90 * day, 10), 80 * day);
}

static void days_before_are_never_most_of_a_lifetime(void **state)
{
	const time_t day = 86400;

	(void)state;
	assert_int_equal(schedule_renewal(0, 45 * day, 30), 15 * day);
	assert_false(schedule_is_too_early(0, 45 * day, 30));
	assert_int_equal(schedule_renewal(0, 30 * day, 30), 10 * day);
	assert_int_equal(schedule_renewal(0, 5 * day, 30), 5 * day / 2);
	assert_true(schedule_is_too_early(0, 30 * day, 30) &&
		    schedule_is_too_early(0, 5 * day, 30));
	for (time_t lifetime = day / 24; lifetime < 400 * day; lifetime += day / 2)
		for (long days = 0; days < 400; days += 7) {
			time_t renewal = schedule_renewal(1000, 1000 + lifetime, days);
			assert_true(renewal >= 1000 + lifetime / 3 - 1);
			assert_true(renewal < 1000 + lifetime);
		}
}

/* 65 days ahead, a certificate of 90 days has 25 left on its first day. */
static void caution_ends_with_nine_tenths_of_a_lifetime(void **state)
{
	const time_t day = 86400;

	(void)state;
	assert_false(schedule_is_nearly_over(1000, 1000 + 90 * day, 1000 + 81 * day - 1));
	assert_true(schedule_is_nearly_over(1000, 1000 + 90 * day, 1000 + 81 * day));
	assert_true(schedule_is_nearly_over(1000, 1000 + 90 * day, 1000 + 91 * day));
	assert_false(schedule_is_nearly_over(0, 600, 539));
	assert_true(schedule_is_nearly_over(0, 600, 540));
}

static void a_new_certificate_is_left_alone_by_a_clock_that_is_ahead(void **state)
{
	const time_t day = 86400, now = 1000 * day, made = now - 65 * day;

	(void)state;
	assert_true(schedule_is_due(made, made + 90 * day, 0, 0, now));
	assert_false(schedule_is_due(made, made + 90 * day, 0, now - 3600, now));
	assert_false(schedule_is_due(made, made + 90 * day, 0, now - 29 * day, now));
	assert_true(schedule_is_due(made, made + 90 * day, 0, now - 30 * day, now));
	/* Set right again, the clock is believed. */
	assert_false(schedule_is_due(made, made + 90 * day, 0, now, made + day));
	assert_true(schedule_is_due(made, made + 90 * day, 0, now, made + 61 * day));
}

static void delays_grow_to_a_ceiling(void **state)
{
	(void)state;
	for (int costly = 0; costly < 2; costly++) {
		for (unsigned attempt = 1; attempt < 20; attempt++)
			assert_true(schedule_backoff(attempt + 1, costly) >=
				    schedule_backoff(attempt, costly));
		assert_int_equal(schedule_backoff(1000, costly), schedule_backoff(20, costly));
		assert_int_equal(schedule_backoff(0, costly), schedule_backoff(1, costly));
	}
	assert_true(schedule_backoff(1, 1) >= 60);
}

static void jitter_stays_within_a_tenth(void **state)
{
	static const uint32_t bits[] = {0, 1, 77, 0x7fffffff, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		assert_in_range(schedule_jitter(1000, bits[i]), 900, 1100);
		assert_int_equal(schedule_jitter(3, bits[i]), 3);
	}
}

static void four_orders_an_hour_and_no_more(void **state)
{
	struct budget budget = {0};

	(void)state;
	for (int i = 0; i < BUDGET_ATTEMPTS; i++) {
		assert_int_equal(budget_next(&budget, 1000 + i), 1000 + i);
		budget_spend(&budget, 1000 + i);
	}
	assert_int_equal(budget_next(&budget, 1010), 1000 + BUDGET_WINDOW);
	assert_int_equal(budget_next(&budget, 1000 + BUDGET_WINDOW), 1000 + BUDGET_WINDOW);
	budget_spend(&budget, 1000 + BUDGET_WINDOW);
	assert_int_equal(budget.count, BUDGET_ATTEMPTS);
	assert_int_equal(budget_next(&budget, 1000 + BUDGET_WINDOW), 1001 + BUDGET_WINDOW);
}

static void attempts_by_a_clock_that_was_set_back_do_not_count(void **state)
{
	struct budget budget = {{500, 900001, 900002, 900003}, BUDGET_ATTEMPTS};

	(void)state;
	assert_int_equal(budget_next(&budget, 1000), 1000);
	assert_int_equal(budget.count, 1);
	assert_int_equal(budget.attempts[0], 500);
}

static void a_bucket_gives_so_many_at_once_and_then_one_by_one(void **state)
{
	const struct bucket_size size = {.burst = 3, .refill = 100};
	const time_t now = 1000000;
	struct bucket bucket = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bucket_next(&bucket, size, now), now);
		bucket_take(&bucket, size, now);
	}
	assert_int_equal(bucket_next(&bucket, size, now), now + 100);
	assert_int_equal(bucket_next(&bucket, size, now + 99), now + 100);
	bucket_take(&bucket, size, now + 100);
	assert_int_equal(bucket_next(&bucket, size, now + 100), now + 200);
	bucket_give_back(&bucket, size);
	assert_int_equal(bucket_next(&bucket, size, now + 100), now + 100);
	assert_int_equal(bucket_next(&bucket, size, now + 1000), now + 1000);
	/* Written by a clock that was ahead. */
	bucket.full_at = now + 301;
	assert_int_equal(bucket_next(&bucket, size, now), now);
}

static void a_wait_of_an_earlier_run_lasts_no_longer_than_one_can(void **state)
{
	const time_t now = 1000000;

	(void)state;
	assert_int_equal(schedule_left(now + 60, now), 60);
	assert_int_equal(schedule_left(now + LONGEST_WAIT, now), LONGEST_WAIT);
	assert_int_equal(schedule_left(now, now), 0);
	assert_int_equal(schedule_left(0, now), 0);
	/* That run's clock was a year ahead. */
	assert_int_equal(schedule_left(now + 365L * 86400, now), 0);
	assert_int_equal(schedule_left((time_t)1 << 53, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(success_goes_from_step_to_step),
	    cmocka_unit_test(only_a_probe_that_succeeds_settles),
	    cmocka_unit_test(failures_pause_before_what_can_mend_them),
	    cmocka_unit_test(a_certificate_that_haproxy_refuses_leads_to_another),
	    cmocka_unit_test(an_order_begins_with_records_account_and_caa),
	    cmocka_unit_test(no_order_without_a_preflight),
	    cmocka_unit_test(evidence_never_keeps_a_certificate_from_being_served),
	    cmocka_unit_test(only_what_nothing_depends_on_is_passed),
	    cmocka_unit_test(a_recheck_is_left_to_the_pass_under_way),
	    cmocka_unit_test(steps_have_names_that_lead_back),
	    cmocka_unit_test(a_renewal_is_due_with_a_third_left_or_so_many_days_before),
	    cmocka_unit_test(delays_grow_to_a_ceiling),
	    cmocka_unit_test(jitter_stays_within_a_tenth),
	    cmocka_unit_test(four_orders_an_hour_and_no_more),
	    cmocka_unit_test(attempts_by_a_clock_that_was_set_back_do_not_count),
	    cmocka_unit_test(a_bucket_gives_so_many_at_once_and_then_one_by_one),
	    cmocka_unit_test(days_before_are_never_most_of_a_lifetime),
	    cmocka_unit_test(a_new_certificate_is_left_alone_by_a_clock_that_is_ahead),
	    cmocka_unit_test(caution_ends_with_nine_tenths_of_a_lifetime),
	    cmocka_unit_test(a_wait_of_an_earlier_run_lasts_no_longer_than_one_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
