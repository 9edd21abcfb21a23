/* A look-up that never ends does not stay unnoticed. */
#include "supervisor/addresses/lookup_pool.h"

#include "test/unit/common/unit.h"

#include "common/clock.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_llong hours;

/* In the place of the real one, so that a minute need not pass. */
long long clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + hours * 3600 * 1000;
}

/* In the place of libc's: "stuck" is what glibc does with a server that takes a connection and
 * is silent then. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **list)
{
	(void)service;
	(void)hints;
	(void)list;
	if (strcmp(name, "quick.test") == 0)
		return EAI_NONAME;
	hours++;
	for (;;)
		pause();
}

static void one_that_does_not_end_ends_the_program(void **state)
{
	char names[] = "quick.test\nstuck.test\n";
	struct error err = ERROR_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(lookup_pool_run(names, ends[1], 0, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_string_equal(err.text, "looking up stuck.test has taken 60 s and does not end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_that_does_not_end_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
