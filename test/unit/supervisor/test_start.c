/* The order of the start, with an installation and addresses of the test's own. */
#include "test/unit/common/unit.h"

#include "supervisor/addresses/resolver.h"
#include "supervisor/steps/start.h"
#include "supervisor/steps/steps_serve.h"

#include <time.h>

enum { DOMAINS = 20 };

static struct event_base *base;
static struct start *start;
static size_t installed, answered;
static bool addresses_come, serve_fails;
static char order[256];

static void note(const char *what)
{
	size_t length = strlen(order);

	snprintf(order + length, sizeof(order) - length, "%s", what);
}

/* A slow volume. */
void steps_serve_install_existing(struct steps_serve *serve, size_t domain)
{
	(void)serve;
	assert_int_equal(domain, installed);
	installed++;
	nanosleep(&(struct timespec){0, 2 * 1000 * 1000}, NULL);
}

void resolver_wait(struct resolver *resolver, int milliseconds, void (*done)(void *arg), void *arg)
{
	(void)resolver;
	assert_true(milliseconds > 0);
	note("installed ");
	if (addresses_come)
		done(arg);
}

static int serve(void *arg, struct error *err)
{
	(void)arg;
	assert_int_equal(installed, DOMAINS);
	assert_false(start_is_reading(start));
	note("serve ");
	if (serve_fails)
		return error_set(err, EXIT_FAILED, "no HAProxy");
	start_is_served(start);
	start_is_served(start);
	return 0;
}

static void go_on(void *arg)
{
	(void)arg;
	note("go on");
	event_base_loopbreak(base);
}

/* Whoever asks for the status again and again. */
static void on_question(evutil_socket_t fd, short what, void *arg)
{
	struct event **question = arg;

	(void)fd;
	(void)what;
	answered++;
	if (installed < DOMAINS)
		event_add(*question, &(struct timeval){0, 0});
}

static int make(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	base = event_base_new();
	start =
	    start_new(&(struct start_options){base, NULL, NULL, DOMAINS, serve, go_on, NULL}, &err);
	installed = answered = 0;
	order[0] = '\0';
	addresses_come = true;
	serve_fails = false;
	return start == NULL;
}

static int drop(void **state)
{
	(void)state;
	start_free(start);
	event_base_free(base);
	return 0;
}

static void everything_begins_in_its_order(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(start_is_reading(start));
	start_begin(start);
	event_base_dispatch(base);
	assert_string_equal(order, "installed serve go on");
	assert_int_equal(start_outcome(start, &err), 0);
}

static void others_are_answered_meanwhile(void **state)
{
	struct event *question = evtimer_new(base, on_question, &question);

	(void)state;
	event_add(question, &(struct timeval){0, 0});
	start_begin(start);
	event_base_dispatch(base);
	assert_true(answered > 3);
	event_free(question);
}

static void without_addresses_it_waits(void **state)
{
	(void)state;
	addresses_come = false;
	start_begin(start);
	event_base_dispatch(base);
	assert_string_equal(order, "installed ");
	assert_true(start_is_reading(start));
}

static void what_keeps_haproxy_from_starting_ends_the_loop(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	serve_fails = true;
	start_begin(start);
	event_base_dispatch(base);
	assert_string_equal(order, "installed serve ");
	assert_int_equal(start_outcome(start, &err), -1);
	assert_string_equal(err.text, "no HAProxy");
}

static void once_stopped_nothing_begins(void **state)
{
	(void)state;
	start_begin(start);
	start_stop(start);
	event_base_dispatch(base);
	start_is_served(start);
	assert_string_equal(order, "");
	assert_int_equal(installed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(everything_begins_in_its_order, make, drop),
	    cmocka_unit_test_setup_teardown(others_are_answered_meanwhile, make, drop),
	    cmocka_unit_test_setup_teardown(without_addresses_it_waits, make, drop),
	    cmocka_unit_test_setup_teardown(what_keeps_haproxy_from_starting_ends_the_loop, make,
					    drop),
	    cmocka_unit_test_setup_teardown(once_stopped_nothing_begins, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
