/*
 * Every allocation of a call fails in turn: the call must say so, and the sanitizer's build
 * sees what it leaks.  The sources are compiled in here with their allocator replaced.
 */
#include "unit.h"

#include <cjson/cJSON.h>

static long allocations_left; /* before they fail; negative: they never do */

static bool allocation_fails(void)
{
	if (allocations_left == 0)
		return true;
	if (allocations_left > 0)
		allocations_left--;
	return false;
}

static void *torture_malloc(size_t size)
{
	return allocation_fails() ? NULL : malloc(size);
}

static char *torture_strdup(const char *text)
{
	return allocation_fails() ? NULL : strdup(text);
}

#define malloc torture_malloc
#define strdup torture_strdup
#include "common/buffer.c"
#include "common/json.c"
#undef malloc
#undef strdup

static int use_torture_in_cjson(void **state)
{
	cJSON_Hooks hooks = {torture_malloc, free};

	(void)state;
	cJSON_InitHooks(&hooks);
	return 0;
}

/* Runs `attempt` with 0, 1, 2 ... allocations until it succeeds; each failure must have come
 * with an error. */
static void torture(int (*attempt)(struct error *err), long at_least)
{
	for (long allowed = 0;; allowed++) {
		struct error err = ERROR_INIT;
		allocations_left = allowed;
		int result = attempt(&err);
		bool exhausted = allocations_left == 0;
		allocations_left = -1;
		if (result == 0) {
			assert_true(allowed >= at_least);
			return;
		}
		assert_true(exhausted);
		assert_string_not_equal(err.text, "");
		assert_true(allowed < 1000);
	}
}

static int fill_a_buffer(struct error *err)
{
	struct buffer b;

	buffer_init(&b, 100000);
	for (int i = 0; i < 1000; i++)
		buffer_printf(&b, "line %d\n", i);
	buffer_puts(&b, "end");
	int result = buffer_check(&b, "it", err);
	if (result != 0)
		assert_string_equal(err->text, "out of memory");
	buffer_free(&b);
	return result;
}

static int take_a_buffer(struct error *err)
{
	struct buffer b;

	buffer_init(&b, 10);
	char *text = buffer_take(&b);
	if (text == NULL)
		return error_no_memory(err);
	free(text);
	return 0;
}

static int parse_and_print(struct error *err)
{
	const char *text =
	    "{\"a\":[1,2,{\"b\":\"text\",\"c\":true}],\"d\":{\"e\":null,\"f\":\"x\"}}";
	AUTO_JSON cJSON *value = json_parse(text, strlen(text), "it", err);

	if (value == NULL)
		return -1;
	AUTO_FREE char *plain = json_print(value, false, err);
	AUTO_FREE char *indented = plain == NULL ? NULL : json_print(value, true, err);
	if (indented == NULL)
		return -1;
	assert_string_equal(plain, text);
	return 0;
}

static int read_a_file(struct error *err)
{
	/* A number in a regular file, there on every Linux. */
	AUTO_JSON cJSON *value = json_read_file("/proc/self/oom_score_adj", 1000, err);

	return value == NULL ? -1 : 0;
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

	allocations_left = -1;
	return cmocka_run_group_tests(tests, use_torture_in_cjson, NULL);
}
