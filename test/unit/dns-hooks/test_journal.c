/* The notes of challenge values: they survive, are found, and tell broken files apart. */
#include "test/unit/common/unit.h"

#include "dns-hooks/challenge/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct challenge_note note = {
    .domain = "app.example.test",
    .value = "abc-_1",
    .name = "_acme-challenge.app.example.test",
    .zone = "example.test",
    .provider = "rfc2136",
    .ttl = 60,
};

static struct journal open_journal(void **state)
{
	struct journal journal;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_open(&journal, *state, &err), 0);
	return journal;
}

static void a_note_is_found_and_forgotten(void **state)
{
	struct journal journal = open_journal(state);
	struct challenge_note found;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_find(&journal, note.domain, note.value, &found, &err), 0);
	assert_int_equal(journal_note(&journal, &note, &err), 0);
	assert_int_equal(journal_note(&journal, &note, &err), 0);
	assert_int_equal(journal_find(&journal, note.domain, note.value, &found, &err), 1);
	assert_string_equal(found.domain, note.domain);
	assert_string_equal(found.value, note.value);
	assert_string_equal(found.name, note.name);
	assert_string_equal(found.zone, note.zone);
	assert_string_equal(found.provider, note.provider);
	assert_int_equal(found.ttl, note.ttl);
	assert_int_equal(journal_find(&journal, "other.test", note.value, &found, &err), 0);
	assert_int_equal(journal_forget(&journal, &note, &err), 0);
	assert_int_equal(journal_forget(&journal, &note, &err), 0);
	assert_int_equal(journal_find(&journal, note.domain, note.value, &found, &err), 0);
	journal_close(&journal);
}

