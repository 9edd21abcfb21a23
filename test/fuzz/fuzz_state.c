/* supervisor: the state file, which a crash, a full disk or a hand may have left in any state. */
#include "supervisor/domains/state.h"

#include "common/json.h"
#include "test/fuzz/fuzz.h"

static char path[256], broken[256];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = fuzz_folder();
	struct error err = ERROR_INIT;

	(void)argc;
	(void)argv;
	fuzz_quiet();
	snprintf(path, sizeof(path), "%s/dstack-ingress", folder);
	CHECK(file_make_dirs(path, 0700, &err) == 0);
	snprintf(path, sizeof(path), "%s/dstack-ingress/state.json", folder);
	snprintf(broken, sizeof(broken), "%s.broken", path);
	return 0;
}

static struct state *open_state(void)
{
	struct error err = ERROR_INIT;
	struct state *state = state_open(fuzz_scratch, &err);

	CHECK(state != NULL);
	return state;
}

static void check_record(const struct domain_record *record)
{
	const time_t now = 1764000000;

	CHECK(record->budget.count <= BUDGET_ATTEMPTS);
	CHECK(record->step < STEP_COUNT && record->not_before >= 0);
	CHECK(lifecycle_step_from_name(lifecycle_step_name(record->step)) == record->step);
	/* Whatever the file says, a name is not locked out for longer than the window. */
	struct budget budget = record->budget;
	time_t next = budget_next(&budget, now);
	CHECK(next >= now && next <= now + BUDGET_WINDOW);
	next = bucket_next(&record->certificates, (struct bucket_size){5, 34L * 3600}, now);
	CHECK(next >= now && next <= now + 34L * 3600);
	CHECK(record->issued_at >= 0);
	long left = schedule_left(record->not_before, now);
	CHECK(left >= 0 && left <= LONGEST_WAIT);
	for (unsigned i = 0; i < record->budget.count; i++)
		CHECK(record->budget.attempts[i] >= 0);
}

static void check_same(const struct domain_record *a, const struct domain_record *b)
{
	CHECK(a->budget.count == b->budget.count && a->attempt == b->attempt);
	for (unsigned i = 0; i < a->budget.count; i++)
		CHECK(a->budget.attempts[i] == b->budget.attempts[i]);
	if (a->attempt > 0)
		CHECK(a->step == b->step && a->not_before == b->not_before &&
		      strcmp(a->error, b->error) == 0);
}

/* What was understood is there after a restart: orders that were spent above all. */
static void check_saved(struct state *state, const cJSON *domains)
{
	struct error err = ERROR_INIT;
	const cJSON *item;

	CHECK(state_save(state, &err) == 0);
	struct state *again = open_state();
	CHECK(!file_exists(broken));
	CHECK(strcmp(state_app_id(state), state_app_id(again)) == 0);
	cJSON_ArrayForEach(item, domains)
	{
		struct domain_record *record = state_domain(state, item->string);
		CHECK(record != NULL);
		check_record(record);
		check_same(record, state_domain(again, item->string));
	}
	state_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *json = json_parse((const char *)data, size, "it", &err);

	if (!fuzz_is_utf8(data, size))
		return 0;
	unlink(broken);
	fuzz_put(path, data, size);
	struct state *state = open_state();
	/* What cannot be read is kept for a person to look at. */
	CHECK(file_exists(broken) == (json == NULL || json_integer(json, "version", 0) != 1));
	CHECK(file_exists(broken) != file_exists(path));
	unlink(broken);
	check_saved(state, json_object(json, "domains"));
	state_free(state);
	return 0;
}
