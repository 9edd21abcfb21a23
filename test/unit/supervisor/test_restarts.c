/* How long a program waits for its next start. */
#include "test/unit/common/unit.h"

#include "supervisor/children/restarts.h"

enum { MINUTE_MS = 60 * 1000 };

static void the_delay_doubles_up_to_half_a_minute(void **state)
{
	static const long expected[] = {1, 2, 4, 8, 16, 30, 30};
	struct restarts restarts = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		restarts_started(&restarts);
		assert_int_equal(restarts_next_delay(&restarts), expected[i]);
	}
}

static void one_that_stayed_for_a_minute_begins_anew(void **state)
{
	struct restarts restarts = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		restarts_next_delay(&restarts);
	restarts_started(&restarts);
	restarts.started_ms -= MINUTE_MS + 1;
	assert_int_equal(restarts_next_delay(&restarts), 1);
	restarts_started(&restarts);
	restarts.started_ms -= MINUTE_MS / 2;
	assert_int_equal(restarts_next_delay(&restarts), 2);
}

/* The minute counts from a start, which one that could not be started has not had. */
static void one_that_cannot_be_started_waits_longer_each_time(void **state)
{
	struct restarts restarts = {0};

	(void)state;
	restarts_started(&restarts);
	restarts.started_ms -= 2 * MINUTE_MS;
	assert_int_equal(restarts_next_delay(&restarts), 1);
	assert_int_equal(restarts_next_delay(&restarts), 2);
	assert_int_equal(restarts_next_delay(&restarts), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_delay_doubles_up_to_half_a_minute),
	    cmocka_unit_test(one_that_stayed_for_a_minute_begins_anew),
	    cmocka_unit_test(one_that_cannot_be_started_waits_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
