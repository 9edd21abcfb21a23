/*
 * Publishing is interrupted at every system call that changes something, first by the death
 * of the process, then by an error of the call.
 *
 * The calls below take the place of libc's: the program's own definitions win.
 */
#include "evidence/generation_folder.h"
#include "evidence_folder.h"

#include <sys/syscall.h>
#include <sys/wait.h>

enum { CRASHED = 99, POINTS_MAX = 1000 };

static struct {
	int countdown; /* the call that brings it to 0 is the one; below 0: none */
	bool forever;  /* all later ones fail too */
	int error;     /* 0: die */
} interruption = {.countdown = -1};

/* Whether the call is to fail (errno is set then). */
static bool interrupted(void)
{
	if (interruption.countdown < 0)
		return false;
	if (interruption.countdown > 0 && --interruption.countdown > 0)
		return false;
	if (interruption.error == 0)
		_exit(CRASHED);
	if (!interruption.forever)
		interruption.countdown = -1;
	errno = interruption.error;
	return true;
}

/* Called right after a folder was made. */
static void (*after_mkdir)(const char *name);

int mkdirat(int folder, const char *name, mode_t mode)
{
	if (interrupted())
		return -1;
	int result = (int)syscall(SYS_mkdirat, folder, name, mode);
	if (after_mkdir != NULL)
		after_mkdir(name);
	return result;
}

int fchmod(int fd, mode_t mode)
{
	return interrupted() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

ssize_t write(int fd, const void *data, size_t length)
{
	return interrupted() ? -1 : syscall(SYS_write, fd, data, length);
}

int fsync(int fd)
{
	return interrupted() ? -1 : (int)syscall(SYS_fsync, fd);
}

/* Called right after `..data` was switched. */
static void (*after_switch)(void);

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	if (interrupted())
		return -1;
	int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0U);
	if (after_switch != NULL && strcmp(to, GENERATION_LINK) == 0)
		after_switch();
	return result;
}

int symlinkat(const char *target, int folder, const char *name)
{
	return interrupted() ? -1 : (int)syscall(SYS_symlinkat, target, folder, name);
}

