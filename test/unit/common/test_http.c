#include "server.h"

#include "common/clock.h"
#include "common/http.h"

#include <signal.h>

static struct server server;

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

/* In one of a few turns of static memory. */
static const char *url(const char *path)
{
	static char urls[4][256];
	static unsigned turn;
	char *made = urls[turn++ % 4];

	snprintf(made, sizeof(urls[0]), "http://127.0.0.1:%u%s", server.port, path);
	return made;
}

static struct http_response perform(const struct http_request *request)
{
	struct http_response response;
	struct error err = ERROR_INIT;

	if (http_perform(request, &response, &err) != 0)
		fail_msg("%s", err.text);
	return response;
}

static struct error perform_failing(const struct http_request *request)
{
	struct http_response response;
	struct error err = ERROR_INIT;

	assert_int_equal(http_perform(request, &response, &err), -1);
	http_response_free(&response);
	return err;
}

/* ---- whole answers */

static void every_status_is_an_answer(void **state)
{
	static const int statuses[] = {200, 201, 401, 404, 429, 500, 503};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		char path[64];
		snprintf(path, sizeof(path), "/status/%d", statuses[i]);
		struct http_response response = perform(&(struct http_request){.url = url(path)});
		assert_int_equal(response.status, statuses[i]);
		assert_string_equal(response.content_type, "text/plain; charset=utf-8");
		assert_string_equal(buffer_text(&response.body), "body");
		assert_int_equal(response.retry_after, 0);
		http_response_free(&response);
	}
}

static void a_request_is_sent_as_it_was_given(void **state)
{
	const char *const headers[] = {"X-Auth: token", "Content-Type: application/json", NULL};
	struct http_response response =
	    perform(&(struct http_request){.method = "PATCH",
					   .url = url("/status/200?a=b"),
					   .headers = headers,
					   .body = "{\"a\":1}..",
					   .body_length = 7});

	(void)state;
	http_response_free(&response);
	assert_memory_equal(server.received, "PATCH /status/200?a=b HTTP/1.1\r\n", 32);
	assert_contains(server.received, "\r\nX-Auth: token\r\n");
	assert_contains(server.received, "\r\nContent-Type: application/json\r\n");
	assert_contains(server.received, "\r\nContent-Length: 7\r\n");
	assert_contains(server.received, "\r\nUser-Agent: dstack-ingress/" VERSION "\r\n");
	assert_lacks(server.received, "Accept-Encoding");
	assert_lacks(server.received, "urlencoded");
	assert_string_equal(strstr(server.received, "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
}

static void methods_without_a_body(void **state)
{
	struct http_response response = perform(&(struct http_request){.url = url("/status/200")});

	(void)state;
	http_response_free(&response);
	assert_memory_equal(server.received, "GET ", 4);
	response = perform(&(struct http_request){.url = url("/status/200"), .method = "DELETE"});
	http_response_free(&response);
	assert_memory_equal(server.received, "DELETE ", 7);
	response = perform(&(struct http_request){.url = url("/status/200"), .method = "HEAD"});
	assert_int_equal(response.body.length, 0);
	http_response_free(&response);
	assert_memory_equal(server.received, "HEAD ", 5);
	response = perform(
	    &(struct http_request){.url = url("/status/200"), .method = "POST", .body = ""});
	http_response_free(&response);
	assert_contains(server.received, "\r\nContent-Length: 0\r\n");
}

static void a_redirect_is_not_followed(void **state)
{
	unsigned before = server.requests;
	struct http_response response = perform(&(struct http_request){.url = url("/redirect")});

	(void)state;
	assert_int_equal(response.status, 302);
	assert_int_equal(server.requests - before, 1);
	http_response_free(&response);
}

static void the_first_header_that_is_wanted_is_kept(void **state)
{
	static const char *const some[] = {"X-None", "lOCATION", "Content-Type", NULL};
	static const char *const none[] = {"X-None", NULL};
	struct http_response response =
	    perform(&(struct http_request){.url = url("/redirect"), .wanted_headers = some});

	(void)state;
	assert_string_equal(response.header, "/status/200");
	http_response_free(&response);
	response = perform(&(struct http_request){.url = url("/redirect"), .wanted_headers = none});
	assert_null(response.header);
	http_response_free(&response);
}

static void a_unix_socket_takes_the_place_of_the_host(void **state)
{
	AUTO_FREE char *path = file_join(*state, "agent.sock");
	static struct server agent;

	server_start_unix(&agent, path);
	/* Not even a proxy of the environment comes between. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	struct http_response response = perform(
	    &(struct http_request){.url = "http://localhost/status/201", .unix_socket = path});
	unsetenv("http_proxy");
	server_stop(&agent);
	assert_int_equal(response.status, 201);
	http_response_free(&response);
	struct error err = perform_failing(
	    &(struct http_request){.url = "http://localhost/Info", .unix_socket = "/no/such.sock"});
	assert_int_equal(err.code, EXIT_UNREACHABLE);
	assert_contains(err.text, "GET http://localhost/Info at /no/such.sock: ");
}

static void a_proxy_of_the_environment_is_used(void **state)
{
	char proxy[64];

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", server.port);
	setenv("http_proxy", proxy, 1);
	struct http_response response =
	    perform(&(struct http_request){.url = "http://api.example.invalid/zones"});
	unsetenv("http_proxy");
	http_response_free(&response);
	assert_memory_equal(server.received, "GET http://api.example.invalid/zones HTTP/1.1\r\n",
			    47);
}

static void a_direct_request_passes_every_proxy_by(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	struct http_response response =
	    perform(&(struct http_request){.url = url("/status/201"), .direct = true});
	unsetenv("http_proxy");
	assert_int_equal(response.status, 201);
	http_response_free(&response);
}

/* ---- Retry-After */

static unsigned retry_after(const char *value)
{
	snprintf(server.retry_after, sizeof(server.retry_after), "Retry-After: %s\r\n", value);
	server.failures_left = 1;
	struct http_response response = perform(&(struct http_request){.url = url("/flaky")});
	assert_int_equal(response.status, 503);
	http_response_free(&response);
	server.retry_after[0] = '\0';
	return response.retry_after;
}

static void both_forms_of_retry_after_are_seconds(void **state)
{
	char date[64];
	struct tm parts;
	time_t now = time(NULL);
	time_t soon = now + 100;
	time_t past = now - 100;

	(void)state;
	assert_int_equal(retry_after("120"), 120);
	assert_int_equal(retry_after("0"), 0);
	assert_int_equal(retry_after("soon"), 0);
	assert_int_equal(retry_after("-5"), 0);
	assert_in_range(retry_after("99999999"), 6 * 3600, 24 * 3600); /* later libcurl: 6 h */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &parts));
	assert_in_range(retry_after(date), 40, 100);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&past, &parts));
	assert_int_equal(retry_after(date), 0);
}

