#include "test/unit/common/unit.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/json.h"
#include "supervisor/evidence/history.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/history-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/history-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/dstack-ingress/history.json", folder);
	return 0;
}

static int remove_folder(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	return file_remove_tree(folder, &err);
}

static struct history *open_history(void)
{
	struct error err = ERROR_INIT;
	struct history *history = history_open(folder, &err);

	assert_non_null(history);
	return history;
}

static void note(struct history *history, const char *name, const char *serial, bool made_here)
{
	struct served_pair pair = {.present = true, .not_before = 1000, .not_after = 2000};
	struct error err = ERROR_INIT;

	snprintf(pair.serial, sizeof(pair.serial), "%s", serial);
	snprintf(pair.spki, sizeof(pair.spki), "%s", "aa");
	assert_int_equal(history_note(history, name, &pair, "https://ca/1", made_here, &err), 0);
	assert_int_equal(history_save(history, &err), 0);
}

/* "NAME SERIAL ORIGIN\n" for each entry of the file. */
static void assert_file_is(const char *expected)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *file = json_read_file(path, 1024 * 1024, &err);
	struct buffer seen;
	const cJSON *entry;

	assert_non_null(file);
	buffer_init(&seen, 1024 * 1024);
	cJSON_ArrayForEach(entry, json_array(file, "certificates"))
	    buffer_printf(&seen, "%s %s %s\n", json_string(entry, "name"),
			  json_string(entry, "serial"), json_string(entry, "origin"));
	assert_string_equal(buffer_text(&seen), expected);
	buffer_free(&seen);
}

static void certificates_are_kept_in_order_and_over_restarts(void **state)
{
	(void)state;
	struct history *history = open_history();
	note(history, "a.test", "01", false);
	note(history, "b.test", "02", true);
	history_free(history);
	history = open_history();
	note(history, "a.test", "03", true);
	note(history, "a.test", "01", false);
	history_free(history);
	assert_file_is("a.test 01 adopted\nb.test 02 made here\na.test 03 made here\n");
}

/* The file is under no MAC: what it says of a certificate that is served is corrected. */
static void origin_follows_what_is_known_now(void **state)
{
	(void)state;
	struct history *history = open_history();
	note(history, "a.test", "01", false);
	note(history, "a.test", "01", true);
	assert_file_is("a.test 01 made here\n");
	note(history, "a.test", "01", false);
	history_free(history);
	assert_file_is("a.test 01 adopted\n");
}

static void nothing_new_writes_nothing(void **state)
{
	struct stat before, after;

	(void)state;
	struct history *history = open_history();
	note(history, "a.test", "01", false);
	assert_int_equal(stat(path, &before), 0);
	note(history, "a.test", "01", false);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	history_free(history);
}

static void what_cannot_be_read_is_kept_aside(void **state)
{
	static const char *const broken[] = {"", "{", "[]", "{\"certificates\":{}}", "\x01"};
	struct error err = ERROR_INIT;
	char aside[80];

	(void)state;
	snprintf(aside, sizeof(aside), "%s.broken", path);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct history *history = open_history();
		note(history, "a.test", "01", false);
		history_free(history);
		assert_int_equal(file_write(path, 0600, broken[i], strlen(broken[i]), &err), 0);
		history = open_history();
		assert_true(file_exists(aside));
		note(history, "b.test", "02", false);
		history_free(history);
		assert_file_is("b.test 02 adopted\n");
		unlink(aside);
	}
}

/* It would wait for a writer. */
static void what_has_become_a_fifo_is_not_opened(void **state)
{
	(void)state;
	struct history *history = open_history();
	note(history, "a.test", "01", false);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(history_read_fd(history), -1);
	history_free(history);
}

/* In good time: it takes hours where each that is forgotten has all the others counted. */
static void more_than_there_can_be_are_forgotten(void **state)
{
	static char text[6 * 1024 * 1024];
	struct error err = ERROR_INIT;
	size_t at = (size_t)snprintf(text, sizeof(text), "{\"certificates\":[");

	(void)state;
	while (at < sizeof(text) - 8) {
		text[at++] = '0';
		text[at++] = ',';
	}
	at += (size_t)snprintf(text + at, 4, "0]}");
	struct history *history = open_history();
	note(history, "a.test", "01", false);
	history_free(history);
	assert_int_equal(file_write(path, 0600, text, at, &err), 0);
	history = open_history();
	note(history, "b.test", "02", false);
	history_free(history);
	AUTO_JSON cJSON *file = json_read_file(path, 1024 * 1024, &err);
	assert_int_equal(cJSON_GetArraySize(json_array(file, "certificates")), HISTORY_ENTRIES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(certificates_are_kept_in_order_and_over_restarts,
					    make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(origin_follows_what_is_known_now, make_folder,
					    remove_folder),
	    cmocka_unit_test_setup_teardown(nothing_new_writes_nothing, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(what_has_become_a_fifo_is_not_opened, make_folder,
					    remove_folder),
	    cmocka_unit_test_setup_teardown(more_than_there_can_be_are_forgotten, make_folder,
					    remove_folder),
	    cmocka_unit_test_setup_teardown(what_cannot_be_read_is_kept_aside, make_folder,
					    remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
