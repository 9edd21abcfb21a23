/* Changes over an API with record ids, against one that lists what it was told. */
#include "test/unit/common/unit.h"

#include "common/buffer.h"
#include "dns-hooks/providers/record_by_id.h"

enum { SCRIPT_MAX = 1024 };

/* What was called, and which call (from 1) fails. */
struct script {
	struct buffer calls;
	int count, failing, result;
};

static int note(void *state, const char *call, const struct record *record, struct error *err)
{
	struct script *script = state;

	buffer_printf(&script->calls, "%s %s;", call, record->value);
	if (++script->count != script->failing)
		return 0;
	if (script->result == -1)
		error_set(err, EXIT_FAILED, "refused");
	return script->result;
}

static int create(void *state, const struct zone *zone, const struct record *record,
		  struct error *err)
{
	assert_string_equal(zone->name, "test");
	return note(state, "create", record, err);
}

static int update(void *state, const struct zone *zone, const struct record *before,
		  const struct record *after, struct error *err)
{
	(void)zone;
	assert_int_equal(before->type, after->type);
	return note(state, "update", after, err);
}

static int delete (void *state, const struct zone *zone, const struct record *record,
		   struct error *err)
{
	(void)zone;
	return note(state, "delete", record, err);
}

static struct record made(enum record_type type, const char *value)
{
	struct error err = ERROR_INIT;
	struct record record;

	assert_int_equal(record_make(&record, "a.test", type, 300, value, &err), 0);
	return record;
}

/* Two addresses become a CNAME, and a TXT record its next value. */
static void fill(struct change_list *changes)
{
	struct error err = ERROR_INIT;
	AUTO_RECORD struct record one = made(RECORD_A, "192.0.2.1");
	AUTO_RECORD struct record two = made(RECORD_AAAA, "2001:db8::1");
	AUTO_RECORD struct record cname = made(RECORD_CNAME, "b.test");
	AUTO_RECORD struct record old = made(RECORD_TXT, "old");
	AUTO_RECORD struct record new = made(RECORD_TXT, "new");

	assert_int_equal(change_list_add(changes, &one, NULL, &err, "r"), 0);
	assert_int_equal(change_list_add(changes, &two, &cname, &err, "r"), 0);
	assert_int_equal(change_list_add(changes, &old, &new, &err, "r"), 0);
	assert_int_equal(change_list_add(changes, NULL, &old, &err, "r"), 0);
}

static void expect(int failing, int failure, int result, const char *calls, const char *words)
{
	static const struct record_calls fake = {create, update, delete};
	const struct zone zone = {.name = "test"};
	AUTO_CHANGES struct change_list changes = {0};
	struct script script = {.failing = failing, .result = failure};
	struct error err = ERROR_INIT;

	buffer_init(&script.calls, SCRIPT_MAX);
	fill(&changes);
	assert_int_equal(record_by_id_change(&fake, &script, &zone, &changes, &err), result);
	assert_string_equal(buffer_text(&script.calls), calls);
	assert_string_equal(err.text, words);
	buffer_free(&script.calls);
}

#define REPLACED "delete 192.0.2.1;delete 2001:db8::1;create b.test;"

static void changes_are_made_in_order(void **state)
{
	(void)state;
	expect(0, -1, 0, REPLACED "update new;create old;", "");
}

static void what_made_room_for_a_refused_record_comes_back(void **state)
{
	(void)state;
	expect(3, -1, -1, REPLACED "create 2001:db8::1;create 192.0.2.1;", "refused");
}

static void a_failure_elsewhere_ends_the_list(void **state)
{
	(void)state;
	expect(1, -1, -1, "delete 192.0.2.1;", "refused");
	expect(2, -1, -1, "delete 192.0.2.1;delete 2001:db8::1;", "refused");
	expect(4, PROVIDER_CHANGED_MEANWHILE, PROVIDER_CHANGED_MEANWHILE, REPLACED "update new;",
	       "");
}

/* The record that cannot be restored. */
static int refuse_creation(void *state, const struct zone *zone, const struct record *record,
			   struct error *err)
{
	(void)state;
	(void)zone;
	return error_set(err, EXIT_FAILED, "no %s", record->value);
}

static void what_cannot_be_restored_is_told(void **state)
{
	static const struct record_calls fake = {refuse_creation, update, delete};
	const struct zone zone = {.name = "test"};
	AUTO_CHANGES struct change_list changes = {0};
	struct script script = {.failing = 0};
	struct error err = ERROR_INIT;

	(void)state;
	buffer_init(&script.calls, SCRIPT_MAX);
	fill(&changes);
	assert_int_equal(record_by_id_change(&fake, &script, &zone, &changes, &err), -1);
	assert_contains(err.text, "the record A 192.0.2.1 of a.test is deleted, and could not be "
				  "restored (no 192.0.2.1)");
	assert_contains(err.text, "the record AAAA 2001:db8::1 of a.test is deleted");
	assert_contains(err.text, "no b.test");
	buffer_free(&script.calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changes_are_made_in_order),
	    cmocka_unit_test(what_made_room_for_a_refused_record_comes_back),
	    cmocka_unit_test(a_failure_elsewhere_ends_the_list),
	    cmocka_unit_test(what_cannot_be_restored_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