int unlinkat(int folder, const char *path, int flags)
{
	return interrupted() ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

/* ---- what is published */

#define OLD_NAMES "a gone"
#define NEW_NAMES "a added"

/* Two generations before, so that one has to be removed. */
static void prepare(const char *dir)
{
	must_publish(dir, OLD_NAMES, "older");
	must_publish(dir, OLD_NAMES, "old");
}

/* Publishes in a child that is interrupted at call number `point`.  Its exit status. */
static int publish_interrupted(const char *dir, int point)
{
	struct error err = ERROR_INIT;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		interruption.countdown = point;
		_exit(publish_files(dir, NEW_NAMES, "new", &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_one_generation_is_whole(const char *dir)
{
	if (!current_is(dir, OLD_NAMES, "old") && !current_is(dir, NEW_NAMES, "new"))
		fail_msg("neither the old nor the new generation is current");
}

static void assert_whole_or_private(const char *dir, const char *name)
{
	AUTO_FREE char *folder = file_join(dir, name);
	char names[256];
	struct stat info;

	assert_int_equal(stat(folder, &info), 0);
	if ((info.st_mode & 077) == 0)
		return;
	list_entries(folder, "", names, sizeof(names));
	assert_string_equal(names, "a added ");
	assert_content(folder, "a", "new");
	assert_content(folder, "added", "new");
}

/* Before it is whole nobody else can look into it, or put something there. */
static void assert_nothing_unfinished_is_open(const char *dir)
{
	char entries[1024];
	char *rest = entries;

	list_entries(dir, "..new-", entries, sizeof(entries));
	for (char *name = strsep(&rest, " "); name != NULL; name = strsep(&rest, " "))
		if (name[0] != '\0')
			assert_whole_or_private(dir, name);
}

/* A name that readers knew leads somewhere as long as it is there. */
static void assert_known_names_lead_somewhere(const char *dir)
{
	AUTO_FREE char *gone = file_join(dir, "gone");
	struct stat info;

	assert_content(dir, "a", current_is(dir, OLD_NAMES, "old") ? "old" : "new");
	if (current_is(dir, OLD_NAMES, "old") || lstat(gone, &info) == 0)
		assert_content(dir, "gone", "old");
}

static void assert_next_publication_cleans_up(const char *dir)
{
	must_publish(dir, "a last", "last");
	assert_true(current_is(dir, "a last", "last"));
	assert_visible(dir, "a last ");
	/* `..data`, the current generation, and the one before if there was any */
	assert_in_range(count_entries(dir, "."), 2, 3);
}

static void remove_all(const char *dir)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_remove_tree(dir, &err), 0);
	assert_int_equal(mkdir(dir, 0755), 0);
}

/* ---- */

static void death_at_any_call_leaves_a_whole_generation(void **state)
{
	const char *dir = *state;
	int point = 1;

	for (int status = CRASHED; status == CRASHED; point++) {
		assert_true(point < POINTS_MAX);
		remove_all(dir);
		prepare(dir);
		status = publish_interrupted(dir, point);
		assert_true(status == CRASHED || status == 0);
		assert_one_generation_is_whole(dir);
		assert_nothing_unfinished_is_open(dir);
		assert_known_names_lead_somewhere(dir);
		assert_next_publication_cleans_up(dir);
	}
	assert_true(point > 20); /* else the calls were not seen */
}

static void death_in_the_first_publication_leaves_nothing_readable(void **state)
{
	const char *dir = *state;
	struct snapshot snapshot = {0};

	for (int point = 1, status = CRASHED; status == CRASHED; point++) {
		assert_true(point < POINTS_MAX);
		remove_all(dir);
		status = publish_interrupted(dir, point);
		if (!current_is(dir, NEW_NAMES, "new"))
			assert_int_equal(read_current(dir, &snapshot), 0);
		assert_next_publication_cleans_up(dir);
	}
}

/* The plain files of another product: whole, one or the other, at every moment. */
static void death_while_taking_over_leaves_each_file_readable(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *path = file_join(dir, "a");
	struct error err = ERROR_INIT;
	char content[16];

	for (int point = 1, status = CRASHED; status == CRASHED; point++) {
		assert_true(point < POINTS_MAX);
		remove_all(dir);
		assert_int_equal(file_write(path, 0644, "plain", 5, &err), 0);
		status = publish_interrupted(dir, point);
		read_entry(dir, "a", content, sizeof(content));
		assert_true(strcmp(content, "plain") == 0 || strcmp(content, "new") == 0);
		assert_next_publication_cleans_up(dir);
	}
}

static int publish_with_error(const char *dir, int point, int error, bool forever)
{
	struct error err = ERROR_INIT;

	interruption.error = error;
	interruption.forever = forever;
	interruption.countdown = point;
	int result = publish_files(dir, NEW_NAMES, "new", &err);
	bool reached = interruption.countdown <= 0;
	interruption.countdown = -1;
	interruption.forever = false;
	interruption.error = 0;
	if (!reached)
		return 1;
	if (result != 0)
		assert_contains(err.text, strerror(error));
	return result;
}

static void a_failing_call_changes_nothing_or_little(void **state)
{
	static const int errors[] = {ENOSPC, EIO, EROFS};
	const char *dir = *state;
	int failed = 0;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (int point = 1, result = 0; result != 1; point++) {
			assert_true(point < POINTS_MAX);
			remove_all(dir);
			prepare(dir);
			result = publish_with_error(dir, point, errors[i], false);
			if (result == -1) {
				failed++;
				assert_true(current_is(dir, OLD_NAMES, "old"));
				assert_visible(dir, "a gone ");
				assert_int_equal(count_entries(dir, "..gen-"), 2);
			} else {
				assert_true(current_is(dir, NEW_NAMES, "new"));
			}
			assert_known_names_lead_somewhere(dir);
			assert_next_publication_cleans_up(dir);
		}
	}
	assert_true(failed > 30);
}

/* A disk that is full stays so, for the cleaning up too. */
static void a_disk_that_stays_full_leaves_a_whole_generation(void **state)
{
	const char *dir = *state;

	for (int point = 1, result = 0; result != 1; point++) {
		assert_true(point < POINTS_MAX);
		remove_all(dir);
		prepare(dir);
		result = publish_with_error(dir, point, ENOSPC, true);
		assert_one_generation_is_whole(dir);
		assert_known_names_lead_somewhere(dir);
		if (result == -1)
			assert_true(current_is(dir, OLD_NAMES, "old"));
		assert_next_publication_cleans_up(dir);
	}
}

/* ---- between the switch and the cleaning up after it */

static const char *watched_dir;
static bool watched;

static void look_at_all_names(void)
{
	assert_content(watched_dir, "a", "new");
	assert_content(watched_dir, "added", "new");
	assert_content(watched_dir, "gone", "old");
	watched = true;
}

/* Also with a name that an earlier death left fixed to a generation of the past. */
static void all_names_switch_at_once(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *link = file_join(dir, GENERATION_LINK);
	AUTO_FREE char *added = file_join(dir, "added");
	char target[256];

	must_publish(dir, "a added", "older");
	ssize_t length = readlink(link, target, sizeof(target) - sizeof("/added"));
	assert_true(length > 0);
	memcpy(target + length, "/added", sizeof("/added"));
	must_publish(dir, OLD_NAMES, "old");
	assert_int_equal(symlink(target, added), 0);
	watched_dir = dir;
	after_switch = look_at_all_names;
	must_publish(dir, NEW_NAMES, "new");
	after_switch = NULL;
	assert_true(watched);
	assert_visible(dir, "a added ");
}

/* ---- somebody who is always faster */

static const char *outside_dir;
static int swaps_left;

static void swap_for_a_link(const char *name)
{
	AUTO_FREE char *made = file_join(watched_dir, name);
	AUTO_FREE char *moved = file_join(watched_dir, "stolen");

	if (swaps_left-- <= 0)
		return;
	assert_int_equal(rename(made, moved), 0);
	assert_int_equal(symlink(outside_dir, made), 0);
	assert_int_equal(rmdir(moved), 0);
}

static int publish_while_folders_are_swapped(const char *dir, int swaps, struct error *err)
{
	watched_dir = dir;
	swaps_left = swaps;
	after_mkdir = swap_for_a_link;
	int result = publish_files(dir, NEW_NAMES, "new", err);
	after_mkdir = NULL;
	return result;
}

static void a_folder_that_became_a_link_is_not_written_through(void **state)
{
	AUTO_FREE char *dir = file_join(*state, "evidence");
	AUTO_FREE char *outside = file_join(*state, "outside");
	struct error err = ERROR_INIT;

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(outside, 0755), 0);
	outside_dir = outside;
	prepare(dir);
	assert_int_equal(publish_while_folders_are_swapped(dir, 1000, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_contains(err.text, "somebody else keeps changing what is in");
	assert_true(current_is(dir, OLD_NAMES, "old"));
	assert_int_equal(publish_while_folders_are_swapped(dir, 3, &err), 0);
	assert_true(current_is(dir, NEW_NAMES, "new"));
	assert_int_equal(count_entries(outside, ""), 0);
}

/* As a file system does that has no modes of its own. */
static void open_to_all(const char *name)
{
	AUTO_FREE char *made = file_join(watched_dir, name);

	assert_int_equal(syscall(SYS_fchmodat, AT_FDCWD, made, 0777), 0);
}

static void a_file_system_with_fixed_modes_will_do(void **state)
{
	const char *dir = *state;
	struct error err = ERROR_INIT;

	watched_dir = dir;
	after_mkdir = open_to_all;
	int result = publish_files(dir, NEW_NAMES, "new", &err);
	after_mkdir = NULL;
	assert_int_equal(result, 0);
	assert_true(current_is(dir, NEW_NAMES, "new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(death_at_any_call_leaves_a_whole_generation),
	    scratch_test(death_in_the_first_publication_leaves_nothing_readable),
	    scratch_test(death_while_taking_over_leaves_each_file_readable),
	    scratch_test(a_failing_call_changes_nothing_or_little),
	    scratch_test(all_names_switch_at_once),
	    scratch_test(a_folder_that_became_a_link_is_not_written_through),
	    scratch_test(a_file_system_with_fixed_modes_will_do),
	    scratch_test(a_disk_that_stays_full_leaves_a_whole_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
