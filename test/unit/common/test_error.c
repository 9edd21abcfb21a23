#include "unit.h"

#include <errno.h>

static void set_fills_everything_and_returns_failure(void **state)
{
	struct error err = {EXIT_OK, 77, "before"};

	(void)state;
	assert_int_equal(error_set(&err, EXIT_BAD_CONFIG, "PORT is '%s'", "http"), -1);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_int_equal(err.retry_after, 0);
	assert_string_equal(err.text, "PORT is 'http'");
}

static void errno_is_explained_behind_the_text(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set_errno(&err, EXIT_FAILED, ENOENT, "cannot read %s", "/x"), -1);
	assert_string_equal(err.text, "cannot read /x: No such file or directory");
}

static void wrapping_keeps_code_and_retry_after(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EXIT_TRY_LATER, "status 429");
	err.retry_after = 30;
	assert_int_equal(error_wrap(&err, "zone %s", "example.com"), -1);
	assert_int_equal(error_wrap(&err, "linode"), -1);
	assert_string_equal(err.text, "linode: zone example.com: status 429");
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_int_equal(err.retry_after, 30);
}

static void what_a_peer_sends_stays_on_one_line(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EXIT_FAILED, "it said 'a\nb\033[31m\x7f'");
	assert_string_equal(err.text, "it said 'a\\nb\\x1b[31m\\x7f'");
	error_wrap(&err, "line\r");
	assert_string_equal(err.text, "line\\r: it said 'a\\nb\\x1b[31m\\x7f'");
}

static void long_texts_are_cut_and_say_so(void **state)
{
	struct error err = ERROR_INIT;
	char longer[3 * ERROR_TEXT_MAX];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	error_set(&err, EXIT_FAILED, "%s", longer);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_string_equal(err.text + ERROR_TEXT_MAX - 5, "x...");
	error_wrap(&err, "context");
	assert_memory_equal(err.text, "context: xxx", 12);
	assert_string_equal(err.text + ERROR_TEXT_MAX - 5, "x...");
	error_wrap(&err, "%s", longer);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

static void a_text_of_exactly_the_maximum_is_not_cut(void **state)
{
	struct error err = ERROR_INIT;
	char exact[ERROR_TEXT_MAX];

	(void)state;
	memset(exact, 'y', sizeof(exact));
	exact[sizeof(exact) - 1] = '\0';
	error_set(&err, EXIT_FAILED, "%s", exact);
	assert_string_equal(err.text, exact);
}

static void a_character_cut_in_two_leaves_valid_utf8(void **state)
{
	struct error err = ERROR_INIT;
	char text[2 * ERROR_TEXT_MAX] = "";

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	error_set(&err, EXIT_FAILED, "%s", text);
	assert_string_equal(err.text + ERROR_TEXT_MAX - 4, "...");
	/* 1020 bytes before the dots hold 510 whole characters; one byte more costs the last. */
	error_set(&err, EXIT_FAILED, ".%s", text);
	assert_string_equal(err.text + ERROR_TEXT_MAX - 7, "\xc3\xa9...");
}

static void the_old_text_may_be_an_argument(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EXIT_FAILED, "inner");
	error_set(&err, EXIT_TRY_LATER, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
	error_set_errno(&err, EXIT_FAILED, EACCES, "again %s", err.text);
	assert_string_equal(err.text, "again outer (inner): Permission denied");
}

static void running_out_of_memory_is_worth_another_try(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_no_memory(&err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_string_equal(err.text, "out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_fills_everything_and_returns_failure),
	    cmocka_unit_test(errno_is_explained_behind_the_text),
	    cmocka_unit_test(wrapping_keeps_code_and_retry_after),
	    cmocka_unit_test(what_a_peer_sends_stays_on_one_line),
	    cmocka_unit_test(long_texts_are_cut_and_say_so),
	    cmocka_unit_test(a_text_of_exactly_the_maximum_is_not_cut),
	    cmocka_unit_test(a_character_cut_in_two_leaves_valid_utf8),
	    cmocka_unit_test(the_old_text_may_be_an_argument),
	    cmocka_unit_test(running_out_of_memory_is_worth_another_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
