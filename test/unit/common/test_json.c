#include "unit.h"

#include "common/json.h"

static cJSON *parse(const char *text, struct error *err)
{
	*err = (struct error)ERROR_INIT;
	return json_parse(text, strlen(text), "the answer", err);
}

static void assert_refused(const char *text, const char *why)
{
	struct error err;
	AUTO_JSON cJSON *value = parse(text, &err);

	if (value != NULL)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, "the answer");
	assert_contains(err.text, why);
}

static void assert_accepted(const char *text)
{
	struct error err;
	AUTO_JSON cJSON *value = parse(text, &err);

	if (value == NULL)
		fail_msg("refused: %s", err.text);
}

/* ---- parsing */

static void one_value_of_any_kind_is_accepted(void **state)
{
	(void)state;
	assert_accepted("{}");
	assert_accepted(" [1, 2.5, -3e2, \"x\", true, false, null, {}, []]\r\n\t ");
	assert_accepted("\"alone\"");
	assert_accepted("0");
	assert_accepted("{\"a\":{\"b\":[{\"c\":\"\\u00e9\\n\"}]}}");
}

static void what_is_not_json_is_refused_and_quoted(void **state)
{
	(void)state;
	assert_refused("", "is empty where JSON was expected");
	assert_refused("   ", "is not JSON");
	assert_refused("<html>502 Bad Gateway</html>",
		       "is not JSON: '<html>502 Bad Gateway</html>'");
	assert_refused("{\"a\":1", "is not JSON");
	assert_refused("{\"a\":1,", "is not JSON");
	assert_refused("{\"a\":1,\"", "is not JSON");
	assert_refused("[1,]", "is not JSON");
	assert_refused("[1 2]", "is not JSON");
	assert_refused("{a:1}", "is not JSON");
	assert_refused("\"open", "is not JSON");
	assert_refused("\"bad \\x escape\"", "is not JSON");
	assert_refused("\"ends in \\", "is not JSON");
	assert_refused("\"\\ud800\"", "is not JSON");
	assert_refused("]", "is not JSON");
	assert_refused("nul", "is not JSON");
}

static void what_follows_the_value_is_refused(void **state)
{
	(void)state;
	assert_refused("{} {}", "is not JSON");
	assert_refused("{}x", "is not JSON");
	assert_refused("1-2", "is not JSON");
	assert_refused("[]]", "is not JSON");
}

static void the_quote_is_short_and_tidy(void **state)
{
	struct error err;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '\033';
	text[sizeof(text) - 1] = '\0';
	assert_null(parse(text, &err));
	text[60] = '\0';
	assert_contains(err.text, "'\\x1bx");
	assert_lacks(err.text, "\033");
	assert_string_equal(strchr(err.text, '\'') + 64, "...'");
}

static void a_nul_is_refused_raw_and_escaped(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(json_parse("{}\0", 3, "the answer", &err));
	assert_contains(err.text, "has a NUL byte");
	assert_null(json_parse("\0", 1, "the answer", &err));
	assert_refused("{\"domain\":\"good\\u0000evil\"}", "has an escape that is NUL");
	assert_refused("{\"na\\u0000me\":1}", "has an escape that is NUL");
	assert_refused("{\"domain\":\"good\\u00g0evil\"}", "has an escape that is NUL");
	assert_accepted("\"\\\\u0000\""); /* a backslash, then the text u0000 */
}

static void a_name_twice_is_refused(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "has the member \"a\" twice");
	assert_refused("[[{\"x\":{\"k\":1,\"k\":1}}]]", "has the member \"k\" twice");
	assert_refused("{\"a\":1,\"\\u0061\":2}", "has the member \"a\" twice");
	assert_accepted("{\"a\":1,\"A\":2,\"b\":{\"a\":3}}");
}

static char *nested(char open, char close, size_t depth)
{
	char *text = calloc(1, 2 * depth + 1);

	assert_non_null(text);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	return text;
}

static void nesting_is_bounded(void **state)
{
	AUTO_FREE char *deepest = nested('[', ']', 64);
	AUTO_FREE char *too_deep = nested('[', ']', 65);
	AUTO_FREE char *far_too_deep = nested('[', ']', 500000);

	(void)state;
	assert_accepted(deepest);
	assert_refused(too_deep, "is nested too deep");
	assert_refused(far_too_deep, "is nested too deep");
	/* Brackets in strings do not count. */
	AUTO_FREE char *string = nested('[', '{', 100);
	AUTO_FREE char *quoted = NULL;
	assert_true(asprintf(&quoted, "{\"\\\"%s\":\"%s\"}", string, string) > 0);
	assert_accepted(quoted);
}

