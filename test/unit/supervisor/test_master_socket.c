/* The answer of HAProxy's master to `show proc`, as 2.6 and 3.0 give it. */
#include "test/unit/common/unit.h"

#include "supervisor/haproxy/master_socket.h"

static const char answer_26[] =
    "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
    "2174            master          1 [failed: 0]   0d00h00m05s     2.6.12-1+deb12u4\n"
    "# workers\n"
    "2199            worker          0               0d00h00m01s     2.6.12-1+deb12u4\n"
    "# old workers\n"
    "2182            worker          1               0d00h00m05s     2.6.12-1+deb12u4\n"
    "2183            worker          2               0d00h00m05s     2.6.12-1+deb12u4\n"
    "# programs\n"
    "\n";

static const char answer_30[] =
    "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
    "31              master          3 [failed: 1]   0d00h01m28s     3.0.11-1+deb13u1\n"
    "# workers\n"
    "77              worker          0               0d00h00m02s     3.0.11-1+deb13u1\n"
    "# programs\n"
    "\n";

static void workers_are_told_from_old_ones(void **state)
{
	struct master_processes p;

	(void)state;
	assert_true(master_parse_processes(answer_26, &p));
	assert_int_equal(p.worker, 2199);
	assert_int_equal(p.old_worker_count, 2);
	assert_int_equal(p.old_workers[0], 2182);
	assert_int_equal(p.old_workers[1], 2183);
	assert_int_equal(p.reloads, 1);
	assert_false(p.reload_failed);
}

static void a_failed_reload_is_seen(void **state)
{
	struct master_processes p;

	(void)state;
	assert_true(master_parse_processes(answer_30, &p));
	assert_int_equal(p.worker, 77);
	assert_int_equal(p.old_worker_count, 0);
	assert_true(p.reload_failed);
}

/* HAProxy 3.1 and later list a worker from its beginning on. */
static void the_newer_of_two_workers_is_told_from_the_other(void **state)
{
	struct master_processes p;

	(void)state;
	assert_true(master_parse_processes("1 master 1 [failed: 0]\n# workers\n"
					   "3 worker 0\n2 worker 1\n# old workers\n",
					   &p));
	assert_int_equal(p.worker, 3);
	assert_int_equal(p.worker_before, 2);
	assert_true(master_parse_processes("1 master 1 [failed: 0]\n# workers\n"
					   "2 worker 1\n3 worker 0\n# old workers\n",
					   &p));
	assert_int_equal(p.worker, 3);
	assert_int_equal(p.worker_before, 2);
}

/* They also call the one that serves an old one, while another loads and when that has failed. */
static void the_newest_old_worker_serves_when_there_is_no_other(void **state)
{
	struct master_processes p;

	(void)state;
	assert_true(master_parse_processes("1 master 2 [failed: 1]\n# workers\n# old workers\n"
					   "4 worker 5\n3 worker 2\n2 worker 7\n",
					   &p));
	assert_int_equal(p.worker, 3);
	assert_int_equal(p.worker_before, 0);
	assert_int_equal(p.old_worker_count, 2);
	assert_true(p.old_workers[0] != 3 && p.old_workers[1] != 3);
	assert_true(master_parse_processes("1 master 2 [failed: 0]\n# workers\n9 worker 0\n"
					   "# old workers\n4 worker 5\n3 worker 2\n",
					   &p));
	assert_int_equal(p.worker, 9);
	assert_int_equal(p.worker_before, 3);
	assert_int_equal(p.old_worker_count, 2);
}

static void anything_else_is_no_answer(void **state)
{
	struct master_processes p;

	(void)state;
	assert_false(master_parse_processes("", &p));
	assert_false(master_parse_processes("Unknown command.\n", &p));
	assert_false(master_parse_processes("77 worker 0\n", &p));
}

static void more_old_workers_than_there_is_room_for_are_counted(void **state)
{
	char text[8192] = "1 master 0 [failed: 0]\n# workers\n2 worker\n# old workers\n";
	struct master_processes p;

	(void)state;
	for (int i = 0; i < MASTER_OLD_WORKERS_MAX + 10; i++) {
		size_t length = strlen(text);
		snprintf(text + length, sizeof(text) - length, "%d worker 1\n", 100 + i);
	}
	assert_true(master_parse_processes(text, &p));
	assert_int_equal(p.worker, 2);
	assert_int_equal(p.old_worker_count, MASTER_OLD_WORKERS_MAX + 10);
}

static void what_is_no_process_id_is_passed_over(void **state)
{
	struct master_processes p;

	(void)state;
	assert_true(master_parse_processes("7 master 0 [failed: 0]\n# workers\n-1 worker 0\n"
					   "# old workers\n-1 worker 1\n0 worker 1\n"
					   "4294967295 worker 1\n99999999999999999999 worker 1\n",
					   &p));
	assert_int_equal(p.worker, 0);
	assert_int_equal(p.old_worker_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(workers_are_told_from_old_ones),
	    cmocka_unit_test(a_failed_reload_is_seen),
	    cmocka_unit_test(the_newer_of_two_workers_is_told_from_the_other),
	    cmocka_unit_test(the_newest_old_worker_serves_when_there_is_no_other),
	    cmocka_unit_test(anything_else_is_no_answer),
	    cmocka_unit_test(what_is_no_process_id_is_passed_over),
	    cmocka_unit_test(more_old_workers_than_there_is_room_for_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
