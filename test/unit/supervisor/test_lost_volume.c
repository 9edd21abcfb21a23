/* When a volume that has lost its account gets another. */
#include "test/unit/common/unit.h"

#include "supervisor/steps/lost_volume.h"

static const struct lost_volume fresh = {"/volume", 5000, false};
static const struct lost_volume lost = {"/volume", 5000, true};

static void one_that_is_new_is_told_and_does_not_wait(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(lost_volume_check(&fresh, 5000, &err), 0);
}

static void one_that_dns_knows_waits_from_the_start_on(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(lost_volume_check(&lost, 5000, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_int_equal(err.retry_after, LOST_VOLUME_PAUSE);
	assert_contains(err.text, "/volume");
	assert_contains(err.text, "ingressctl renew --force");
	assert_int_equal(lost_volume_check(&lost, 5000 + 119 * 1000, &err), -1);
	assert_int_equal(err.retry_after, 1);
	assert_int_equal(lost_volume_check(&lost, 5000 + 120 * 1000, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_that_is_new_is_told_and_does_not_wait),
	    cmocka_unit_test(one_that_dns_knows_waits_from_the_start_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