static void many_members_are_checked_in_good_time(void **state)
{
	struct buffer text;
	struct error err = ERROR_INIT;

	(void)state;
	buffer_init(&text, 4 * 1024 * 1024);
	buffer_puts(&text, "{");
	for (int i = 0; i < 200000; i++)
		buffer_printf(&text, "\"k%d\":0,", i);
	buffer_puts(&text, "\"k77\":1}");
	assert_int_equal(buffer_check(&text, "the test's text", &err), 0);
	assert_refused(buffer_text(&text), "\"k77\" twice");
	buffer_free(&text);
}

static void the_length_counts_not_the_nul(void **state)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *value = json_parse("[1]garbage behind", 3, "it", &err);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(value), 1);
	/* Without a NUL behind it: reading one byte too many is for the sanitizer to see. */
	const char *unfinished[] = {"{\"1\":1,", "[", "\"", "\"\\", "{\"a\"", "-", "t", "1"};
	for (size_t i = 0; i < sizeof(unfinished) / sizeof(*unfinished); i++) {
		size_t length = strlen(unfinished[i]);
		AUTO_FREE char *exact = malloc(length);
		memcpy(exact, unfinished[i], length);
		AUTO_JSON cJSON *result = json_parse(exact, length, "it", &err);
		assert_int_equal(result != NULL, exact[0] == '1');
	}
}

/* ---- members */

static void members_are_found_by_name_and_type(void **state)
{
	struct error err;
	AUTO_JSON cJSON *object = parse(
	    "{\"s\":\"text\",\"a\":[1],\"o\":{\"k\":\"v\"},\"t\":true,\"f\":false,\"n\":null}",
	    &err);

	(void)state;
	assert_non_null(object);
	assert_string_equal(json_string(object, "s"), "text");
	assert_null(json_string(object, "S"));
	assert_null(json_string(object, "a"));
	assert_null(json_string(object, "absent"));
	assert_int_equal(cJSON_GetArraySize(json_array(object, "a")), 1);
	assert_null(json_array(object, "o"));
	assert_string_equal(json_string(json_object(object, "o"), "k"), "v");
	assert_null(json_object(object, "a"));
	assert_true(json_true(object, "t"));
	assert_false(json_true(object, "f"));
	assert_false(json_true(object, "s"));
	assert_false(json_true(object, "n"));
	/* Chains through what is absent, and what is no object. */
	assert_null(json_string(json_object(object, "absent"), "k"));
	assert_null(json_string(json_array(object, "a"), "k"));
	assert_null(json_array(NULL, "k"));
}

static void integers_are_whole_and_exact(void **state)
{
	struct error err;
	AUTO_JSON cJSON *object =
	    parse("{\"zero\":0,\"ttl\":3600,\"most\":9007199254740992,\"more\":9007199254740994,"
		  "\"huge\":1e999,\"half\":1.5,\"negative\":-1,\"text\":\"7\"}",
		  &err);

	(void)state;
	assert_non_null(object);
	assert_int_equal(json_integer(object, "zero", -7), 0);
	assert_int_equal(json_integer(object, "ttl", -7), 3600);
	assert_int_equal(json_integer(object, "most", -7), 9007199254740992);
	assert_int_equal(json_integer(object, "more", -7), -7);
	assert_int_equal(json_integer(object, "huge", -7), -7);
	assert_int_equal(json_integer(object, "half", -7), -7);
	assert_int_equal(json_integer(object, "negative", -7), -7);
	assert_int_equal(json_integer(object, "text", -7), -7);
	assert_int_equal(json_integer(object, "absent", -7), -7);
	assert_int_equal(json_integer(NULL, "zero", -7), -7);
}

/* ---- files and printing */

