#include "server.h"

#include "common/clock.h"
#include "common/http.h"

static struct server server;
static char address[64];

static int start_server(void **state)
{
	(void)state;
	server_start(&server);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	server_stop(&server);
	return 0;
}

struct outcome {
	int result;
	long status;
	unsigned retry_after;
	unsigned requests;
	long long milliseconds;
	struct error err;
};

static struct outcome ask_request(struct http_request request, const char *path, unsigned attempts,
				  long budget_ms)
{
	struct http_response response;
	struct outcome o = {.err = ERROR_INIT};
	unsigned before = server.requests;
	long long begin = clock_now_ms();

	snprintf(address, sizeof(address), "http://127.0.0.1:%u%s", server.port, path);
	request.url = address;
	o.result = http_perform_retrying(&request, &response, attempts, budget_ms, &o.err);
	o.milliseconds = clock_now_ms() - begin;
	o.status = response.status;
	o.retry_after = response.retry_after;
	o.requests = server.requests - before;
	http_response_free(&response);
	return o;
}

static struct outcome ask(const char *path, unsigned attempts, long budget_ms, size_t body_max)
{
	struct http_request request = {.body_max = body_max};

	return ask_request(request, path, attempts, budget_ms);
}

static void fail_first(unsigned times, const char *retry_after)
{
	server.failures_left = times;
	snprintf(server.retry_after, sizeof(server.retry_after), "%s", retry_after);
}

static void a_good_answer_is_not_asked_for_twice(void **state)
{
	struct outcome o = ask("/status/200", 5, 20000, 0);

	(void)state;
	assert_int_equal(o.result, 0);
	assert_int_equal(o.status, 200);
	assert_int_equal(o.requests, 1);
}

static void waits_double_between_attempts(void **state)
{
	(void)state;
	fail_first(2, "");
	struct outcome o = ask("/flaky", 3, 20000, 0);
	assert_int_equal(o.result, 0);
	assert_int_equal(o.status, 200);
	assert_int_equal(o.requests, 3);
	assert_in_range(o.milliseconds, 500 + 1000, 15000);
}

static void only_passing_troubles_are_repeated(void **state)
{
	static const struct {
		const char *path;
		unsigned requests;
	} cases[] = {
	    {"/status/400", 1}, {"/status/401", 1}, {"/status/404", 1}, {"/redirect", 1},
	    {"/status/408", 2}, {"/status/429", 2}, {"/status/500", 2}, {"/status/502", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct outcome o = ask(cases[i].path, 2, 20000, 0);
		assert_int_equal(o.result, 0);
		assert_int_equal(o.requests, cases[i].requests);
	}
}

static bool is_teapot(const struct http_response *response)
{
	return response->status == 418;
}

static void what_the_caller_calls_busy_is_repeated(void **state)
{
	struct http_request request = {.is_busy = is_teapot};

	(void)state;
	assert_int_equal(ask_request(request, "/status/418", 2, 20000).requests, 2);
	assert_int_equal(ask_request(request, "/status/400", 2, 20000).requests, 1);
	assert_int_equal(ask_request(request, "/status/503", 2, 20000).requests, 2);
}

static void transport_errors_are_repeated(void **state)
{
	(void)state;
	struct outcome o = ask("/truncated", 2, 20000, 0);
	assert_int_equal(o.result, -1);
	assert_int_equal(o.err.code, EXIT_UNREACHABLE);
	assert_int_equal(o.requests, 2);
}

static void an_answer_that_is_too_large_stays_so(void **state)
{
	(void)state;
	struct outcome o = ask("/endless", 3, 20000, 1000);
	assert_int_equal(o.result, -1);
	assert_int_equal(o.err.code, EXIT_FAILED);
	assert_int_equal(o.requests, 1);
}

static void the_last_answer_is_the_callers(void **state)
{
	(void)state;
	fail_first(100, "");
	struct outcome o = ask("/flaky", 2, 20000, 0);
	assert_int_equal(o.result, 0);
	assert_int_equal(o.status, 503);
	assert_int_equal(o.requests, 2);
	assert_int_equal(ask("/flaky", 1, 20000, 0).requests, 1);
	assert_int_equal(ask("/flaky", 0, 20000, 0).requests, 1);
}

static void retry_after_is_waited_for(void **state)
{
	(void)state;
	fail_first(1, "Retry-After: 2\r\n");
	struct outcome o = ask("/flaky", 2, 20000, 0);
	assert_int_equal(o.status, 200);
	assert_in_range(o.milliseconds, 2000, 15000);
}

static void a_wait_beyond_the_budget_is_not_begun(void **state)
{
	(void)state;
	fail_first(1, "Retry-After: 60\r\n");
	struct outcome o = ask("/flaky", 5, 20000, 0);
	assert_int_equal(o.result, 0);
	assert_int_equal(o.status, 503);
	assert_int_equal(o.retry_after, 60);
	assert_int_equal(o.requests, 1);
	assert_in_range(o.milliseconds, 0, 10000);
}

static void the_budget_bounds_a_silent_peer(void **state)
{
	(void)state;
	struct outcome o = ask("/silent", 5, 300, 0);
	assert_int_equal(o.result, -1);
	assert_int_equal(o.err.code, EXIT_TRY_LATER);
	assert_int_equal(o.requests, 1);
	assert_in_range(o.milliseconds, 290, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_answer_is_not_asked_for_twice),
	    cmocka_unit_test(waits_double_between_attempts),
	    cmocka_unit_test(only_passing_troubles_are_repeated),
	    cmocka_unit_test(what_the_caller_calls_busy_is_repeated),
	    cmocka_unit_test(transport_errors_are_repeated),
	    cmocka_unit_test(an_answer_that_is_too_large_stays_so),
	    cmocka_unit_test(the_last_answer_is_the_callers),
	    cmocka_unit_test(retry_after_is_waited_for),
	    cmocka_unit_test(a_wait_beyond_the_budget_is_not_begun),
	    cmocka_unit_test(the_budget_bounds_a_silent_peer),
	};

	server_forget_proxies();
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
