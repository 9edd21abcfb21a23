/*
 * The engine of domains with steps that do what a test says: no processes, no waiting for timers.
 * Included by the tests that use it.
 */
#ifndef TEST_UNIT_SUPERVISOR_FAKE_STEPS_H
#define TEST_UNIT_SUPERVISOR_FAKE_STEPS_H

#include "test/unit/common/unit.h"

#include "common/clock.h"
#include "supervisor/domains/domain_work.h"
#include "supervisor/domains/domains.h"

enum { DOMAINS_MAX = 3000, DAY = 86400 };

/* What a step of the test does when it begins. */
enum act {
	ACT_DONE,
	ACT_NOTHING,
	ACT_PASS,
	ACT_FAIL,
	ACT_WAIT, /* 40 seconds, for the operator */
	ACT_HOLD,
	ACT_ORDER,
	ACT_IN_LANE
};

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
	case ACT_WAIT:
		domain_waits(d, 40, &err);
		break;
	case ACT_ORDER:
		if (domain_spend_order(d, true, &no_order) != 0) {
			domain_failed(d, &no_order);
			break;
		}
		domain_was_ordered(d, "0A");
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

static inline void let_go(struct trial *t, size_t index, enum act how)
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

static inline void assert_waits(const struct trial *t, enum step step, long at_least, long at_most)
{
	struct domain_view view = look(t, 0);
	long left = view.next_at - time(NULL);

	assert_false(view.running);
	if (view.step != step || left < at_least || left > at_most)
		fail_msg("it waits at %s for %ld s", lifecycle_step_name(view.step), left);
}

static inline void assert_way(struct trial *t, const char *way)
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

static inline void order_and_serve(struct trial *t)
{
	t->acts[STEP_PREFLIGHT] = t->acts[STEP_CHECK] = ACT_DONE;
	t->acts[STEP_ISSUE] = ACT_ORDER;
}

#endif
