/* The engine with steps that do what a test says: no processes, no waiting for timers. */
#include "test/unit/common/unit.h"

#include "common/clock.h"
#include "supervisor/domains.h"

enum { DOMAINS_MAX = 3000, DAY = 86400 };

/* What a step of the test does when it begins. */
enum act { ACT_DONE, ACT_NOTHING, ACT_PASS, ACT_FAIL, ACT_HOLD, ACT_ORDER, ACT_IN_LANE };

struct trial {
	struct event_base *base;
	struct state *state;
	struct domains *domains;
	struct step_work table[STEP_COUNT];
	enum act acts[STEP_COUNT];
	unsigned begun[STEP_COUNT];
	domain_name *names;
	size_t count;
	time_t renew_at;
	unsigned retry_after; /* of a failure */
	unsigned probe_ms;    /* so long a probe keeps the loop from going on */
	struct lane lane;
	unsigned most_in_lane;
	struct domain *held[DOMAINS_MAX]; /* began and wait to be told how they end */
	size_t held_count;
	struct domain *known[DOMAINS_MAX]; /* by their places */
	char way[400];			   /* the steps of the first domain, in order */
};

/* ---- steps */

static void act(struct domain *d, struct trial *t, enum act act)
{
	struct error err = {EXIT_UNREACHABLE, t->retry_after, "it is away"};
	struct error no_order = ERROR_INIT;

	switch (act) {
	case ACT_DONE:
		domain_done(d);
		break;
	case ACT_NOTHING:
		domain_nothing(d);
		break;
	case ACT_PASS:
		domain_passed(d, &err);
		break;
	case ACT_FAIL:
		domain_failed(d, &err);
		break;
	case ACT_ORDER:
		if (domain_spend_order(d, true, &no_order) != 0) {
			domain_failed(d, &no_order);
			break;
		}
		domain_was_ordered(d);
		domain_done(d);
		break;
	case ACT_HOLD:
	case ACT_IN_LANE:
		t->held[t->held_count++] = d;
		break;
	}
}

static void go_in_lane(void *arg)
{
	struct domain *d = arg;
	struct trial *t = domain_context(d);

	act(d, t, ACT_IN_LANE);
	if (t->lane.running > t->most_in_lane)
		t->most_in_lane = t->lane.running;
}

static void begin(struct domain *d, struct trial *t, enum step step)
{
	t->begun[step]++;
	t->known[domain_index(d)] = d;
	if (domain_index(d) == 0)
		snprintf(t->way + strlen(t->way), sizeof(t->way) - strlen(t->way), "%s%s",
			 t->way[0] == '\0' ? "" : " ", lifecycle_step_name(step));
	if (step == STEP_PROBE)
		clock_sleep_ms(t->probe_ms);
	if (t->acts[step] == ACT_IN_LANE)
		domain_enter(d, &t->lane, go_in_lane);
	else
		act(d, t, t->acts[step]);
}

#define STEP_FUNCTION(name, step)                              \
	static void name(struct domain *domain, void *context) \
	{                                                      \
		begin(domain, context, step);                  \
	}
STEP_FUNCTION(records, STEP_RECORDS)
STEP_FUNCTION(account, STEP_ACCOUNT)
STEP_FUNCTION(caa, STEP_CAA)
STEP_FUNCTION(preflight, STEP_PREFLIGHT)
STEP_FUNCTION(issue, STEP_ISSUE)
STEP_FUNCTION(check, STEP_CHECK)
STEP_FUNCTION(install, STEP_INSTALL)
STEP_FUNCTION(publish, STEP_PUBLISH)
STEP_FUNCTION(apply, STEP_APPLY)
STEP_FUNCTION(probe, STEP_PROBE)

static time_t renew_at(size_t domain, void *arg)
{
	const struct trial *t = arg;

	(void)domain;
	return t->renew_at;
}

/* ---- a trial */

