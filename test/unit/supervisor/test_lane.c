/* Jobs take turns in a lane, in order, however they end. */
#include "test/unit/common/unit.h"

#include "supervisor/children/lane.h"

enum { MANY = 100000 };

struct job {
	struct lane *lane;
	struct lane_place place;
	bool ends_at_once;
	int *turns, turn; /* 0: not yet */
};

static void go(void *arg)
{
	struct job *job = arg;
	volatile char frame[512] = {0}; /* as large as a real one's */

	job->turn = ++*job->turns + frame[0];
	if (job->ends_at_once)
		lane_leave(job->lane);
	frame[1] = 1; /* not the last thing that it does */
}

static void enter(struct lane *lane, struct job *jobs, int count, int *turns, bool ends_at_once)
{
	for (int i = 0; i < count; i++) {
		jobs[i] = (struct job){.lane = lane, .turns = turns, .ends_at_once = ends_at_once};
		lane_enter(lane, &jobs[i].place, go, &jobs[i]);
	}
}

static void so_many_run_and_the_others_wait_in_order(void **state)
{
	struct job jobs[4];
	struct lane lane;
	int turns = 0;

	(void)state;
	lane_init(&lane, 2);
	enter(&lane, jobs, 4, &turns, false);
	assert_int_equal(turns, 2);
	lane_leave(&lane);
	assert_int_equal(jobs[2].turn, 3);
	assert_int_equal(jobs[3].turn, 0);
	lane_leave(&lane);
	assert_int_equal(jobs[3].turn, 4);
	lane_leave(&lane);
	lane_leave(&lane);
	assert_int_equal(lane.running, 0);
}

/* Each ends within its beginning, as when no process can be started. */
static void many_that_end_at_once_do_not_stand_on_the_stack(void **state)
{
	struct job *jobs = calloc(MANY, sizeof(*jobs)), first;
	struct lane lane;
	int turns = 0;

	(void)state;
	assert_non_null(jobs);
	lane_init(&lane, 1);
	enter(&lane, &first, 1, &turns, false);
	enter(&lane, jobs, MANY, &turns, true);
	assert_int_equal(turns, 1);
	lane_leave(&lane);
	assert_int_equal(turns, MANY + 1);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(jobs[i].turn, i + 2);
	assert_int_equal(lane.running, 0);
	free(jobs);
}

static bool has_room(void *arg)
{
	return *(bool *)arg;
}

/* What else is scarce may hold jobs back, but never the only one. */
static void without_room_one_goes_on(void **state)
{
	struct job jobs[3];
	struct lane lane;
	bool room = false;
	int turns = 0;

	(void)state;
	lane_init(&lane, 3);
	lane.has_room = has_room;
	lane.has_room_arg = &room;
	enter(&lane, jobs, 3, &turns, false);
	assert_int_equal(turns, 1);
	lane_leave(&lane);
	assert_int_equal(turns, 2);
	room = true;
	lane_set_limit(&lane, 3);
	assert_int_equal(turns, 3);
}

static void the_limit_can_be_changed(void **state)
{
	struct job jobs[4];
	struct lane lane;
	int turns = 0;

	(void)state;
	lane_init(&lane, 0);
	enter(&lane, jobs, 4, &turns, false);
	assert_int_equal(turns, 0);
	lane_set_limit(&lane, 2);
	assert_int_equal(turns, 2);
	lane_set_limit(&lane, 1);
	lane_leave(&lane);
	assert_int_equal(turns, 2);
	lane_leave(&lane);
	assert_int_equal(turns, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(so_many_run_and_the_others_wait_in_order),
	    cmocka_unit_test(without_room_one_goes_on),
	    cmocka_unit_test(the_limit_can_be_changed),
	    cmocka_unit_test(many_that_end_at_once_do_not_stand_on_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
