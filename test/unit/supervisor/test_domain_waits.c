/* The engine: looks at the volume and renewals that are asked for, while a domain waits. */
#include "test/unit/supervisor/fake_steps.h"

/* ---- for the operator */

static void a_wait_for_the_operator_does_not_grow(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_WAIT;
	start(t);
	for (int i = 0; i < 20; i++) {
		assert_waits(t, STEP_RECORDS, 38, 40);
		assert_true(look(t, 0).for_operator);
		assert_int_equal(look(t, 0).failures, 1);
		assert_string_equal(look(t, 0).error, "it is away");
		pass_time(t);
	}
	/* A look at the volume does not make another wait of it. */
	t->acts[STEP_CHECK] = ACT_FAIL;
	domains_recheck(t->domains);
	turn(t);
	assert_waits(t, STEP_RECORDS, 38, 40);
	assert_true(look(t, 0).for_operator);
	/* A failure is one like others. */
	t->acts[STEP_RECORDS] = ACT_FAIL;
	pass_time(t);
	assert_false(look(t, 0).for_operator);
	assert_waits(t, STEP_RECORDS, 1, 10);
	/* What is made goes on by itself. */
	t->acts[STEP_RECORDS] = ACT_DONE;
	order_and_serve(t);
	pass_time(t);
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	assert_false(look(t, 0).for_operator);
	assert_string_equal(look(t, 0).error, "");
	close_trial(t);
}

static void what_the_operator_was_told_is_kept(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	start(t);
	assert_string_equal(domain_told(t->known[0]), "");
	domain_set_told(t->known[0], "0123abcd");
	close_engine(t);
	open_engine(t, *folder);
	start(t);
	assert_string_equal(domain_told(t->known[0]), "0123abcd");
	close_trial(t);
}

/* ---- looks at the volume */

static void a_settled_domain_is_looked_at(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	start(t);
	t->way[0] = '\0';
	domains_recheck(t->domains);
	turn(t);
	assert_way(t, "check probe");
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	t->acts[STEP_CHECK] = ACT_DONE;
	domains_recheck(t->domains);
	turn(t);
	assert_way(t, "check install publish apply probe");
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	close_trial(t);
}

static void a_look_does_not_cut_a_wait_short_or_make_it_longer(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_FAIL;
	t->retry_after = 5000;
	start(t);
	t->way[0] = '\0';
	for (int i = 0; i < 3; i++) {
		/* The certificate that was there; then none that is fit. */
		t->acts[STEP_CHECK] = i == 0 ? ACT_NOTHING : ACT_FAIL;
		domains_recheck(t->domains);
		turn(t);
		assert_way(t, i == 0 ? "check probe" : "check");
		assert_waits(t, STEP_ISSUE, 4990, 5000);
		assert_int_equal(look(t, 0).failures, 1);
		assert_string_equal(look(t, 0).error, "it is away");
	}
	close_trial(t);
}

static void a_look_that_finds_another_certificate_ends_the_wait(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_FAIL;
	start(t);
	t->way[0] = '\0';
	t->acts[STEP_CHECK] = ACT_DONE;
	t->acts[STEP_PREFLIGHT] = ACT_NOTHING;
	domains_recheck(t->domains);
	turn(t);
	assert_string_equal(look(t, 0).error, "");
	assert_contains(t->way, "check install publish apply probe records");
	close_trial(t);
}

static void a_look_at_a_busy_domain_comes_when_it_no_longer_is(void **folder)
{
	static const enum step late[] = {STEP_INSTALL, STEP_PUBLISH, STEP_APPLY, STEP_PROBE};

	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		char place[512];
		snprintf(place, sizeof(place), "%s/%zu", (const char *)*folder, i);
		struct trial *t = open_trial(place, 1);
		order_and_serve(t);
		t->acts[late[i]] = ACT_HOLD;
		start(t);
		assert_int_equal(t->held_count, 1);
		domains_recheck(t->domains);
		domains_recheck(t->domains);
		turn(t);
		t->way[0] = '\0';
		t->acts[late[i]] = ACT_DONE;
		t->acts[STEP_CHECK] = ACT_NOTHING;
		let_go(t, 0, ACT_DONE);
		/* Once, whoever asked how often. */
		assert_int_equal(t->begun[STEP_CHECK], 2);
		assert_contains(t->way,
				late[i] == STEP_PROBE ? "check probe" : "probe check probe");
		close_trial(t);
	}
}

