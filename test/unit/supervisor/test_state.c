/* What survives a restart, and what becomes of a file that cannot be read. */
#include "test/unit/common/unit.h"

#include "supervisor/domains/state.h"
#include "supervisor/haproxy/template.h"

static struct state *open_state(const char *folder)
{
	struct error err = ERROR_INIT;
	struct state *state = state_open(folder, &err);

	if (state == NULL)
		fail_msg("%s", err.text);
	return state;
}

static void what_was_saved_is_there_after_a_restart(void **folder)
{
	struct error err = ERROR_INIT;
	struct state *state = open_state(*folder);
	struct domain_record *record = state_domain(state, "*.example.com");

	budget_spend(&record->budget, 1000);
	budget_spend(&record->budget, 2000);
	record->step = STEP_ISSUE;
	record->attempt = 3;
	record->not_before = 4000;
	snprintf(record->error, sizeof(record->error), "it said \"no\"");
	state_set_app_id(state, "0123");
	assert_int_equal(state_save(state, &err), 0);
	state_free(state);

	state = open_state(*folder);
	record = state_domain(state, "*.example.com");
	assert_int_equal(record->budget.count, 2);
	assert_int_equal(record->budget.attempts[1], 2000);
	assert_int_equal(record->step, STEP_ISSUE);
	assert_int_equal(record->attempt, 3);
	assert_int_equal(record->not_before, 4000);
	assert_string_equal(record->error, "it said \"no\"");
	assert_string_equal(state_app_id(state), "0123");
	assert_int_equal(state_domain(state, "new.example.com")->budget.count, 0);
	state_free(state);
}

static void put_file(const char *folder, const char *text)
{
	struct error err = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/dstack-ingress", folder);
	assert_int_equal(file_make_dirs(path, 0700, &err), 0);
	snprintf(path, sizeof(path), "%s/dstack-ingress/state.json", folder);
	assert_int_equal(file_write(path, 0600, text, strlen(text), &err), 0);
}

static void a_file_that_is_not_ours_is_set_aside(void **folder)
{
	static const char *const texts[] = {"", "{", "[]", "{\"version\": 2}", "\x7f\x01"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char path[512];
		put_file(*folder, texts[i]);
		struct state *state = open_state(*folder);
		assert_int_equal(state_domain(state, "example.com")->attempt, 0);
		state_free(state);
		snprintf(path, sizeof(path), "%s/dstack-ingress/state.json.broken",
			 (char *)*folder);
		assert_true(file_exists(path));
		assert_int_equal(remove(path), 0);
	}
}

static void strange_values_are_taken_for_none(void **folder)
{
	put_file(*folder, "{\"version\":1,\"app_id\":7,\"domains\":{\"a.b\":{\"orders\":[\"x\",5],"
			  "\"step\":\"nonsense\",\"attempt\":99999}}}");
	struct state *state = open_state(*folder);
	struct domain_record *record = state_domain(state, "a.b");

	assert_string_equal(state_app_id(state), "");
	assert_int_equal(record->budget.count, 1);
	assert_int_equal(record->step, STEP_SETTLED);
	assert_int_equal(record->attempt, 1000);
	state_free(state);
}

/* Times beyond what a time can be, and a name beyond what a name can be: neither may be taken
 * for one that it is not, nor keep what is saved next from being read. */
static void values_out_of_bounds_are_taken_for_none(void **folder)
{
	struct error err = ERROR_INIT;
	char text[1024], name[400];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "{\"version\":1,\"domains\":{\"a.b\":{\"orders\":[1e300,-1,-1e300,5]},"
		 "\"%sx\":{\"orders\":[6]},\"%sy\":{\"orders\":[7]}}}",
		 name, name);
	put_file(*folder, text);
	struct state *state = open_state(*folder);
	assert_int_equal(state_domain(state, "a.b")->budget.count, 1);
	assert_int_equal(state_domain(state, "a.b")->budget.attempts[0], 5);
	assert_int_equal(state_save(state, &err), 0);
	state_free(state);

	state = open_state(*folder);
	assert_int_equal(state_domain(state, "a.b")->budget.count, 1);
	state_free(state);
}

/* Each is looked for among all that were read before it. */
static void more_domains_than_there_can_be_are_set_aside(void **folder)
{
	static char text[1024 * 1024];
	char path[512];
	size_t at = (size_t)snprintf(text, sizeof(text), "{\"version\":1,\"domains\":{");

	for (int i = 0; i < 50000; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\"d%d\":{},", i);
	snprintf(text + at, sizeof(text) - at, "\"a.b\":{\"orders\":[5]}}}");
	put_file(*folder, text);
	struct state *state = open_state(*folder);
	assert_int_equal(state_domain(state, "a.b")->budget.count, 0);
	state_free(state);
	snprintf(path, sizeof(path), "%s/dstack-ingress/state.json.broken", (char *)*folder);
	assert_true(file_exists(path));
}

/* ---- templates */

static const struct template_value values[] = {
    {"name", "x"}, {"yes", "1"}, {"no", ""}, {"block", "a\nb\n"}, {NULL, NULL}};

static void assert_expands(const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	struct buffer out;

	buffer_init(&out, 1000);
	int rc = template_expand(text, values, &out, &err);
	if (expected == NULL) {
		assert_int_equal(rc, -1);
		assert_contains(err.text, "template");
	} else {
		assert_int_equal(rc, 0);
		assert_string_equal(buffer_text(&out), expected);
	}
	buffer_free(&out);
}

static void templates_expand(void **state)
{
	(void)state;
	assert_expands("{{name}}{{name}} {{no}}.\n", "xx .\n");
	assert_expands("@if yes\na\n@end\n@if no\nb\n@if yes\nc\n@end\n@end\nd\n", "a\nd\n");
	assert_expands("{{block}}\nc\n", "a\nb\nc\n");
	assert_expands("no newline", "no newline");
}

static void mistakes_in_templates_are_errors(void **state)
{
	(void)state;
	assert_expands("{{unknown}}\n", NULL);
	assert_expands("{{name\n", NULL);
	assert_expands("@if yes\n", NULL);
	assert_expands("@end\n", NULL);
	assert_expands("@nonsense\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(what_was_saved_is_there_after_a_restart),
	    scratch_test(a_file_that_is_not_ours_is_set_aside),
	    scratch_test(strange_values_are_taken_for_none),
	    scratch_test(values_out_of_bounds_are_taken_for_none),
	    scratch_test(more_domains_than_there_can_be_are_set_aside),
	    cmocka_unit_test(templates_expand),
	    cmocka_unit_test(mistakes_in_templates_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
