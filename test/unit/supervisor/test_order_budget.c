/* The limits of orders: by hour and name, by week and name, and of all names together. */
#include "test/unit/common/unit.h"

#include "supervisor/domains/order_budget.h"

enum { NOW = 1795348800, HOUR = 3600, DAY = 24 * HOUR };

static struct state *open_state(const char *folder)
{
	struct error err = ERROR_INIT;
	struct state *state = state_open(folder, &err);

	assert_non_null(state);
	return state;
}

static struct order_budget_options limited(struct state *state)
{
	return (struct order_budget_options){state, true};
}

static void an_hour_of_failures_is_waited_out(void **folder)
{
	struct state *state = open_state(*folder);
	struct order_budget_options options = limited(state);
	struct domain_record *record = state_domain(state, "a.test");
	struct error err = ERROR_INIT;

	for (int i = 0; i < BUDGET_ATTEMPTS; i++)
		assert_int_equal(order_budget_spend(&options, record, false, NOW + i, &err), 0);
	assert_int_equal(order_budget_spend(&options, record, false, NOW + 10, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_int_equal(err.retry_after, HOUR - 10);
	assert_int_equal(order_budget_spend(&options, record, false, NOW + HOUR, &err), 0);
	state_free(state);
}

static void what_was_not_asked_is_not_counted(void **folder)
{
	struct state *state = open_state(*folder);
	struct order_budget_options options = limited(state);
	struct domain_record *record = state_domain(state, "a.test");
	struct error err = ERROR_INIT;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(order_budget_spend(&options, record, true, NOW, &err), 0);
		order_budget_refund(&options, record);
	}
	assert_int_equal(record->budget.count, 0);
	assert_int_equal(bucket_next(state_orders(state), (struct bucket_size){300, 36}, NOW), NOW);
	state_free(state);
}

static int renew(struct state *state, struct domain_record *record, time_t now, struct error *err)
{
	struct order_budget_options options = limited(state);
	int rc = order_budget_spend(&options, record, true, now, err);

	if (rc == 0)
		order_budget_issued(record, "0A", now);
	return rc;
}

static void five_certificates_a_week_and_then_one_each_34_hours(void **folder)
{
	struct state *state = open_state(*folder);
	struct domain_record *record = state_domain(state, "a.test");
	struct order_budget_options options = limited(state);
	struct error err = ERROR_INIT;
	time_t now = NOW;

	for (int i = 0; i < 5; i++, now += HOUR)
		assert_int_equal(renew(state, record, now, &err), 0);
	assert_int_equal(renew(state, record, now, &err), -1);
	assert_contains(err.text, "a.test has got 5 certificates within a week");
	assert_int_equal(err.retry_after, 34 * HOUR - 5 * HOUR);
	assert_int_equal(renew(state, record, now + 34 * HOUR, &err), 0);
	/* Who has nothing to serve asks all the same, and so does another name. */
	assert_int_equal(order_budget_check(&options, record, false, now + 34 * HOUR, &err), 0);
	assert_int_equal(renew(state, state_domain(state, "b.test"), now, &err), 0);
	state_free(state);
}

static void all_names_together_ask_for_300_in_three_hours(void **folder)
{
	struct state *state = open_state(*folder);
	struct order_budget_options options = limited(state);
	struct error err = ERROR_INIT;
	char name[32];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d%d.test", i);
		assert_int_equal(
		    order_budget_spend(&options, state_domain(state, name), false, NOW, &err), 0);
	}
	struct domain_record *record = state_domain(state, "more.test");
	assert_int_equal(order_budget_spend(&options, record, false, NOW, &err), -1);
	assert_contains(err.text, "300 orders of all names");
	assert_int_equal(err.retry_after, 36);
	/* A restart does not forget. */
	state_free(state);
	state = open_state(*folder);
	options.state = state;
	record = state_domain(state, "more.test");
	assert_int_equal(order_budget_check(&options, record, false, NOW, &err), -1);
	assert_int_equal(order_budget_check(&options, record, false, NOW + 36, &err), 0);
	options.has_limits_of_ca = false;
	assert_int_equal(order_budget_check(&options, record, false, NOW, &err), 0);
	state_free(state);
}

/* A clock that was ahead for a while wrote times that nobody may wait for. */
static void times_of_the_future_do_not_count(void **folder)
{
	struct state *state = open_state(*folder);
	struct domain_record *record = state_domain(state, "a.test");
	struct error err = ERROR_INIT;

	for (int i = 0; i < 4; i++)
		assert_int_equal(renew(state, record, NOW + 400L * DAY, &err), 0);
	assert_int_equal(renew(state, record, NOW, &err), 0);
	assert_int_equal(record->budget.count, 1);
	state_free(state);
}

static void a_week_is_remembered_over_a_restart(void **folder)
{
	struct state *state = open_state(*folder);
	struct domain_record *record = state_domain(state, "a.test");
	struct error err = ERROR_INIT;

	for (int i = 0; i < 5; i++)
		assert_int_equal(renew(state, record, NOW + i * HOUR, &err), 0);
	assert_int_equal(state_save(state, &err), 0);
	state_free(state);
	state = open_state(*folder);
	record = state_domain(state, "a.test");
	assert_int_equal(record->issued_at, NOW + 4 * HOUR);
	assert_string_equal(record->issued_serial, "0A");
	assert_int_equal(renew(state, record, NOW + 5 * HOUR, &err), -1);
	state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(an_hour_of_failures_is_waited_out),
	    scratch_test(what_was_not_asked_is_not_counted),
	    scratch_test(five_certificates_a_week_and_then_one_each_34_hours),
	    scratch_test(all_names_together_ask_for_300_in_three_hours),
	    scratch_test(times_of_the_future_do_not_count),
	    scratch_test(a_week_is_remembered_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
