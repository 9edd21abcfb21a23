#include "test/unit/common/unit.h"

#include "evidence/key_record.h"

static const unsigned char key[KEY_RECORD_MAC_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const unsigned char other_key[KEY_RECORD_MAC_KEY_SIZE] = "1123456789abcdef0123456789abcde";

static struct key_entry make_entry(unsigned number, const char *name)
{
	struct key_entry entry = {.made_at = 1700000000 + number};

	snprintf(entry.spki, sizeof(entry.spki), "%064x", number);
	snprintf(entry.serial, sizeof(entry.serial), "%X", number);
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	return entry;
}

static void must_add(struct key_record *record, unsigned number, const char *name)
{
	const struct key_entry entry = make_entry(number, name);
	struct error err = ERROR_INIT;

	assert_true(key_entry_is_valid(&entry));
	assert_int_equal(key_record_add(record, &entry, &err), 0);
}

static void must_write(const struct key_record *record, struct buffer *text)
{
	struct error err = ERROR_INIT;

	buffer_init(text, KEY_RECORD_MAX);
	assert_int_equal(key_record_write(record, key, text, &err), 0);
}

static void assert_refused(const char *text, size_t length, const unsigned char *with)
{
	struct key_record record;
	struct error err = ERROR_INIT;

	assert_int_equal(key_record_read(text, length, with, &record, &err), -1);
	assert_true(err.text[0] != '\0');
	assert_null(record.entries);
	assert_int_equal(record.count, 0);
}

static void what_is_written_is_read(void **state)
{
	AUTO_KEY_RECORD struct key_record record = {NULL, 0};
	AUTO_KEY_RECORD struct key_record again = {NULL, 0};
	struct error err = ERROR_INIT;
	struct buffer text;

	(void)state;
	must_add(&record, 1, "app.example.com");
	must_add(&record, 2, "*.example.com");
	must_write(&record, &text);
	assert_int_equal(key_record_read(text.data, text.length, key, &again, &err), 0);
	assert_int_equal(again.count, 2);
	assert_memory_equal(&again.entries[0], &record.entries[0], sizeof(*again.entries));
	assert_string_equal(again.entries[1].name, "*.example.com");
	buffer_free(&text);
}

static void the_format_is_what_the_header_says(void **state)
{
	struct key_record record = {NULL, 0};
	struct buffer text;

	(void)state;
	must_write(&record, &text);
	assert_true(strncmp(text.data, "dstack-ingress key-origin 1\nmac ", 32) == 0);
	assert_int_equal(text.length, 32 + 64 + 1);
	buffer_free(&text);
}

static void every_changed_byte_is_seen(void **state)
{
	AUTO_KEY_RECORD struct key_record record = {NULL, 0};
	struct buffer text;

	(void)state;
	must_add(&record, 1, "app.example.com");
	must_write(&record, &text);
	for (size_t i = 0; i < text.length; i++)
		for (int bit = 0; bit < 8; bit++) {
			text.data[i] = (char)(text.data[i] ^ (1 << bit));
			assert_refused(text.data, text.length, key);
			text.data[i] = (char)(text.data[i] ^ (1 << bit));
		}
	for (size_t length = 0; length < text.length; length++)
		assert_refused(text.data, length, key);
	assert_refused(text.data, text.length, other_key);
	buffer_free(&text);
}

static void the_newest_of_a_name_are_kept(void **state)
{
	AUTO_KEY_RECORD struct key_record record = {NULL, 0};

	(void)state;
	must_add(&record, 1, "other.example.com");
	for (unsigned i = 2; i < 12; i++)
		must_add(&record, i, "app.example.com");
	must_add(&record, 11, "app.example.com"); /* is there */
	assert_int_equal(record.count, 1 + KEY_RECORD_PER_NAME);
	assert_string_equal(record.entries[0].name, "other.example.com");
	assert_int_equal(record.entries[1].made_at, 1700000000 + 9);
	assert_int_equal(record.entries[3].made_at, 1700000000 + 11);
}

/* As many as there can be, with the longest names: it fits, and stays within its maximum. */
static void a_full_record_fits(void **state)
{
	AUTO_KEY_RECORD struct key_record record = {NULL, 0};
	AUTO_KEY_RECORD struct key_record again = {NULL, 0};
	struct error err = ERROR_INIT;
	struct buffer text;
	char name[DOMAIN_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < KEY_RECORD_ENTRIES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%060u.%060u.%060u.%060u.example", i, 0, 0, 0);
		/* Each look at all that are there would take seconds. */
		if (i > 0 && i < KEY_RECORD_ENTRIES_MAX)
			record.entries[record.count++] = make_entry(i, name);
		else
			must_add(&record, i, name);
	}
	assert_int_equal(record.count, KEY_RECORD_ENTRIES_MAX);
	assert_int_equal(record.entries[0].made_at, 1700000000 + 10);
	must_write(&record, &text);
	assert_int_equal(key_record_read(text.data, text.length, key, &again, &err), 0);
	assert_int_equal(again.count, KEY_RECORD_ENTRIES_MAX);
	buffer_free(&text);
}

static void what_makes_no_entry(void **state)
{
	struct key_entry entry = make_entry(1, "app.example.com");

	(void)state;
	entry.spki[63] = 'g';
	assert_false(key_entry_is_valid(&entry));
	entry = make_entry(1, "app.example.com");
	entry.spki[63] = '\0';
	assert_false(key_entry_is_valid(&entry));
	entry = make_entry(1, "app.example.com");
	entry.serial[0] = '\0';
	assert_false(key_entry_is_valid(&entry));
	entry = make_entry(1, "app example.com");
	assert_false(key_entry_is_valid(&entry));
	entry = make_entry(1, "");
	assert_false(key_entry_is_valid(&entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(the_format_is_what_the_header_says),
	    cmocka_unit_test(every_changed_byte_is_seen),
	    cmocka_unit_test(the_newest_of_a_name_are_kept),
	    cmocka_unit_test(a_full_record_fits),
	    cmocka_unit_test(what_makes_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
