/* dns-hooks: notes of the journal, which a crash or a hand may have left in any state. */
#include "dns-hooks/challenge/journal.h"

#include "common/file.h"
#include "test/fuzz/fuzz.h"

#include <dirent.h>

enum { TTL_MAX = 86400 };

static struct journal journal;
static char *note_path, *served_path;

/* The one file in a folder. */
static char *only_file(const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char *path = NULL;

	CHECK(entries != NULL);
	while ((entry = readdir(entries)) != NULL)
		if (entry->d_name[0] != '.')
			path = file_join(folder, entry->d_name);
	closedir(entries);
	CHECK(path != NULL);
	return path;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct error err = ERROR_INIT;

	(void)argc;
	(void)argv;
	fuzz_quiet();
	CHECK(journal_open(&journal, fuzz_folder(), &err) == 0);
	CHECK(journal_note_gone(&journal, "a.test", 60, &err) == 0);
	CHECK(journal_seconds_cached(&journal, "a.test") > 0);
	served_path = only_file(journal.served_dir);
	note_path = file_join(journal.notes_dir, "note.json");
	CHECK(note_path != NULL);
	return 0;
}

static void check_same(const struct challenge_note *a, const struct challenge_note *b)
{
	CHECK(strcmp(a->domain, b->domain) == 0 && strcmp(a->value, b->value) == 0);
	CHECK(strcmp(a->name, b->name) == 0 && strcmp(a->zone, b->zone) == 0);
	CHECK(strcmp(a->provider, b->provider) == 0 && a->ttl == b->ttl);
}

/* A note that can be read can be written, found and forgotten. */
static void check_note(const struct challenge_note *note)
{
	struct challenge_note found;
	struct error err = ERROR_INIT;

	CHECK(note->domain[0] != '\0' && note->value[0] != '\0' && note->name[0] != '\0');
	CHECK(note->ttl <= TTL_MAX);
	CHECK(journal_note(&journal, note, &err) == 0);
	CHECK(journal_find(&journal, note->domain, note->value, &found, &err) == 1);
	check_same(note, &found);
	CHECK(journal_forget(&journal, note, &err) == 0);
	CHECK(journal_find(&journal, note->domain, note->value, &found, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE struct challenge_note *notes = NULL;
	struct error err = ERROR_INIT;
	size_t count, unreadable;

	if (!fuzz_is_utf8(data, size))
		return 0;
	fuzz_put(note_path, data, size);
	CHECK(journal_list(&journal, &notes, &count, &unreadable, &err) == 0);
	CHECK(count + unreadable == 1);
	unlink(note_path);
	if (count == 1)
		check_note(&notes[0]);

	fuzz_put(served_path, data, size);
	CHECK(journal_seconds_cached(&journal, "a.test") <= TTL_MAX);
	unlink(served_path);
	return 0;
}
