/* The engine: passes, what is passed, many at a time, the end and the next start. */
#include "test/unit/supervisor/fake_steps.h"

/* ---- passes and pauses */

static void a_pass_goes_from_step_to_step_and_rests(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	start(t);
	assert_way(t, LOOK);
	assert_waits(t, STEP_SETTLED, DAY * 8 / 10, DAY * 12 / 10);
	order_and_serve(t);
	pass_time(t);
	assert_way(t, ORDER_AND_SERVE);
	assert_waits(t, STEP_SETTLED, DAY * 8 / 10, DAY * 12 / 10);
	assert_int_equal(look(t, 0).orders, 1);
	close_trial(t);
}

static void it_rests_no_longer_than_to_the_renewal(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->renew_at = time(NULL) + 100;
	start(t);
	assert_waits(t, STEP_SETTLED, 90, 100);
	/* One that is past already is not waited for: it did not work now. */
	t->renew_at = time(NULL) - 100;
	pass_time(t);
	assert_waits(t, STEP_SETTLED, DAY * 8 / 10, DAY * 12 / 10);
	close_trial(t);
}

/* For each step: where it waits, for how long at least, and where it goes on. */
static void what_fails_is_tried_again_after_growing_pauses(void **folder)
{
	static const struct {
		enum step step, waits_at;
		long first, second; /* at least */
		const char *resumes;
	} rows[] = {
	    {STEP_RECORDS, STEP_RECORDS, 2, 4, "records"},
	    {STEP_ACCOUNT, STEP_ACCOUNT, 50, 260, "account"},
	    {STEP_CAA, STEP_CAA, 2, 4, "caa"},
	    {STEP_PREFLIGHT, STEP_PREFLIGHT, 2, 4, "records account caa preflight"},
	    {STEP_ISSUE, STEP_ISSUE, 50, 260, "records account caa preflight issue"},
	    {STEP_CHECK, STEP_ISSUE, 50, 260, "records account caa preflight issue check"},
	    {STEP_INSTALL, STEP_INSTALL, 2, 4, "install"},
	    {STEP_APPLY, STEP_APPLY, 2, 4, "apply"},
	    {STEP_PROBE, STEP_APPLY, 2, 4, "apply probe"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char place[512];
		snprintf(place, sizeof(place), "%s/%zu", (const char *)*folder, i);
		struct trial *t = open_trial(place, 1);
		order_and_serve(t);
		t->acts[STEP_ISSUE] = ACT_DONE; /* for as often as wanted */
		t->acts[rows[i].step] = ACT_FAIL;
		start(t);
		assert_waits(t, rows[i].waits_at, rows[i].first - 1, 10 * rows[i].first);
		assert_string_equal(look(t, 0).error, "it is away");
		t->way[0] = '\0';
		pass_time(t);
		assert_way(t, rows[i].resumes);
		assert_waits(t, rows[i].waits_at, rows[i].second - 1, 10 * rows[i].second);
		assert_int_equal(look(t, 0).failures, 2);
		t->acts[rows[i].step] = ACT_DONE;
		pass_time(t);
		assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
		assert_int_equal(look(t, 0).failures, 0);
		assert_string_equal(look(t, 0).error, "");
		close_trial(t);
	}
}

static void evidence_that_cannot_be_published_stops_nothing(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	order_and_serve(t);
	t->acts[STEP_PUBLISH] = ACT_FAIL;
	start(t);
	assert_way(t, ORDER_AND_SERVE);
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	close_trial(t);
}

static void a_peer_that_says_how_long_is_obeyed(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->retry_after = 5000;
	t->acts[STEP_RECORDS] = ACT_FAIL;
	start(t);
	assert_waits(t, STEP_RECORDS, 4990, 5000);
	close_trial(t);
}

/* ---- steps that are passed */

static void a_step_that_is_passed_becomes_a_note_and_is_tried_again(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	order_and_serve(t);
	t->acts[STEP_ISSUE] = ACT_DONE; /* for as often as wanted */
	t->acts[STEP_RECORDS] = t->acts[STEP_CAA] = ACT_PASS;
	start(t);
	assert_way(t, ORDER_AND_SERVE);
	assert_waits(t, STEP_SETTLED, 50, 70);
	assert_string_equal(look(t, 0).note, "it is away");
	assert_string_equal(look(t, 0).error, "");
	pass_time(t);
	assert_waits(t, STEP_SETTLED, 260, 340);
	/* One of the two is mended: still not as it should be. */
	t->acts[STEP_RECORDS] = ACT_DONE;
	pass_time(t);
	assert_string_equal(look(t, 0).note, "it is away");
	t->acts[STEP_CAA] = ACT_DONE;
	pass_time(t);
	assert_string_equal(look(t, 0).note, "");
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	/* The pauses begin anew. */
	t->acts[STEP_CAA] = ACT_PASS;
	pass_time(t);
	assert_waits(t, STEP_SETTLED, 50, 70);
	close_trial(t);
}

static void what_is_said_before_an_order_stays_in_the_note(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	order_and_serve(t);
	t->acts[STEP_ISSUE] = ACT_DONE;
	start(t);
	domain_set_caution(t->known[0], "a server is lame");
	assert_string_equal(look(t, 0).note, "a server is lame");
	pass_time(t);
	assert_string_equal(look(t, 0).note, "a server is lame");
	assert_waits(t, STEP_SETTLED, DAY / 2, DAY * 2);
	/* What is not as it should be now comes first. */
	t->acts[STEP_CAA] = ACT_PASS;
	pass_time(t);
	assert_string_equal(look(t, 0).note, "it is away");
	t->acts[STEP_CAA] = ACT_DONE;
	pass_time(t);
	assert_string_equal(look(t, 0).note, "a server is lame");
	domain_set_caution(t->known[0], NULL);
	assert_string_equal(look(t, 0).note, "");
	close_trial(t);
}

static void what_kept_a_step_may_be_over(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_RECORDS] = ACT_FAIL;
	domains_retry(t->domains, STEP_RECORDS); /* before the start: nothing */
	turn(t);
	assert_way(t, "");
	start(t);
	assert_way(t, "records");
	t->acts[STEP_RECORDS] = ACT_PASS;
	domains_retry(t->domains, STEP_RECORDS);
	turn(t);
	assert_way(t, LOOK);
	t->acts[STEP_RECORDS] = ACT_DONE;
	domains_retry(t->domains, STEP_RECORDS); /* was passed */
	turn(t);
	assert_way(t, LOOK);
	domains_retry(t->domains, STEP_RECORDS); /* has been done */
	turn(t);
	assert_way(t, "");
	close_trial(t);
}