static void a_look_is_not_lost_in_a_failure(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_HOLD;
	domains_recheck(t->domains); /* before the start */
	start(t);
	assert_way(t, "records");
	let_go(t, 0, ACT_FAIL);
	assert_way(t, "check probe");
	assert_waits(t, STEP_RECORDS, 0, 10);
	/* Behind CHECK: when the pass is over. */
	t->acts[STEP_RECORDS] = ACT_DONE;
	order_and_serve(t);
	t->acts[STEP_APPLY] = ACT_FAIL;
	pass_time(t);
	t->way[0] = '\0';
	domains_recheck(t->domains);
	turn(t);
	assert_way(t, "");
	t->acts[STEP_APPLY] = ACT_DONE;
	t->acts[STEP_CHECK] = ACT_NOTHING;
	pass_time(t);
	assert_way(t, "apply probe check probe");
	close_trial(t);
}

static void a_pass_under_way_that_has_yet_to_look_needs_no_other_look(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_HOLD;
	start(t);
	domains_recheck(t->domains);
	let_go(t, 0, ACT_DONE);
	assert_int_equal(t->begun[STEP_CHECK], 1);
	close_trial(t);
}

/* ---- renewals that are asked for */

static void a_forced_renewal_orders_once(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 2);

	start(t);
	t->way[0] = '\0';
	order_and_serve(t);
	t->acts[STEP_PREFLIGHT] = ACT_HOLD;
	assert_int_equal(domains_renew(t->domains, "D0.demo.test.", true, &err), 0);
	turn(t);
	assert_int_equal(t->held_count, 1);
	assert_true(domain_is_forced(t->held[0]));
	let_go(t, 0, ACT_DONE);
	assert_way(t, ORDER_AND_SERVE);
	assert_false(domain_is_forced(t->known[0]));
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	assert_int_equal(look(t, 1).orders, 0);
	close_trial(t);
}

static void one_that_is_forced_while_busy_follows_at_once(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PROBE] = ACT_HOLD;
	start(t);
	assert_int_equal(domains_renew(t->domains, NULL, true, &err), 0);
	t->way[0] = '\0';
	order_and_serve(t);
	t->acts[STEP_PROBE] = ACT_DONE;
	let_go(t, 0, ACT_DONE);
	assert_way(t, ORDER_AND_SERVE);
	close_trial(t);
}

/* Each domain has one step under way, whoever woke it when. */
static void one_asked_for_before_the_start_is_begun_once_by_the_start(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_HOLD;
	assert_int_equal(domains_renew(t->domains, NULL, true, &err), 0);
	turn(t);
	assert_way(t, "");
	start(t);
	assert_int_equal(domains_renew(t->domains, NULL, false, &err), 0);
	turn(t);
	assert_int_equal(t->held_count, 1);
	order_and_serve(t);
	let_go(t, 0, ACT_DONE);
	assert_way(t, ORDER_AND_SERVE);
	close_trial(t);
}

static void a_request_ends_a_wait(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_FAIL;
	start(t);
	t->acts[STEP_CHECK] = ACT_HOLD;
	domains_recheck(t->domains);
	turn(t);
	t->way[0] = '\0';
	order_and_serve(t);
	t->acts[STEP_CHECK] = ACT_NOTHING;
	/* Even one that is interrupted by a look just now. */
	assert_int_equal(domains_renew(t->domains, NULL, false, &err), 0);
	let_go(t, 0, ACT_NOTHING);
	assert_way(t, "probe records account caa preflight issue check probe");
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	close_trial(t);
}

static void renewals_that_cannot_be_are_told(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 1);

	order_and_serve(t);
	start(t);
	assert_int_equal(domains_renew(t->domains, "other.demo.test", false, &err), -1);
	assert_int_equal(err.code, EXIT_USAGE_ERROR);
	assert_contains(err.text, "other.demo.test");
	for (int i = 1; i < BUDGET_ATTEMPTS; i++)
		pass_time(t);
	assert_int_equal(look(t, 0).orders, BUDGET_ATTEMPTS);
	assert_int_equal(domains_renew(t->domains, NULL, true, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_in_range(err.retry_after, 3000, 3600);
	/* Nor does an order that comes due spend more. */
	pass_time(t);
	assert_waits(t, STEP_ISSUE, 3000, 3600);
	close_trial(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_wait_for_the_operator_does_not_grow),
	    scratch_test(what_the_operator_was_told_is_kept),
	    scratch_test(a_settled_domain_is_looked_at),
	    scratch_test(a_look_does_not_cut_a_wait_short_or_make_it_longer),
	    scratch_test(a_look_that_finds_another_certificate_ends_the_wait),
	    scratch_test(a_look_at_a_busy_domain_comes_when_it_no_longer_is),
	    scratch_test(a_look_is_not_lost_in_a_failure),
	    scratch_test(a_pass_under_way_that_has_yet_to_look_needs_no_other_look),
	    scratch_test(a_forced_renewal_orders_once),
	    scratch_test(one_that_is_forced_while_busy_follows_at_once),
	    scratch_test(one_asked_for_before_the_start_is_begun_once_by_the_start),
	    scratch_test(a_request_ends_a_wait),
	    scratch_test(renewals_that_cannot_be_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
