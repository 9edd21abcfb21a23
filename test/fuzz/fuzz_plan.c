/* dns-hooks: plans.  The first line says what is wanted at the name, a letter each; every other
 * one is a record that stands there: "TYPE VALUE", with "!" behind the type of a proxied one. */
#include "dns-hooks/plan/plan_make.h"

#include "test/fuzz/fuzz.h"

#include <ctype.h>

#define NAME "app.example.test"

enum { RECORDS_MAX = 40 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* ---- what is wanted, and what is there */

static bool has(const char *letters, char letter)
{
	return strchr(letters, letter) != NULL;
}

static enum caa_wish wish(const char *letters, char pin, char nobody)
{
	if (has(letters, pin))
		return CAA_WISH_PIN;
	return has(letters, nobody) ? CAA_WISH_NOBODY : CAA_WISH_NONE;
}

/* "t" for the TXT record; else "a" alias, "i" or "I" issue, "w" or "W" issuewild. */
static struct desired_records read_desired(const char *letters)
{
	struct desired_records desired = {.name = NAME, .base = NAME};

	desired.txt = has(letters, 't');
	if (desired.txt)
		return desired;
	desired.alias = has(letters, 'a');
	desired.issue = wish(letters, 'i', 'I');
	desired.issuewild = wish(letters, 'w', 'W');
	desired.caa_stands = has(letters, 's') || desired.issue != CAA_WISH_NONE ||
			     desired.issuewild != CAA_WISH_NONE;
	return desired;
}

static void add(struct record_list *list, struct record *record)
{
	struct error err = ERROR_INIT;

	if (record_list_find(list, record) != NULL)
		record_free(record); /* no record stands twice at a name */
	else
		CHECK(record_list_add(list, record, &err) == 0);
}

static void read_record(char *line, struct record_list *list)
{
	char *value = strchr(line, ' ');
	struct error err = ERROR_INIT;
	struct record record;

	if (value == NULL || value == line)
		return;
	*value++ = '\0';
	bool proxied = line[strlen(line) - 1] == '!';
	if (proxied)
		line[strlen(line) - 1] = '\0';
	enum record_type type = record_type_parse(line);
	int result = type == RECORD_OTHER ? record_make_other(&record, NAME, line, 60, value, &err)
					  : record_make(&record, NAME, type, 60, value, &err);
	if (result != 0)
		return;
	record.proxied = proxied && type <= RECORD_CNAME;
	add(list, &record);
}

static void add_address(struct record_list *list, enum record_type type, const char *value)
{
	struct error err = ERROR_INIT;
	struct record record;

	CHECK(record_make(&record, "gateway.test", type, 60, value, &err) == 0);
	add(list, &record);
}

static const struct plan_rules rules = {
    .caa_separator = "; ",
    .record_ttl = 300,
    .gateway = "gateway.test",
    .txt_value = "abcdef01:443",
    .ca = {.names = {"ca.test", "alias.ca.test"}, .count = 2},
    .account_uri = "https://ca.test/acct/2",
};

/* ---- what may be done */

static bool is_app_address(const char *value)
{
	const char *colon = strchr(value, ':');

	if (colon == NULL || colon == value || colon[1] == '\0')
		return false;
	for (const char *at = value; at < colon; at++)
		if (!isxdigit((unsigned char)*at))
			return false;
	for (const char *at = colon + 1; *at != '\0'; at++)
		if (!isdigit((unsigned char)*at))
			return false;
	return true;
}

static bool is_pin_of_our_ca(const char *value)
{
	struct caa caa;
	struct caa_pin pin;

	return caa_parse(value, &caa) == 0 && caa_is_pin(&caa, &pin) &&
	       (strcmp(pin.issuer, "ca.test") == 0 || strcmp(pin.issuer, "alias.ca.test") == 0);
}

/* Whether a record is of those that this program may take away. */
static bool is_ours(const struct record *record, const struct desired_records *desired)
{
	switch (record->type) {
	case RECORD_A:
	case RECORD_AAAA:
	case RECORD_CNAME:
		return desired->alias;
	case RECORD_TXT:
		return desired->txt && is_app_address(record->value);
	case RECORD_CAA:
		return is_pin_of_our_ca(record->value) &&
		       (desired->issue != CAA_WISH_NONE || desired->issuewild != CAA_WISH_NONE);
	case RECORD_OTHER:
		break;
	}
	return false;
}

/* The position of exactly this record. */
static size_t position(const struct record_list *list, const struct record *record)
{
	for (size_t i = 0; i < list->count; i++)
		if (record_same(&list->items[i], record) &&
		    list->items[i].proxied == record->proxied)
			return i;
	return list->count;
}

static void take_out(struct record_list *list, size_t at)
{
	record_free(&list->items[at]);
	memmove(&list->items[at], &list->items[at + 1],
		(list->count - at - 1) * sizeof(list->items[0]));
	list->count--;
}

static void do_change(const struct change *change, const struct desired_records *desired,
		      struct record_list *list)
{
	struct error err = ERROR_INIT;
	struct record record;

	CHECK(change->reason[0] != '\0');
	if (change->kind != CHANGE_ADD) {
		size_t at = position(list, &change->before);
		CHECK(at < list->count && is_ours(&change->before, desired));
		take_out(list, at);
	}
	if (change->kind == CHANGE_REMOVE)
		return;
	CHECK(record_list_find(list, &change->after) == NULL);
	CHECK(strcmp(change->after.name, NAME) == 0 && !change->after.proxied);
	CHECK(record_copy(&record, &change->after, &err) == 0);
	CHECK(record_list_add(list, &record, &err) == 0);
}

/* A CNAME stands alone, unless the provider knows better. */
static void check_result(const struct record_list *list, const struct desired_records *desired,
			 bool cname_beside_others)
{
	if (desired->alias && !cname_beside_others &&
	    record_list_find_type(list, RECORD_CNAME) != NULL)
		CHECK(list->count == 1);
}

/* Plans and does it; how many changes there were, or -1 when something is in the way. */
static long run(const struct desired_records *desired, bool cname_beside_others,
		struct record_list *list)
{
	AUTO_RECORDS struct record_list addresses = {0};
	struct plan_rules with = rules;
	struct error err = ERROR_INIT;
	struct plan plan;
	long count = -1;

	with.cname_beside_others = cname_beside_others;
	add_address(&addresses, RECORD_A, "192.0.2.1");
	add_address(&addresses, RECORD_AAAA, "2001:db8::1");
	bool by_address =
	    desired->alias && plan_why_addresses(desired, "example.test", list, &with) != NULL;
	plan_init(&plan);
	if (plan_make(desired, "example.test", list, by_address ? &addresses : NULL, &with, &plan,
		      &err) == 0) {
		count = (long)plan.changes.count;
		for (size_t i = 0; i < plan.changes.count; i++)
			do_change(&plan.changes.items[i], desired, list);
		check_result(list, desired, cname_beside_others);
	} else {
		fuzz_check_error(&err);
	}
	plan_free(&plan);
	return count;
}

/* Whatever stands at a name: only what is ours is taken away, and a second run finds nothing
 * left to do. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *letters = fuzz_line(&input);
	AUTO_RECORDS struct record_list list = {0};
	struct desired_records desired = read_desired(letters);
	bool cname_beside_others = has(letters, 'b');

	while (input.left > 0 && list.count < RECORDS_MAX) {
		AUTO_FREE char *line = fuzz_line(&input);
		read_record(line, &list);
	}
	if (run(&desired, cname_beside_others, &list) >= 0)
		CHECK(run(&desired, cname_beside_others, &list) == 0);
	return 0;
}
