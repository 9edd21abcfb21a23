/* Buffers and JSON when memory runs out. */
#include "memory.h"

#include "common/buffer.h"
#include "common/json.h"

static int use_our_allocator_in_cjson(void **state)
{
	cJSON_Hooks hooks = {__wrap_malloc, free};

	(void)state;
	cJSON_InitHooks(&hooks);
	return 0;
}

static void says_so(const void *arg, bool has_failed_then, bool ended_well, const struct error *err)
{
	(void)arg;
	assert_true(ended_well != has_failed_then);
	if (!ended_well)
		assert_string_not_equal(err->text, "");
}

static void torture(bool (*attempt)(const void *arg, struct error *err), long at_least)
{
	fail_every_allocation(attempt, NULL, says_so, at_least);
}

static bool fill_a_buffer(const void *arg, struct error *err)
{
	struct buffer b;

	(void)arg;
	buffer_init(&b, 100000);
	for (int i = 0; i < 1000; i++)
		buffer_printf(&b, "line %d\n", i);
	buffer_puts(&b, "end");
	int result = buffer_check(&b, "it", err);
	if (result != 0)
		assert_string_equal(err->text, "out of memory");
	buffer_free(&b);
	return result == 0;
}

static bool take_a_buffer(const void *arg, struct error *err)
{
	struct buffer b;

	(void)arg;
	buffer_init(&b, 10);
	char *text = buffer_take(&b);
	if (text == NULL)
		return error_no_memory(err) == 0;
	free(text);
	return true;
}

static bool parse_and_print(const void *arg, struct error *err)
{
	const char *text =
	    "{\"a\":[1,2,{\"b\":\"text\",\"c\":true}],\"d\":{\"e\":null,\"f\":\"x\"}}";
	AUTO_JSON cJSON *value = json_parse(text, strlen(text), "it", err);

	(void)arg;
	if (value == NULL)
		return false;
	AUTO_FREE char *plain = json_print(value, false, err);
	AUTO_FREE char *indented = plain == NULL ? NULL : json_print(value, true, err);
	if (indented == NULL)
		return false;
	assert_string_equal(plain, text);
	return true;
}

static bool read_a_file(const void *arg, struct error *err)
{
	/* A number in a regular file, there on every Linux. */
	AUTO_JSON cJSON *value = json_read_file("/proc/self/oom_score_adj", 1000, err);

	(void)arg;
	return value != NULL;
}

static void a_buffer_survives(void **state)
{
	(void)state;
	torture(fill_a_buffer, 3);
	torture(take_a_buffer, 1);
}

static void json_survives(void **state)
{
	(void)state;
	torture(parse_and_print, 20);
	torture(read_a_file, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_buffer_survives),
	    cmocka_unit_test(json_survives),
	};

	return cmocka_run_group_tests(tests, use_our_allocator_in_cjson, NULL);
}
