#include "unit.h"

#include "common/buffer.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct buffer b;
	struct error err = ERROR_INIT;

	(void)state;
	buffer_init(&b, 10);
	assert_string_equal(buffer_text(&b), "");
	assert_int_equal(buffer_check(&b, "it", &err), 0);
	char *taken = buffer_take(&b);
	assert_string_equal(taken, "");
	free(taken);
}

static void appends_add_up(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 1000);
	assert_int_equal(buffer_append(&b, "ab\0c", 4), 0);
	assert_int_equal(buffer_puts(&b, "de"), 0);
	assert_int_equal(buffer_printf(&b, "%d-%s", 42, "x"), 0);
	assert_int_equal(buffer_append(&b, NULL, 0), 0);
	assert_int_equal(b.length, 10);
	assert_memory_equal(b.data, "ab\0cde42-x", 11);
	buffer_free(&b);
	assert_null(b.data);
	assert_int_equal(b.maximum, 1000);
}

static void growth_keeps_the_content(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 100000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buffer_printf(&b, "%06d\n", i), 0);
	assert_int_equal(b.length, 70000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(strtol(b.data + (size_t)i * 7, NULL, 10), i);
	buffer_free(&b);
}

static void the_maximum_holds_to_the_byte(void **state)
{
	struct buffer b;
	struct error err = ERROR_INIT;

	(void)state;
	buffer_init(&b, 4);
	assert_int_equal(buffer_puts(&b, "abcd"), 0);
	assert_string_equal(buffer_text(&b), "abcd");
	assert_int_equal(buffer_puts(&b, ""), 0);
	assert_int_equal(buffer_puts(&b, "e"), -1);
	assert_null(b.data);
	assert_string_equal(buffer_text(&b), "");
	assert_int_equal(buffer_check(&b, "the list", &err), -1);
	assert_string_equal(err.text, "the list is larger than 4 bytes");
	assert_int_equal(err.code, EXIT_FAILED);
	buffer_free(&b);
}

static void a_failure_stays_until_reset(void **state)
{
	struct buffer b;
	struct error err = ERROR_INIT;

	(void)state;
	buffer_init(&b, 4);
	assert_int_equal(buffer_printf(&b, "%s", "abcde"), -1);
	assert_int_equal(buffer_puts(&b, "a"), -1);
	assert_int_equal(buffer_printf(&b, "a"), -1);
	assert_int_equal(buffer_append(&b, NULL, 0), -1);
	assert_null(buffer_take(&b));
	buffer_reset(&b);
	assert_int_equal(buffer_check(&b, "it", &err), 0);
	assert_int_equal(buffer_puts(&b, "abc"), 0);
	buffer_reset(&b);
	assert_string_equal(buffer_text(&b), "");
	assert_int_equal(buffer_puts(&b, "wxyz"), 0);
	assert_string_equal(buffer_text(&b), "wxyz");
	buffer_free(&b);
}

static void a_maximum_of_nothing_and_of_everything(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 0);
	assert_int_equal(buffer_puts(&b, ""), 0);
	assert_int_equal(buffer_puts(&b, "a"), -1);
	buffer_init(&b, SIZE_MAX);
	assert_int_equal(buffer_puts(&b, "a"), 0);
	/* With the NUL this would be SIZE_MAX + 1: the length is refused before any read. */
	assert_int_equal(buffer_append(&b, "", SIZE_MAX - 1), -1);
	assert_null(b.data);
	buffer_free(&b);
}

static void taking_hands_over_the_memory(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 100);
	buffer_puts(&b, "mine");
	char *taken = buffer_take(&b);
	assert_string_equal(taken, "mine");
	assert_int_equal(b.length, 0);
	assert_int_equal(buffer_puts(&b, "new"), 0);
	assert_string_equal(taken, "mine");
	assert_string_equal(buffer_text(&b), "new");
	free(taken);
	buffer_free(&b);
}

static void what_was_in_it_is_cleansed(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 100);
	buffer_puts(&b, "a secret");
	buffer_reset(&b);
	for (size_t i = 0; i < strlen("a secret"); i++)
		assert_int_equal(b.data[i], 0);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_in_it_is_cleansed),
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(appends_add_up),
	    cmocka_unit_test(growth_keeps_the_content),
	    cmocka_unit_test(the_maximum_holds_to_the_byte),
	    cmocka_unit_test(a_failure_stays_until_reset),
	    cmocka_unit_test(a_maximum_of_nothing_and_of_everything),
	    cmocka_unit_test(taking_hands_over_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