/* ---- answers that do not arrive whole */

static void a_slow_answer_meets_the_deadline(void **state)
{
	long long begin = clock_now_ms();
	struct error err =
	    perform_failing(&(struct http_request){.url = url("/silent"), .timeout_ms = 200});

	(void)state;
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_contains(err.text, "/silent: ");
	assert_contains(err.text, "timed out");
	assert_in_range(clock_now_ms() - begin, 190, 10000);
}

static void an_endless_body_is_cut_off(void **state)
{
	struct error err =
	    perform_failing(&(struct http_request){.url = url("/endless"), .body_max = 100000});

	(void)state;
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, "/endless: the answer is larger than 100000 bytes");
	err = perform_failing(&(struct http_request){.url = url("/endless")});
	assert_contains(err.text, "larger than 4194304 bytes");
	struct http_response response =
	    perform(&(struct http_request){.url = url("/status/200"), .body_max = 4});
	assert_string_equal(buffer_text(&response.body), "body");
	http_response_free(&response);
}

static void endless_headers_are_cut_off(void **state)
{
	struct error err = perform_failing(&(struct http_request){.url = url("/endless-headers")});

	(void)state;
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, "headers are larger than");
}

static void a_part_of_an_answer_is_none(void **state)
{
	static const char *const paths[] = {"/truncated", "/cut-head", "/garbage", "/nothing"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct error err = perform_failing(&(struct http_request){.url = url(paths[i])});
		assert_int_equal(err.code, EXIT_UNREACHABLE);
		assert_contains(err.text, paths[i]);
	}
}

/* Headers behind the body, without an empty line of their own as far as libcurl tells. */
static void trailers_belong_to_a_whole_answer(void **state)
{
	struct http_response response;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
	    http_perform(&(struct http_request){.url = url("/trailers")}, &response, &err), 0);
	assert_int_equal(response.status, 200);
	assert_string_equal(buffer_text(&response.body), "hello");
	http_response_free(&response);
}