static void a_file_is_read_up_to_its_maximum(void **state)
{
	AUTO_FREE char *path = file_join(*state, "state.json");
	struct error err = ERROR_INIT;

	assert_null(json_read_file(path, 100, &err));
	assert_contains(err.text, "No such file");
	assert_int_equal(file_write(path, 0600, "{\"a\":[1,2]}\n", 12, &err), 0);
	AUTO_JSON cJSON *value = json_read_file(path, 12, &err);
	assert_int_equal(cJSON_GetArraySize(json_array(value, "a")), 2);
	assert_null(json_read_file(path, 11, &err));
	assert_contains(err.text, "larger than 11 bytes");
	assert_int_equal(file_write(path, 0600, "{", 1, &err), 0);
	assert_null(json_read_file(path, 100, &err));
	assert_contains(err.text, path);
	assert_contains(err.text, "is not JSON");
}

/* A link on the volume may lead to somebody's secrets, which root can read. */
static void nothing_is_quoted_of_a_file(void **state)
{
	static const char *const texts[] = {
	    "root:$6$canary$x:19000::::",
	    "canary",
	    "{\"canary\":1,\"canary\":2}",
	    "{\"a\":\"canary\\u0000\"}",
	    "canary[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	};
	AUTO_FREE char *path = file_join(*state, "state.json");
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(file_write(path, 0600, texts[i], strlen(texts[i]), &err), 0);
		assert_null(json_read_file(path, 4096, &err));
		assert_contains(err.text, path);
		assert_lacks(err.text, "canary");
	}
}

/* cJSON escapes quotes, backslashes and what is below U+0020, and no more. */
static void what_is_printed_gives_no_orders(void **state)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *value = cJSON_CreateObject();

	(void)state;
	cJSON_AddStringToObject(value, "a",
				"\x1b]0;x\x07\n\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81");
	cJSON_AddStringToObject(value, "b\xff", "caf\xc3\xa9 \xc3");
	AUTO_FREE char *text = json_print(value, false, &err);
	assert_string_equal(text,
			    "{\"a\":\"\\u001b]0;x\\u0007\\n\\u007f\\u009b\\u202e\\udb40\\udc41\","
			    "\"b\\ufffd\":\"caf\xc3\xa9 \\ufffd\"}");
	AUTO_JSON cJSON *again = json_parse(text, strlen(text), "it", &err);
	assert_string_equal(json_string(again, "a"), json_string(value, "a"));
	AUTO_FREE char *indented = json_print(value, true, &err);
	assert_contains(indented, "{\n\t\"a\":\t\"");
}

static void printing_is_the_reverse_of_parsing(void **state)
{
	struct error err;
	const char *text = "{\"a\":[1,true,null],\"b\":\"\\\"\\\\\\n\"}";
	AUTO_JSON cJSON *value = parse(text, &err);
	AUTO_FREE char *plain = json_print(value, false, &err);
	AUTO_FREE char *indented = json_print(value, true, &err);

	(void)state;
	assert_string_equal(plain, text);
	assert_contains(indented, "\n\t\"a\":");
}

static void of_a_secret_nothing_is_quoted(void **state)
{
	static const char *const texts[] = {"{\"key\": \"5ec7e7", "5ec7e7",
					    "{\"5ec7e7\":1,\"5ec7e7\":2}", "\"5ec7e7\\u0000\"",
					    "[5ec7e7]"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct error err = ERROR_INIT;
		assert_null(json_parse_secret(texts[i], strlen(texts[i]), "the answer", &err));
		assert_null(strstr(err.text, "5ec7e7"));
		assert_non_null(strstr(err.text, "the answer "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_value_of_any_kind_is_accepted),
	    cmocka_unit_test(what_is_not_json_is_refused_and_quoted),
	    cmocka_unit_test(what_follows_the_value_is_refused),
	    cmocka_unit_test(the_quote_is_short_and_tidy),
	    cmocka_unit_test(of_a_secret_nothing_is_quoted),
	    cmocka_unit_test(a_nul_is_refused_raw_and_escaped),
	    cmocka_unit_test(a_name_twice_is_refused),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(many_members_are_checked_in_good_time),
	    cmocka_unit_test(the_length_counts_not_the_nul),
	    cmocka_unit_test(members_are_found_by_name_and_type),
	    cmocka_unit_test(integers_are_whole_and_exact),
	    scratch_test(nothing_is_quoted_of_a_file),
	    cmocka_unit_test(what_is_printed_gives_no_orders),
	    scratch_test(a_file_is_read_up_to_its_maximum),
	    cmocka_unit_test(printing_is_the_reverse_of_parsing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