/* ---- many at a time */

static void orders_run_side_by_side_as_far_as_their_lane_goes(void **folder)
{
	struct trial *t = open_trial(*folder, 10);

	order_and_serve(t);
	t->acts[STEP_ISSUE] = ACT_IN_LANE;
	start(t);
	assert_int_equal(t->held_count, 4);
	/* One that takes long holds up nobody else. */
	for (int i = 0; i < 9; i++) {
		struct domain *ended = t->held[1 % t->held_count];
		t->held[1 % t->held_count] = t->held[t->held_count - 1];
		t->held_count--;
		lane_leave(&t->lane);
		act(ended, t, i % 2 == 0 ? ACT_DONE : ACT_FAIL);
		turn(t);
	}
	assert_int_equal(t->most_in_lane, 4);
	assert_int_equal(t->held_count, 1);
	for (size_t i = 0, settled = 0; i < t->count; i++) {
		struct domain_view view = look(t, i);
		settled += view.step == STEP_SETTLED && !view.running;
		if (i + 1 == t->count)
			assert_int_equal(settled, 5);
	}
	close_trial(t);
}

static void count_turn(evutil_socket_t fd, short what, void *arg)
{
	unsigned *turns = arg;

	(void)fd;
	(void)what;
	++*turns;
}

/* Somebody who asks meanwhile has a turn before hundreds of domains have had theirs. */
static void many_that_are_woken_together_leave_others_their_turn(void **folder)
{
	struct trial *t = open_trial(*folder, 100);
	unsigned turns = 0;
	struct event *other = event_new(t->base, -1, EV_PERSIST, count_turn, &turns);
	static const struct timeval often = {0, 1};

	t->probe_ms = 1;
	assert_int_equal(event_add(other, &often), 0);
	domains_start(t->domains);
	while (t->begun[STEP_PROBE] < t->count)
		event_base_loop(t->base, EVLOOP_ONCE);
	/* At least each fifth millisecond of a hundred. */
	assert_true(turns >= 15);
	for (size_t i = 0; i < t->count; i++)
		assert_int_equal(look(t, i).step, STEP_SETTLED);
	event_free(other);
	close_trial(t);
}

/* ---- the end, and the next start */

static void nothing_begins_after_the_stop(void **folder)
{
	struct trial *t = open_trial(*folder, 3);

	t->acts[STEP_ISSUE] = ACT_HOLD;
	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	start(t);
	assert_int_equal(t->held_count, 3);
	/* One has ended, and its next step was about to begin. */
	domain_done(t->held[0]);
	domains_stop(t->domains);
	turn(t);
	assert_int_equal(t->begun[STEP_CHECK], 0);
	/* The others are ended: no failure of theirs. */
	let_go(t, 1, ACT_FAIL);
	domains_recheck(t->domains);
	domains_retry(t->domains, STEP_ISSUE);
	turn(t);
	assert_int_equal(look(t, 1).failures + look(t, 2).failures, 0);
	assert_int_equal(t->begun[STEP_CHECK], 0);
	close_trial(t);
}