static void two_values_of_a_domain_are_two_notes(void **state)
{
	struct journal journal = open_journal(state);
	struct challenge_note second = note, *notes = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0, unreadable = 0;

	snprintf(second.value, sizeof(second.value), "other");
	assert_int_equal(journal_note(&journal, &note, &err), 0);
	assert_int_equal(journal_note(&journal, &second, &err), 0);
	assert_int_equal(journal_list(&journal, &notes, &count, &unreadable, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(unreadable, 0);
	assert_string_not_equal(notes[0].value, notes[1].value);
	free(notes);
	journal_close(&journal);
}

static void write_file(const struct journal *journal, const char *name, const char *text)
{
	AUTO_FREE char *path = file_join(journal->notes_dir, name);
	struct error err = ERROR_INIT;

	assert_int_equal(file_write(path, 0600, text, strlen(text), &err), 0);
}

static void broken_notes_are_counted_and_kept(void **state)
{
	struct journal journal = open_journal(state);
	struct challenge_note *notes = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0, unreadable = 0;

	assert_int_equal(journal_note(&journal, &note, &err), 0);
	write_file(&journal, "1.json", "{\"domain\":");
	write_file(&journal, "2.json", "{\"domain\":\"a.test\",\"value\":\"x\"}");
	write_file(&journal, "3.json",
		   "{\"domain\":\"a.test\",\"value\":\"x\",\"name\":\"n.test\",\"zone\":\"z\","
		   "\"provider\":\"p\",\"ttl\":-5}");
	write_file(&journal, ".new-0123", "half wri");
	write_file(&journal, "README", "not a note");
	assert_int_equal(journal_list(&journal, &notes, &count, &unreadable, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(unreadable, 3);
	free(notes);
	assert_int_equal(journal_list(&journal, &notes, &count, &unreadable, &err), 0);
	assert_int_equal(unreadable, 3);
	free(notes);
	journal_close(&journal);
}

static void only_the_owner_may_read(void **state)
{
	struct journal journal = open_journal(state);
	struct stat status;

	assert_int_equal(stat(journal.notes_dir, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	journal_close(&journal);
}

static void turns_exclude_each_other(void **state)
{
	struct journal journal = open_journal(state);
	struct error err = ERROR_INIT;
	int turn = journal_lock(&journal, &err);
	int other = open(journal.notes_dir, O_RDONLY | O_DIRECTORY);

	assert_true(turn >= 0);
	assert_true(other >= 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(turn);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	journal_close(&journal);
}

static void what_is_gone_is_cached_for_its_ttl(void **state)
{
	struct journal journal = open_journal(state);
	struct error err = ERROR_INIT;

	assert_int_equal(journal_seconds_cached(&journal, note.name), 0);
	assert_int_equal(journal_note_gone(&journal, note.name, 600, &err), 0);
	unsigned left = journal_seconds_cached(&journal, note.name);
	assert_in_range(left, 590, 600);
	assert_int_equal(journal_seconds_cached(&journal, "other.test"), 0);
	assert_int_equal(journal_note_gone(&journal, note.name, 0, &err), 0);
	assert_int_equal(journal_seconds_cached(&journal, note.name), 0);
	journal_close(&journal);
}

/* The wall clock may have been set back since the time was noted. */
static void a_time_far_ahead_is_not_waited_for(void **state)
{
	struct journal journal = open_journal(state);
	struct error err = ERROR_INIT;

	assert_int_equal(journal_note_gone(&journal, note.name, 3000000, &err), 0);
	assert_int_equal(journal_seconds_cached(&journal, note.name), 0);
	journal_close(&journal);
}

static void set_written_at(const struct journal *journal, long long when)
{
	struct error err = ERROR_INIT;
	DIR *folder = opendir(journal->written_dir);
	const struct dirent *entry = NULL;
	char text[64];

	snprintf(text, sizeof(text), "{\"written_at\":%lld}", when);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		AUTO_FREE char *path = file_join(journal->written_dir, entry->d_name);
		assert_int_equal(file_write(path, 0600, text, strlen(text), &err), 0);
	}
	closedir(folder);
}

static void a_write_counts_for_an_hour_and_its_zone(void **state)
{
	struct journal journal = open_journal(state);
	struct error err = ERROR_INIT;

	assert_false(journal_was_written(&journal, "rfc2136", "example.test"));
	journal_note_write(&journal, "rfc2136", "example.test", true);
	assert_true(journal_was_written(&journal, "rfc2136", "example.test"));
	assert_false(journal_was_written(&journal, "linode", "example.test"));
	assert_false(journal_was_written(&journal, "rfc2136", "other.test"));
	journal_note_write(&journal, "rfc2136", "other.test", false);
	assert_true(journal_was_written(&journal, "rfc2136", "example.test"));
	set_written_at(&journal, time(NULL) - 3601);
	assert_false(journal_was_written(&journal, "rfc2136", "example.test"));
	set_written_at(&journal, time(NULL) + 100); /* the clock was set back */
	assert_false(journal_was_written(&journal, "rfc2136", "example.test"));
	journal_note_write(&journal, "rfc2136", "example.test", true);
	journal_note_write(&journal, "rfc2136", "example.test", false);
	assert_false(journal_was_written(&journal, "rfc2136", "example.test"));
	journal_note_write(&journal, "rfc2136", "example.test", true);
	/* Others that run beside this one may be using the folder. */
	struct stat before, after;
	assert_int_equal(stat(journal.written_dir, &before), 0);
	assert_int_equal(journal_forget_writes(&journal, &err), 0);
	assert_int_equal(stat(journal.written_dir, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_false(journal_was_written(&journal, "rfc2136", "example.test"));
	journal_note_write(&journal, "rfc2136", "example.test", true);
	assert_true(journal_was_written(&journal, "rfc2136", "example.test"));
	journal_close(&journal);
}

static void a_value_that_was_replaced_is_known_for_a_day(void **state)
{
	struct journal journal = open_journal(state);
	struct error err = ERROR_INIT;

	assert_false(journal_was_replaced(&journal, "a.test", "ff:443"));
	journal_note_replaced(&journal, "a.test", "ff:443");
	assert_true(journal_was_replaced(&journal, "a.test", "ff:443"));
	assert_false(journal_was_replaced(&journal, "a.test", "ff:8443"));
	assert_false(journal_was_replaced(&journal, "b.test", "ff:443"));
	assert_int_equal(journal_forget_writes(&journal, &err), 0);
	assert_false(journal_was_replaced(&journal, "a.test", "ff:443"));
	journal_close(&journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_note_is_found_and_forgotten),
	    scratch_test(two_values_of_a_domain_are_two_notes),
	    scratch_test(broken_notes_are_counted_and_kept),
	    scratch_test(only_the_owner_may_read),
	    scratch_test(turns_exclude_each_other),
	    scratch_test(what_is_gone_is_cached_for_its_ttl),
	    scratch_test(a_time_far_ahead_is_not_waited_for),
	    scratch_test(a_write_counts_for_an_hour_and_its_zone),
	    scratch_test(a_value_that_was_replaced_is_known_for_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
