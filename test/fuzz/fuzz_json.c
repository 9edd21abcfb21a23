/* common: JSON from strangers. */
#include "common/json.h"

#include "test/fuzz/fuzz.h"

enum { DEPTH_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_members(const cJSON *object)
{
	for (const cJSON *member = object->child; member != NULL; member = member->next) {
		long long number = json_integer(object, member->string, -1);
		CHECK(number >= -1 && number <= 1LL << 53);
		CHECK((json_string(object, member->string) != NULL) == cJSON_IsString(member));
		CHECK((json_array(object, member->string) != NULL) == cJSON_IsArray(member));
		CHECK((json_object(object, member->string) != NULL) == cJSON_IsObject(member));
		CHECK(json_true(object, member->string) == cJSON_IsTrue(member));
		/* No name stands twice: the first of that name is this one. */
		CHECK(cJSON_GetObjectItemCaseSensitive(object, member->string) == member);
	}
}

static void check_value(const cJSON *value, int depth)
{
	CHECK(depth <= DEPTH_MAX);
	if (cJSON_IsObject(value))
		check_members(value);
	else
		CHECK(json_string(value, "a") == NULL && json_integer(value, "a", -7) == -7);
	for (const cJSON *child = value->child; child != NULL; child = child->next)
		check_value(child, depth + 1);
}

static bool is_utf8(const char *text)
{
	while (*text != '\0' && text_first(text).is_utf8)
		text += text_first(text).length;
	return *text == '\0';
}

/* What is printed is read again, and says the same. */
static void check_round_trip(const cJSON *value, bool indented)
{
	struct error err = ERROR_INIT;
	char *first = json_print(value, indented, &err);
	CHECK(first != NULL);
	AUTO_JSON cJSON *again = json_parse(first, strlen(first), "it", &err);
	CHECK(again != NULL);
	char *second = json_print(again, indented, &err);
	CHECK(second != NULL && strcmp(first, second) == 0);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	char *exact = malloc(size == 0 ? 1 : size); /* without a NUL behind it */

	CHECK(exact != NULL);
	memcpy(exact, data, size);
	/* Bytes that are no UTF-8 are printed as one character, so two names may become one. */
	char *text = fuzz_text(data, size);
	bool comes_back = is_utf8(text);
	free(text);
	AUTO_JSON cJSON *value = json_parse(exact, size, "the answer", &err);
	free(exact);
	if (value == NULL) {
		fuzz_check_error(&err);
		return 0;
	}
	CHECK(memchr(data, '\0', size) == NULL);
	check_value(value, 0);
	if (comes_back) {
		check_round_trip(value, false);
		check_round_trip(value, true);
	}
	return 0;
}