static void a_restart_keeps_the_waits_that_cost_something(void **folder)
{
	struct error err = ERROR_INIT;
	struct trial *t = open_trial(*folder, 1);

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_FAIL;
	t->retry_after = 5000;
	start(t);
	close_engine(t);
	open_engine(t, *folder);
	assert_int_equal(look(t, 0).failures, 1);
	start(t);
	assert_way(t, "");
	assert_waits(t, STEP_ISSUE, 4900, 5000);
	assert_string_equal(look(t, 0).error, "it is away");
	/* Unless somebody asks, even before the start. */
	close_engine(t);
	open_engine(t, *folder);
	assert_int_equal(domains_renew(t->domains, NULL, false, &err), 0);
	start(t);
	assert_way(t, "records account caa preflight issue");
	close_trial(t);
}

static void a_restart_forgets_the_waits_that_cost_nothing(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	t->retry_after = 5000;
	t->acts[STEP_RECORDS] = ACT_FAIL;
	start(t);
	assert_waits(t, STEP_RECORDS, 4900, 5000);
	close_engine(t);
	t->acts[STEP_RECORDS] = ACT_DONE;
	open_engine(t, *folder);
	start(t);
	assert_way(t, LOOK);
	close_trial(t);
}

static void only_the_certificate_that_was_ordered_rests(void **folder)
{
	struct trial *t = open_trial(*folder, 1);

	assert_true(look(t, 0).running); /* it is not settled before it has begun */
	order_and_serve(t);		 /* brings 0A */
	start(t);
	assert_true(domain_issued_at(t->known[0], "0A") > 0);
	assert_int_equal(domain_issued_at(t->known[0], "0B"), 0);
	assert_int_equal(domain_issued_at(t->known[0], ""), 0);
	close_trial(t);
}

static void an_order_is_noted_before_it_is_made(void **folder)
{
	struct trial *t = open_trial(*folder, 1);
	struct error err = ERROR_INIT;

	t->acts[STEP_PREFLIGHT] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_HOLD;
	start(t);
	assert_int_equal(domain_spend_order(t->held[0], true, &err), 0);
	/* Whatever happens now: another run reads it. */
	struct state *other = state_open(*folder, &err);
	assert_non_null(other);
	assert_int_equal(state_domain(other, "d0.demo.test")->budget.count, 1);
	state_free(other);
	close_trial(t);
}

static void thousands_of_failures_are_not_thousands_of_files(void **folder)
{
	struct trial *t = open_trial(*folder, DOMAINS_MAX);
	struct error err = ERROR_INIT;
	long long before = time(NULL);

	t->acts[STEP_RECORDS] = ACT_FAIL;
	start(t);
	assert_true(time(NULL) - before < 20);
	close_engine(t);
	/* And the last of them is written. */
	struct state *other = state_open(*folder, &err);
	assert_non_null(other);
	for (size_t i = 0; i < t->count; i += 500)
		assert_int_equal(state_domain(other, t->names[i])->attempt, 1);
	assert_int_equal(state_domain(other, t->names[t->count - 1])->attempt, 1);
	state_free(other);
	open_engine(t, *folder);
	close_trial(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_pass_goes_from_step_to_step_and_rests),
	    scratch_test(it_rests_no_longer_than_to_the_renewal),
	    scratch_test(what_fails_is_tried_again_after_growing_pauses),
	    scratch_test(evidence_that_cannot_be_published_stops_nothing),
	    scratch_test(a_peer_that_says_how_long_is_obeyed),
	    scratch_test(a_step_that_is_passed_becomes_a_note_and_is_tried_again),
	    scratch_test(what_is_said_before_an_order_stays_in_the_note),
	    scratch_test(what_kept_a_step_may_be_over),
	    scratch_test(orders_run_side_by_side_as_far_as_their_lane_goes),
	    scratch_test(many_that_are_woken_together_leave_others_their_turn),
	    scratch_test(nothing_begins_after_the_stop),
	    scratch_test(a_restart_keeps_the_waits_that_cost_something),
	    scratch_test(a_restart_forgets_the_waits_that_cost_nothing),
	    scratch_test(only_the_certificate_that_was_ordered_rests),
	    scratch_test(an_order_is_noted_before_it_is_made),
	    scratch_test(thousands_of_failures_are_not_thousands_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