/* As after a restart, on what the folder has. */
static void open_engine(struct trial *t, const char *folder)
{
	struct error err = ERROR_INIT;

	t->base = event_base_new();
	t->state = state_open(folder, &err);
	assert_non_null(t->state);
	t->domains =
	    domains_new(&(struct domains_options){t->base, t->state, (const domain_name *)t->names,
						  t->count, true, DAY, t->table, renew_at, t},
			&err);
	assert_non_null(t->domains);
	t->held_count = 0;
	t->way[0] = '\0';
	memset(t->begun, 0, sizeof(t->begun));
	memset(t->known, 0, sizeof(t->known));
}

static void close_engine(struct trial *t)
{
	domains_free(t->domains);
	state_free(t->state);
	event_base_free(t->base);
}

/* A settled domain's pass, in which there is nothing to be done. */
static struct trial *open_trial(const char *folder, size_t count)
{
	static void (*const works[STEP_COUNT])(struct domain *, void *) = {
	    NULL, records, account, caa, preflight, issue, check, install, publish, apply, probe};
	struct trial *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->names = calloc(count, sizeof(*t->names));
	t->count = count;
	for (size_t i = 0; i < count; i++)
		snprintf(t->names[i], sizeof(t->names[i]), "d%zu.demo.test", i);
	for (int step = 0; step < STEP_COUNT; step++)
		t->table[step] = (struct step_work){works[step], t};
	t->acts[STEP_PREFLIGHT] = t->acts[STEP_CHECK] = ACT_NOTHING;
	lane_init(&t->lane, 4);
	open_engine(t, folder);
	return t;
}

static void close_trial(struct trial *t)
{
	close_engine(t);
	free(t->names);
	free(t);
}

/* Until nothing is left to do but to wait. */
static void turn(struct trial *t)
{
	for (int i = 0; i < 3 + (int)t->count; i++)
		event_base_loop(t->base, EVLOOP_NONBLOCK);
}

static void start(struct trial *t)
{
	domains_start(t->domains);
	turn(t);
}

static void let_go(struct trial *t, size_t index, enum act how)
{
	struct domain *d = t->held[index];

	t->held[index] = t->held[--t->held_count];
	act(d, t, how);
	turn(t);
}

static struct domain_view look(const struct trial *t, size_t index)
{
	struct domain_view view;

	domains_look(t->domains, index, &view);
	return view;
}

static void assert_waits(const struct trial *t, enum step step, long at_least, long at_most)
{
	struct domain_view view = look(t, 0);
	long left = view.next_at - time(NULL);

	assert_false(view.running);
	if (view.step != step || left < at_least || left > at_most)
		fail_msg("it waits at %s for %ld s", lifecycle_step_name(view.step), left);
}

static void assert_way(struct trial *t, const char *way)
{
	assert_string_equal(t->way, way);
	t->way[0] = '\0';
}

static int fire(const struct event_base *base, const struct event *event, void *arg)
{
	const struct trial *t = arg;
	void *its = event_get_callback_arg(event);

	(void)base;
	for (size_t i = 0; i < t->count; i++)
		if (t->known[i] != NULL && its == t->known[i])
			event_active((struct event *)event, EV_TIMEOUT, 1);
	return 0;
}

/* All that is waited for is over. */
static void pass_time(struct trial *t)
{
	event_base_foreach_event(t->base, fire, t);
	turn(t);
}

#define LOOK "records account caa preflight check probe"
#define ORDER_AND_SERVE "records account caa preflight issue check install publish apply probe"

static void order_and_serve(struct trial *t)
{
	t->acts[STEP_PREFLIGHT] = t->acts[STEP_CHECK] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_ORDER;
}

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
	    scratch_test(what_kept_a_step_may_be_over),
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
	    scratch_test(orders_run_side_by_side_as_far_as_their_lane_goes),
	    scratch_test(many_that_are_woken_together_leave_others_their_turn),
	    scratch_test(nothing_begins_after_the_stop),
	    scratch_test(a_restart_keeps_the_waits_that_cost_something),
	    scratch_test(a_restart_forgets_the_waits_that_cost_nothing),
	    scratch_test(an_order_is_noted_before_it_is_made),
	    scratch_test(thousands_of_failures_are_not_thousands_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
