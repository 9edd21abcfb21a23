/* When our clock is suspected. */
#include "test/unit/common/unit.h"

#include "supervisor/steps/clock_check.h"

enum { NOW = 1795348800, HOUR = 3600, DAY = 24 * HOUR }; /* 2026-11-22 12:00:00 UTC */

static void the_cas_clock_is_believed(void **state)
{
	struct clock_check check = {0};

	(void)state;
	clock_check_ca(&check, NOW - 65 * DAY, NOW);
	assert_string_equal(clock_check_problem(&check),
			    "the clock of this machine is 65 days ahead of the CA's, which says "
			    "2026-09-18T12:00:00Z: certificates are renewed at the wrong time "
			    "until it is set right");
	clock_check_ca(&check, NOW + 3 * HOUR, NOW);
	assert_contains(clock_check_problem(&check), "is 3 hours behind the CA's");
	clock_check_ca(&check, 0, NOW); /* it did not say: nothing new */
	assert_contains(clock_check_problem(&check), "is 3 hours behind the CA's");
	clock_check_ca(&check, NOW + CLOCK_TOLERANCE, NOW);
	assert_string_equal(clock_check_problem(&check), "");
	clock_check_ca(&check, NOW - CLOCK_TOLERANCE - 1, NOW);
	assert_contains(clock_check_problem(&check), "5 minutes ahead of");
}

static void a_certificate_from_the_future_shows_that_the_clock_is_behind(void **state)
{
	struct clock_check check = {0};

	(void)state;
	clock_check_certificate(&check, "a.test", NOW - DAY, NOW);
	assert_string_equal(clock_check_problem(&check), "");
	clock_check_certificate(&check, "b.test", NOW + DAY, NOW);
	assert_contains(clock_check_problem(&check), "the certificate of b.test is valid from "
						     "2026-11-23T12:00:00Z on");
	/* Another one that is not from the future takes nothing back ... */
	clock_check_certificate(&check, "a.test", NOW - DAY, NOW);
	assert_contains(clock_check_problem(&check), "b.test");
	/* ... but time, or whoever sets the clock, does. */
	clock_check_certificate(&check, "a.test", NOW - DAY, NOW + 2 * DAY);
	assert_string_equal(clock_check_problem(&check), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_cas_clock_is_believed),
	    cmocka_unit_test(a_certificate_from_the_future_shows_that_the_clock_is_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
