/* What a provider's answer leads to: a sentence, an exit code, a part of the next request. */
#include "test/unit/common/unit.h"

#include "dns-hooks/web/web_answer.h"

static void an_id_is_one_segment_of_a_path(void **state)
{
	static const char *const good[] = {"Z0123456789ABCDEF", "372e67954025e0ba6aaa6d586b9e0b59",
					   "17", "a-b_c"};
	static const char *const bad[] = {"",	 ".",	"..",  "a.b",	 "a/b",	  "a%2fb",
					  "a?b", "a#b", "a b", "a\r\nb", "a\x1b", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(web_id_is_usable(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(web_id_is_usable(bad[i]));
	assert_false(web_id_is_usable(NULL));
}

/* The same answer with words of the API and with a body that cannot be read. */
static void a_wait_is_told_whether_the_body_can_be_read_or_not(void **state)
{
	const struct web_answer answer = {"Linode", "GET /domains", 429, 3600};
	struct error err = ERROR_INIT;

	(void)state;
	web_answer_refused(&answer, web_exit_code(429), "Too many requests", "slow down", &err);
	assert_string_equal(err.text, "Linode: GET /domains: HTTP status 429, Too many requests; "
				      "it asks to wait 3600 seconds; slow down");
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_int_equal(err.retry_after, 3600);
	error_set(&err, EXIT_UNREACHABLE, "the answer is empty");
	web_answer_unreadable(&answer, &err);
	assert_string_equal(err.text, "Linode: GET /domains: HTTP status 429; it asks to wait 3600 "
				      "seconds: the answer is empty");
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_int_equal(err.retry_after, 3600);
}

static void a_redirect_is_told_as_one(void **state)
{
	const struct web_answer answer = {"Linode", "GET /domains", 301, 0};
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EXIT_UNREACHABLE, "the answer is empty");
	web_answer_unreadable(&answer, &err);
	assert_contains(err.text, "Linode: GET /domains: HTTP status 301, a redirect, and none is "
				  "followed");
	assert_null(strstr(err.text, "empty"));
	assert_int_equal(err.code, EXIT_UNREACHABLE);
	web_answer_refused(&answer, EXIT_FAILED, "", "", &err);
	assert_contains(err.text, "HTTP status 301, a redirect, and none is followed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_is_one_segment_of_a_path),
	    cmocka_unit_test(a_redirect_is_told_as_one),
	    cmocka_unit_test(a_wait_is_told_whether_the_body_can_be_read_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
