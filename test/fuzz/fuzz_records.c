/* dns-hooks: values of records.  The first line is one, the rest another. */
#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/records/record.h"
#include "dns-hooks/records/record_text.h"

#include "common/file.h"
#include "test/fuzz/fuzz.h"

enum { STRING_MAX = 255 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* Between quotes no string is longer than the protocol allows, once escapes are resolved. */
static void check_pieces(const char *quoted)
{
	size_t length = 0;
	bool inside = false;

	for (; *quoted != '\0'; quoted++) {
		if (*quoted == '"') {
			inside = !inside;
			length = 0;
			continue;
		}
		if (*quoted == '\\')
			quoted++;
		CHECK(*quoted != '\0');
		length++;
		CHECK(inside ? length <= STRING_MAX : *quoted == ' ');
	}
	CHECK(!inside);
}

/* What is quoted is that text again when it is unquoted, whatever is in it. */
static void check_quoting(const char *text)
{
	struct buffer quoted, again;

	buffer_init(&quoted, RECORD_VALUE_MAX);
	buffer_init(&again, RECORD_VALUE_MAX);
	CHECK(record_quote(text, &quoted) == 0);
	check_pieces(buffer_text(&quoted));
	CHECK(record_unquote(buffer_text(&quoted), &again) == 0);
	CHECK(strcmp(buffer_text(&again), text) == 0);
	buffer_free(&quoted);
	buffer_free(&again);
}

/* Text with quotes, as an API may send it. */
static void check_unquoting(const char *text)
{
	struct buffer value;

	buffer_init(&value, RECORD_VALUE_MAX);
	if (record_unquote(text, &value) == 0) {
		CHECK(value.length <= strlen(text));
		check_quoting(buffer_text(&value));
	}
	buffer_free(&value);
}

static void check_one(enum record_type type, const char *text)
{
	AUTO_RECORD struct record record = {0}, again = {0}, copy = {0};
	struct error err = ERROR_INIT;

	if (record_make(&record, "A.Test.", type, 60, text, &err) != 0) {
		fuzz_check_error(&err);
		CHECK(record.value == NULL);
		return;
	}
	CHECK(strcmp(record.name, "a.test") == 0);
	/* The form is final, but for a name that ends in several dots and is none. */
	CHECK(record_make(&again, "a.test", type, 60, record.value, &err) == 0);
	size_t length = strlen(record.value);
	if (type != RECORD_CNAME || length == 0 || record.value[length - 1] != '.')
		CHECK(strcmp(record.value, again.value) == 0 && record_same(&record, &again));
	CHECK(record_copy(&copy, &record, &err) == 0 && record_same(&record, &copy));
}

static void check_two(enum record_type type, const char *one, const char *other)
{
	AUTO_RECORDS struct record_list list = {0};
	AUTO_RECORD struct record left = {0}, right = {0};
	struct error err = ERROR_INIT;

	if (record_make(&left, "a.test", type, 1, one, &err) != 0 ||
	    record_make(&right, "a.test", type, 2, other, &err) != 0)
		return;
	bool same = record_same(&left, &right);
	CHECK(same == record_same(&right, &left));
	CHECK(type == RECORD_CAA || same == (strcmp(left.value, right.value) == 0));
	CHECK(record_list_add(&list, &left, &err) == 0);
	CHECK((record_list_find(&list, &right) != NULL) == same);
	CHECK(record_list_find_type(&list, type) == &list.items[0]);
}

static void check_names(const char *text, const char *other)
{
	domain_name name, again, zone;

	if (dns_name_normal(text, name) != 0) {
		CHECK(strlen(text) >= sizeof(name));
		return;
	}
	CHECK(dns_name_normal(name, again) == 0);
	CHECK(dns_name_within(name, name) && dns_name_within(name, ""));
	if (dns_name_normal(other, zone) != 0)
		return;
	if (dns_name_within(name, zone) && dns_name_within(zone, name))
		CHECK(strcmp(name, zone) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *first = fuzz_line(&input);
	AUTO_FREE char *rest = fuzz_text(input.at, input.left);

	check_quoting(first);
	check_unquoting(rest);
	check_names(first, rest);
	for (int type = RECORD_A; type <= RECORD_CAA; type++) {
		check_one((enum record_type)type, first);
		check_one((enum record_type)type, rest);
		check_two((enum record_type)type, first, rest);
	}
	CHECK(record_type_parse(first) <= RECORD_OTHER);
	return 0;
}
