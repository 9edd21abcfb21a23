/* When a backend counts as one that does not take connections, and when no more. */
#include "test/unit/common/unit.h"

#include "supervisor/addresses/backend_health.h"

enum { NOW = 1000000 };

static struct backend_health *health;
static const struct backend_record *record;

static enum backend_news take(unsigned long long errors, unsigned long long bytes, time_t now)
{
	return backend_health_take(health, "app:80", errors, bytes, now, &record);
}

static int open_health(void **state)
{
	(void)state;
	health = backend_health_new();
	return health == NULL ? -1 : 0;
}

static int close_health(void **state)
{
	(void)state;
	backend_health_free(health);
	return 0;
}

static void a_failure_is_news_once(void **state)
{
	(void)state;
	assert_int_equal(take(0, 100, NOW), BACKEND_NO_NEWS);
	assert_null(backend_health_find(health, "app:80"));
	assert_int_equal(take(2, 100, NOW + 5), BACKEND_FAILS);
	assert_int_equal(take(2, 100, NOW + 10), BACKEND_NO_NEWS);
	assert_int_equal(take(5, 100, NOW + 15), BACKEND_NO_NEWS);
	assert_ptr_equal(backend_health_find(health, "app:80"), record);
	assert_int_equal(record->failures, 5);
	assert_int_equal(record->failing_since, NOW + 5);
	assert_int_equal(record->failed_at, NOW + 15);
	assert_int_equal(backend_health_failing(health, NULL, 0), 1);
}

static void it_answers_again_when_bytes_came_and_nothing_failed_for_a_while(void **state)
{
	(void)state;
	assert_int_equal(take(1, 100, NOW), BACKEND_FAILS);
	/* Silence proves nothing, however long. */
	assert_int_equal(take(1, 100, NOW + 3600), BACKEND_NO_NEWS);
	/* Bytes prove nothing while connections fail. */
	assert_int_equal(take(2, 200, NOW + 3605), BACKEND_NO_NEWS);
	assert_int_equal(take(2, 300, NOW + 3605 + BACKEND_CALM_SECONDS - 1), BACKEND_NO_NEWS);
	assert_int_equal(take(2, 300, NOW + 3605 + BACKEND_CALM_SECONDS), BACKEND_ANSWERS);
	assert_int_equal(record->failures, 2);
	assert_int_equal(backend_health_failing(health, NULL, 0), 0);
	/* The next time is news again. */
	assert_int_equal(take(3, 300, NOW + 5000), BACKEND_FAILS);
	assert_int_equal(record->failures, 1);
}

static void a_new_worker_counts_from_zero_and_is_no_news(void **state)
{
	(void)state;
	assert_int_equal(take(7, 1000, NOW), BACKEND_FAILS);
	backend_health_new_worker(health);
	assert_int_equal(take(0, 0, NOW + 5), BACKEND_NO_NEWS);
	assert_int_equal(take(2, 0, NOW + 10), BACKEND_NO_NEWS);
	assert_int_equal(record->failures, 9);
	backend_health_new_worker(health);
	assert_int_equal(take(0, 1, NOW + 10 + BACKEND_CALM_SECONDS), BACKEND_ANSWERS);
}

static void each_has_its_own_and_some_are_shown(void **state)
{
	const struct backend_record *some[2], *ignored;
	char name[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "app%d:80", i * 7919 % 1000);
		assert_int_equal(backend_health_take(health, name, i % 2, 0, NOW, &ignored),
				 i % 2 ? BACKEND_FAILS : BACKEND_NO_NEWS);
	}
	assert_int_equal(backend_health_failing(health, some, 2), 500);
	assert_string_not_equal(some[0]->name, some[1]->name);
}

#define health_test(function) cmocka_unit_test_setup_teardown(function, open_health, close_health)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    health_test(a_failure_is_news_once),
	    health_test(it_answers_again_when_bytes_came_and_nothing_failed_for_a_while),
	    health_test(a_new_worker_counts_from_zero_and_is_no_news),
	    health_test(each_has_its_own_and_some_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
