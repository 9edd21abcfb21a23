/* HAProxy's answer to `show stat`. */
#include "test/unit/common/unit.h"

#include "supervisor/haproxy/haproxy_stat.h"

struct seen {
	struct haproxy_stat rows[4];
	int count;
};

static void on_row(const struct haproxy_stat *stat, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->count < 4);
	seen->rows[seen->count++] = *stat;
}

static void values_are_found_by_the_names_of_their_columns(void **state)
{
	/* As 2.6 has it, cut short. */
	char text[] =
	    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,econ,status,addr,-,\n"
	    "tls,FRONTEND,,,12,13,20,50,700,5000000000,0,,OPEN,,-,\n"
	    "app:80,app,0,0,1,1,,1,5,6,,3,no check,10.0.0.5:80,-,\n"
	    "\n"
	    "# svname,pxname,econ\n" /* a second answer, laid out in another way */
	    "BACKEND,api:80,4\n";
	struct seen seen = {0};

	(void)state;
	assert_true(haproxy_stat_read(text, on_row, &seen));
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.rows[0].proxy, "tls");
	assert_string_equal(seen.rows[0].server, "FRONTEND");
	assert_string_equal(seen.rows[0].status, "OPEN");
	assert_string_equal(seen.rows[0].address, "");
	assert_int_equal(seen.rows[0].sessions, 12);
	assert_int_equal(seen.rows[0].sessions_max, 20);
	assert_int_equal(seen.rows[0].bytes_out, 5000000000);
	assert_int_equal(seen.rows[0].connect_errors, 0);
	assert_string_equal(seen.rows[1].address, "10.0.0.5:80");
	assert_int_equal(seen.rows[1].connect_errors, 3);
	assert_string_equal(seen.rows[2].proxy, "api:80");
	assert_int_equal(seen.rows[2].connect_errors, 4);
	assert_string_equal(seen.rows[2].address, "");
}

static void anything_else_is_no_answer(void **state)
{
	char empty[] = "", unknown[] = "Unknown command.\n", other[] = "# a,b\n1,2\n";
	char no_header[] = "tls,FRONTEND\n";
	struct seen seen = {0};

	(void)state;
	assert_false(haproxy_stat_read(empty, on_row, &seen));
	assert_false(haproxy_stat_read(unknown, on_row, &seen));
	assert_false(haproxy_stat_read(other, on_row, &seen));
	assert_false(haproxy_stat_read(no_header, on_row, &seen));
	assert_int_equal(seen.count, 0);
}

static void a_line_may_be_short_and_a_number_none(void **state)
{
	char text[] = "# pxname,svname,scur,econ\ntls\n,\nx,y,many,-1\n";
	struct seen seen = {0};

	(void)state;
	assert_true(haproxy_stat_read(text, on_row, &seen));
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.rows[0].server, "");
	assert_int_equal(seen.rows[2].sessions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_found_by_the_names_of_their_columns),
	    cmocka_unit_test(anything_else_is_no_answer),
	    cmocka_unit_test(a_line_may_be_short_and_a_number_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
