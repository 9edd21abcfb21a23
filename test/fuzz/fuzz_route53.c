/* dns-hooks: what Route 53 answers, and what is sent back of it. */
#include "dns-hooks/providers/route53_answer.h"
#include "dns-hooks/providers/route53_batch.h"
#include "dns-hooks/providers/route53_text.h"
#include "test/fuzz/fuzz.h"

#include <ctype.h>

#define NAME "app.demo.test"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* ---- batches */

static const struct xml_element *change_of(const struct xml *xml, const char *action)
{
	const struct xml_element *changes =
	    xml_child(xml_child(xml_root(xml), "ChangeBatch"), "Changes");
	const struct xml_element *change = xml_child(changes, "Change");

	while (change != NULL && strcmp(xml_child_text(change, "Action"), action) != 0)
		change = xml_next(change, "Change");
	return xml_child(change, "ResourceRecordSet");
}

/* The values behind XML are those of the set, byte by byte; `skipped` is left out. */
static void check_values(const struct xml_element *element, const struct route53_set *set,
			 size_t skipped)
{
	const struct xml_element *record =
	    xml_child(xml_child(element, "ResourceRecords"), "ResourceRecord");

	for (size_t i = 0; i < set->value_count; i++) {
		if (i == skipped)
			continue;
		CHECK(record != NULL);
		CHECK(strcmp(xml_child_text(record, "Value"), set->values[i]) == 0);
		record = xml_next(record, "ResourceRecord");
	}
	CHECK(record == NULL);
}

/* Taking out one value: what is deleted is what was read, and all others are made again. */
static void check_removal(const struct route53_sets *sets, const struct route53_set *set,
			  const struct record *record, size_t at)
{
	AUTO_CHANGES struct change_list changes = {0};
	struct error err = ERROR_INIT;
	struct buffer body;

	CHECK(change_list_add(&changes, record, NULL, &err, "fuzz") == 0);
	buffer_init(&body, 64 * ROUTE53_BODY_MAX);
	CHECK(route53_batch(sets, NAME, &changes, &body, &err) == 1);
	AUTO_XML struct xml *xml = xml_parse(body.data, body.length, "the body", &err);
	CHECK(xml != NULL);
	const struct xml_element *deleted = change_of(xml, "DELETE");
	CHECK(strcmp(xml_child_text(deleted, "Name"), NAME ".") == 0);
	CHECK(strcmp(xml_child_text(deleted, "Type"), set->type) == 0);
	CHECK(strtoul(xml_child_text(deleted, "TTL"), NULL, 10) == set->ttl);
	check_values(deleted, set, SIZE_MAX);
	/* Two ways to write one value go together. */
	const struct xml_element *created = change_of(xml, "CREATE");
	if (set->value_count == 2 && strcmp(set->values[0], set->values[1]) != 0 && created != NULL)
		check_values(created, set, at);
	if (set->value_count == 1)
		CHECK(created == NULL);
	buffer_free(&body);
}

static void check_text(const struct record *record)
{
	struct buffer written, back;

	buffer_init(&written, 8 * RECORD_VALUE_MAX);
	buffer_init(&back, RECORD_VALUE_MAX);
	CHECK(route53_write_txt(record->value, &written) == 0);
	CHECK(route53_read_txt(buffer_text(&written), &back) == 0);
	CHECK(strcmp(buffer_text(&back), record->value) == 0);
	buffer_free(&written);
	buffer_free(&back);
}

static void check_set(const struct route53_sets *sets, const struct route53_set *set)
{
	for (size_t i = 0; i < set->value_count && i < 3; i++) {
		AUTO_RECORD struct record record = {0};
		struct error err = ERROR_INIT;
		if (route53_record(set, NAME, set->values[i], &record, &err) != 0) {
			fuzz_check_error(&err);
			return; /* the listing as a whole is refused, and nothing sent */
		}
		CHECK(strcmp(record.name, NAME) == 0);
		if (record.type == RECORD_TXT)
			check_text(&record);
		/* Foreign or of another type: never sent. */
		if (record.type != RECORD_OTHER &&
		    strcmp(record_type_text(&record), set->type) == 0 && set->value_count <= 2)
			check_removal(sets, set, &record, i);
	}
}

/* ---- answers */

static void check_sets(const struct xml *xml)
{
	AUTO_SETS struct route53_sets sets = {0};
	AUTO_RECORDS struct record_list records = {0};
	struct route53_position next = {"", "", ""};
	struct error err = ERROR_INIT;

	if (route53_take_sets(xml, NAME, &sets, &next, &err) < 0) {
		fuzz_check_error(&err);
		return;
	}
	CHECK(route53_sets_same(&sets, &sets));
	if (route53_records(&sets, NAME, &records, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	for (size_t i = 0; i < sets.count; i++) {
		const struct route53_set *set = &sets.items[i];
		CHECK(route53_sets_find(&sets, set->type) != NULL && set->type[0] != '\0');
		if (set->foreign[0] == '\0' && route53_sets_find(&sets, set->type) == set)
			check_set(&sets, set);
	}
}

static void check_id(const char *id)
{
	CHECK(id[0] != '\0');
	for (; *id != '\0'; id++)
		CHECK(isalnum((unsigned char)*id));
}

static void check_zones(const struct xml *xml)
{
	struct route53_zones zones = {0};
	struct route53_position next = {"", "", ""};
	struct error err = ERROR_INIT;

	if (route53_take_zones(xml, NAME, &zones, &next, &err) < 0) {
		fuzz_check_error(&err);
		return;
	}
	for (size_t i = 0; i < zones.public_count && i < ROUTE53_TWINS_MAX; i++)
		check_id(zones.ids[i]);
}

static void check_zone(const struct xml *xml)
{
	static const domain_name servers[] = {"ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"};
	struct error err = ERROR_INIT;

	if (route53_is_served_by(xml, servers, 2, &err) < 0)
		fuzz_check_error(&err);
}

static void check_change(const struct xml *xml)
{
	char id[ROUTE53_CHANGE_ID_MAX];
	bool in_sync = false;
	struct error err = ERROR_INIT;

	if (route53_change_info(xml, id, &in_sync, &err) != 0)
		fuzz_check_error(&err);
	else
		check_id(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	struct error err = ERROR_INIT;
	AUTO_XML struct xml *xml = xml_parse(text, size, "the answer", &err);

	if (xml == NULL)
		return 0;
	check_sets(xml);
	check_zones(xml);
	check_zone(xml);
	check_change(xml);
	return 0;
}