static void a_host_that_is_not_there_is_unreachable(void **state)
{
	static struct server gone;

	(void)state;
	server_start(&gone);
	char address[64];
	snprintf(address, sizeof(address), "http://127.0.0.1:%u/x", gone.port);
	server_stop(&gone);
	struct error err = perform_failing(&(struct http_request){.url = address});
	assert_int_equal(err.code, EXIT_UNREACHABLE);
	assert_contains(err.text, address);
}

/* ---- what messages and requests must not carry */

static void messages_hide_what_is_secret_in_a_url(void **state)
{
	char address[256];
	struct error err;

	(void)state;
	snprintf(address, sizeof(address),
		 "http://user:hunter2@127.0.0.1:%u/truncated?token=s3cret#frag", server.port);
	err = perform_failing(&(struct http_request){.url = address});
	assert_lacks(err.text, "user");
	assert_lacks(err.text, "hunter2");
	assert_lacks(err.text, "s3cret");
	assert_lacks(err.text, "frag");
	assert_contains(err.text, url("/truncated"));
}

static void a_header_cannot_smuggle_another(void **state)
{
	const char *const headers[] = {"X-Ok: 1", "X-Token: hunter2\r\nX-Evil: 1", NULL};
	unsigned before = server.requests;
	struct error err =
	    perform_failing(&(struct http_request){.url = url("/status/200"), .headers = headers});

	(void)state;
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_contains(err.text, "X-Token");
	assert_lacks(err.text, "hunter2");
	assert_lacks(err.text, "Evil");
	assert_int_equal(server.requests, before);
}

static void only_http_and_https_are_spoken(void **state)
{
	static const char *const bad[] = {"file:///etc/passwd", "ftp://127.0.0.1/x",
					  "gopher://x",		"http://",
					  "not a url",		"http://127.0.0.1:99999/"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = perform_failing(&(struct http_request){.url = bad[i]});
		if (err.code != EXIT_BAD_CONFIG)
			fail_msg("%s: exit code %d, %s", bad[i], err.code, err.text);
	}
}

static void sigpipe_is_ignored_from_the_first_request_on(void **state)
{
	struct sigaction action;

	(void)state;
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_IGN);
}

/* ---- escaping */

static void all_but_unreserved_characters_are_escaped(void **state)
{
	AUTO_FREE char *plain = http_escape("AZaz09-._~");
	AUTO_FREE char *escaped = http_escape("a b/c?&=%+\"\xc3\xa9*");
	AUTO_FREE char *empty = http_escape("");

	(void)state;
	assert_string_equal(plain, "AZaz09-._~");
	assert_string_equal(escaped, "a%20b%2Fc%3F%26%3D%25%2B%22%C3%A9%2A");
	assert_string_equal(empty, "");
}

static void what_is_escaped_is_read_back(void **state)
{
	AUTO_FREE char *text = http_unescape("a%20b%2Fc%3f+%25%C3%A9%");
	AUTO_FREE char *empty = http_unescape("");

	(void)state;
	assert_string_equal(text, "a b/c?+%\xc3\xa9%");
	assert_string_equal(empty, "");
	assert_null(http_unescape("a%00b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_status_is_an_answer),
	    cmocka_unit_test(a_request_is_sent_as_it_was_given),
	    cmocka_unit_test(methods_without_a_body),
	    cmocka_unit_test(a_redirect_is_not_followed),
	    cmocka_unit_test(the_first_header_that_is_wanted_is_kept),
	    scratch_test(a_unix_socket_takes_the_place_of_the_host),
	    cmocka_unit_test(a_proxy_of_the_environment_is_used),
	    cmocka_unit_test(a_direct_request_passes_every_proxy_by),
	    cmocka_unit_test(both_forms_of_retry_after_are_seconds),
	    cmocka_unit_test(a_slow_answer_meets_the_deadline),
	    cmocka_unit_test(an_endless_body_is_cut_off),
	    cmocka_unit_test(endless_headers_are_cut_off),
	    cmocka_unit_test(a_part_of_an_answer_is_none),
	    cmocka_unit_test(trailers_belong_to_a_whole_answer),
	    cmocka_unit_test(a_host_that_is_not_there_is_unreachable),
	    cmocka_unit_test(messages_hide_what_is_secret_in_a_url),
	    cmocka_unit_test(a_header_cannot_smuggle_another),
	    cmocka_unit_test(only_http_and_https_are_spoken),
	    cmocka_unit_test(sigpipe_is_ignored_from_the_first_request_on),
	    cmocka_unit_test(all_but_unreserved_characters_are_escaped),
	    cmocka_unit_test(what_is_escaped_is_read_back),
	};

	server_forget_proxies();
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
