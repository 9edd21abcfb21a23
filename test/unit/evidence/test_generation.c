#include "evidence_folder.h"

#include "evidence/publication_lock.h"

#include <ftw.h>

static void write_plain(const char *dir, const char *name, const char *content)
{
	AUTO_FREE char *path = file_join(dir, name);
	struct error err = ERROR_INIT;

	assert_int_equal(file_write(path, 0644, content, strlen(content), &err), 0);
}

static mode_t mode_of(const char *dir, const char *name)
{
	AUTO_FREE char *path = file_join(dir, name);
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static void before_the_first_there_is_none(void **state)
{
	struct snapshot snapshot = {0};

	assert_int_equal(read_current(*state, &snapshot), 0);
	assert_false(snapshot.present);
}

static void a_generation_is_published(void **state)
{
	const char *dir = *state;

	must_publish(dir, "a b", "one");
	assert_visible(dir, "a b ");
	assert_content(dir, "a", "one");
	assert_content(dir, "b", "one");
	assert_true(current_is(dir, "a b", "one"));
	assert_int_equal(count_entries(dir, "."), 2); /* ..data and one generation */
}

static void everybody_may_read_it_whatever_the_umask(void **state)
{
	mode_t old = umask(0077);

	must_publish(*state, "a", "one");
	umask(old);
	assert_int_equal(mode_of(*state, "..data"), 0755);
	assert_int_equal(mode_of(*state, "a"), 0644);
}

static void names_come_and_go(void **state)
{
	const char *dir = *state;

	must_publish(dir, "a b", "one");
	must_publish(dir, "b c", "two");
	assert_visible(dir, "b c ");
	assert_content(dir, "b", "two");
	assert_content(dir, "c", "two");
	assert_true(current_is(dir, "b c", "two"));
}

static void the_previous_generation_is_kept_and_no_other(void **state)
{
	const char *dir = *state;
	char content[16];

	for (int i = 0; i < 5; i++) {
		snprintf(content, sizeof(content), "%d", i);
		must_publish(dir, "a", content);
		assert_int_equal(count_entries(dir, "..gen-"), i == 0 ? 1 : 2);
	}
	assert_int_equal(count_entries(dir, "."), 3);
}

static void an_open_generation_outlives_the_next(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *link = file_join(dir, "..data");
	char content[8] = "";

	must_publish(dir, "a b", "one");
	AUTO_CLOSE int folder = open(link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must_publish(dir, "b", "two");
	AUTO_CLOSE int fd = openat(folder, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, content, sizeof(content)), 3);
	assert_memory_equal(content, "one", 3);
}

static void plain_files_of_an_older_product_are_taken_over(void **state)
{
	const char *dir = *state;

	write_plain(dir, "a", "old");
	write_plain(dir, "b", "old");
	write_plain(dir, "notes.txt", "not ours");
	must_publish(dir, "a b c", "one");
	assert_visible(dir, "a b c notes.txt ");
	assert_content(dir, "a", "one");
	assert_content(dir, "b", "one");
	assert_content(dir, "notes.txt", "not ours");
	must_publish(dir, "a", "two");
	assert_visible(dir, "a notes.txt ");
}

/* As after a return to the older product, and back. */
static void plain_files_over_our_links_are_taken_over_again(void **state)
{
	const char *dir = *state;

	must_publish(dir, "a b", "one");
	write_plain(dir, "a", "old");
	must_publish(dir, "a b", "two");
	assert_content(dir, "a", "two");
	assert_true(current_is(dir, "a b", "two"));
}

static void links_of_others_are_left_alone(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *path = file_join(dir, "elsewhere");

	assert_int_equal(symlink("/nonexistent/place", path), 0);
	must_publish(dir, "a", "one");
	assert_visible(dir, "a elsewhere ");
}

/* ---- what others put there */

static void make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0644), 0);
}

static void make_folder_with_content(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
	write_plain(path, "kept", "not ours");
}

static void make_link_elsewhere(const char *path)
{
	assert_int_equal(symlink("/proc/self/environ", path), 0);
}

static void make_link_to_its_parent(const char *path)
{
	assert_int_equal(symlink("..", path), 0);
}

static void make_socket(const char *path)
{
	assert_int_equal(mknod(path, S_IFSOCK | 0755, 0), 0);
}

typedef void plant(const char *path);

static plant *const obstacles[] = {make_fifo, make_folder_with_content, make_link_elsewhere,
				   make_link_to_its_parent, make_socket};
enum { OBSTACLES = sizeof(obstacles) / sizeof(obstacles[0]) };

static void what_stands_at_a_name_is_moved_aside(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *path = file_join(dir, "b");

	must_publish(dir, "a", "one");
	for (size_t i = 0; i < OBSTACLES; i++) {
		obstacles[i](path);
		must_publish(dir, "a b c", "two");
		assert_visible(dir, "a b c ");
		assert_content(dir, "b", "two");
		assert_int_equal(count_entries(dir, "..aside-"), i + 1);
		must_publish(dir, "a", "three");
	}
	assert_int_equal(count_entries(dir, "."), 3 + OBSTACLES);
}

static void what_stands_in_place_of_the_current_link_is_moved_aside(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *path = file_join(dir, "..data");
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct snapshot snapshot = {0};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < OBSTACLES; i++) {
		must_publish(dir, "a", "one");
		assert_int_equal(unlink(path), 0);
		obstacles[i](path);
		assert_int_equal(generation_read(fd, &snapshot, &err), -1);
		assert_contains(err.text, "not the link that a publication makes");
		must_publish(dir, "a b", "two");
		assert_true(current_is(dir, "a b", "two"));
		assert_content(dir, "b", "two");
		assert_int_equal(count_entries(dir, "..aside-"), i + 1);
	}
}

/* What is moved aside is kept as it is, and kept only once. */
static void what_is_moved_aside_is_not_lost(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *path = file_join(dir, "a");
	char name[256], inner[300];

	make_folder_with_content(path);
	must_publish(dir, "a", "one");
	must_publish(dir, "a", "two");
	list_entries(dir, "..aside-", name, sizeof(name));
	assert_int_equal(count_entries(dir, "..aside-"), 1);
	name[strlen(name) - 1] = '\0';
	snprintf(inner, sizeof(inner), "%s/kept", name);
	assert_content(dir, inner, "not ours");
}

/* Nothing of these stands in the way, and nothing of it is removed or followed. */
static void names_like_ours_do_no_harm(void **state)
{
	static const char *const names[] = {"..new-x", "..gen-x", ".new-x", "..aside-x"};
	const char *dir = *state;
	char name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < OBSTACLES; j++) {
			snprintf(name, sizeof(name), "%s%zu", names[i], j);
			AUTO_FREE char *path = file_join(dir, name);
			obstacles[j](path);
		}
	must_publish(dir, "a", "one");
	must_publish(dir, "a", "two");
	must_publish(dir, "b", "three");
	assert_visible(dir, "b ");
	assert_true(current_is(dir, "b", "three"));
	assert_int_equal(count_entries(dir, "..gen-"), 2);
	assert_int_equal(count_entries(dir, "..new-"), 0);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

/* The end of a test removes 64 levels at most. */
static void remove_deep_tree(const char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A tree that is too deep to be removed. */
static void a_leftover_that_cannot_be_removed_stops_nothing(void **state)
{
	const char *dir = *state;
	char path[2048];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s/..new-x", dir);

	for (int depth = 0; depth < 100; depth++) {
		assert_int_equal(mkdir(path, 0755), 0);
		used += (size_t)snprintf(path + used, sizeof(path) - used, "/d");
	}
	must_publish(dir, "a", "one");
	assert_true(current_is(dir, "a", "one"));
	assert_int_equal(count_entries(dir, "..new-"), 0);
	must_publish(dir, "a", "two");
	assert_int_equal(count_entries(dir, "..aside-"), 1);
	remove_deep_tree(dir);
}

static void nothing_outside_is_written_or_removed(void **state)
{
	AUTO_FREE char *dir = file_join(*state, "evidence");
	AUTO_FREE char *outside = file_join(*state, "outside");
	AUTO_FREE char *leftover = file_join(dir, "..new-x");
	AUTO_FREE char *older = file_join(dir, "..gen-x");
	AUTO_FREE char *current = file_join(dir, "..data");
	AUTO_FREE char *name = file_join(dir, "a");

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(outside, 0755), 0);
	write_plain(outside, "a", "not ours");
	assert_int_equal(symlink("../outside", leftover), 0);
	assert_int_equal(symlink("../outside", older), 0);
	assert_int_equal(symlink("../outside", current), 0);
	assert_int_equal(symlink("../outside/a", name), 0);
	must_publish(dir, "a b", "one");
	must_publish(dir, "a b", "two");
	assert_true(current_is(dir, "a b", "two"));
	assert_content(outside, "a", "not ours");
	assert_visible(outside, "a ");
}

static void leftovers_are_cleaned_up(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *unfinished = file_join(dir, "..new-20260101T000000.000000000Z-1");
	AUTO_FREE char *abandoned = file_join(dir, "..gen-20260101T000000.000000000Z-1");
	AUTO_FREE char *temporary = file_join(dir, ".new-0123456789abcdef");
	AUTO_FREE char *dangling = file_join(dir, "z");

	must_publish(dir, "a", "one");
	assert_int_equal(mkdir(unfinished, 0755), 0);
	assert_int_equal(mkdir(abandoned, 0755), 0);
	write_plain(unfinished, "a", "half");
	write_plain(abandoned, "a", "whole, but never current");
	assert_int_equal(symlink("..gen-x", temporary), 0);
	assert_int_equal(symlink("..data/z", dangling), 0);
	must_publish(dir, "a", "two");
	assert_visible(dir, "a ");
	assert_int_equal(count_entries(dir, "."), 3);
	assert_true(current_is(dir, "a", "two"));
}

static void a_lost_current_generation_is_replaced(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *link = file_join(dir, "..data");
	char target[256];
	struct error err = ERROR_INIT;

	must_publish(dir, "a b", "one");
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	AUTO_FREE char *folder = file_join(dir, target);
	assert_int_equal(file_remove_tree(folder, &err), 0);
	must_publish(dir, "b", "two");
	assert_visible(dir, "b ");
	assert_true(current_is(dir, "b", "two"));
}

/* ---- reading */

static void a_snapshot_is_read_once_per_generation(void **state)
{
	const char *dir = *state;
	struct snapshot snapshot = {0};

	must_publish(dir, "a", "one");
	assert_int_equal(read_current(dir, &snapshot), 1);
	const char *data = snapshot.files.files[0].data;
	assert_int_equal(read_current(dir, &snapshot), 1);
	assert_ptr_equal(snapshot.files.files[0].data, data);
	must_publish(dir, "a b", "two");
	assert_int_equal(read_current(dir, &snapshot), 1);
	assert_int_equal(snapshot.files.count, 2);
	assert_string_equal(snapshot.files.files[0].data, "two");
	file_set_free(&snapshot.files);
}

static void a_snapshot_outlives_what_it_was_read_from(void **state)
{
	const char *dir = *state;
	struct snapshot snapshot = {0};

	must_publish(dir, "a", "one");
	assert_int_equal(read_current(dir, &snapshot), 1);
	for (int i = 0; i < 3; i++)
		must_publish(dir, "a", "more");
	assert_string_equal(snapshot.files.files[0].data, "one");
	file_set_free(&snapshot.files);
}

static void a_link_in_a_generation_is_not_followed(void **state)
{
	const char *dir = *state;
	AUTO_FREE char *link = file_join(dir, "..data/passwd");
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct snapshot snapshot = {0};
	struct error err = ERROR_INIT;

	must_publish(dir, "a", "one");
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(generation_read(fd, &snapshot, &err), -1);
	assert_contains(err.text, "passwd");
	file_set_free(&snapshot.files);
}

/* ---- lock */

static void the_lock_keeps_others_out_until_it_is_closed(void **state)
{
	struct error err = ERROR_INIT;
	int first = publication_lock(*state, 0, &err);

	assert_true(first >= 0);
	assert_int_equal(publication_lock(*state, 0, &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_contains(err.text, "another publication has held");
	close(first);
	int second = publication_lock(*state, 0, &err);
	assert_true(second >= 0);
	close(second);
}

static void the_lock_makes_its_folder(void **state)
{
	AUTO_FREE char *dir = file_join(*state, "new/folder");
	struct error err = ERROR_INIT;
	AUTO_CLOSE int lock = publication_lock(dir, 0, &err);

	assert_true(lock >= 0);
	assert_int_equal(mode_of(*state, "new/folder"), 0755);
	assert_int_equal(mode_of(dir, "evidence.lock"), 0600);
}

static void a_shared_folder_is_made(void **state)
{
	AUTO_FREE char *dir = file_join(*state, "new/folder");
	struct shared_folder folder;
	struct error err = ERROR_INIT;

	assert_int_equal(shared_folder_open(dir, &folder, &err), 0);
	assert_int_equal(mode_of(*state, "new/folder"), 0755);
	must_publish(dir, "a", "one");
	close(folder.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(before_the_first_there_is_none),
	    scratch_test(a_generation_is_published),
	    scratch_test(everybody_may_read_it_whatever_the_umask),
	    scratch_test(names_come_and_go),
	    scratch_test(the_previous_generation_is_kept_and_no_other),
	    scratch_test(an_open_generation_outlives_the_next),
	    scratch_test(plain_files_of_an_older_product_are_taken_over),
	    scratch_test(plain_files_over_our_links_are_taken_over_again),
	    scratch_test(links_of_others_are_left_alone),
	    scratch_test(what_stands_at_a_name_is_moved_aside),
	    scratch_test(what_stands_in_place_of_the_current_link_is_moved_aside),
	    scratch_test(what_is_moved_aside_is_not_lost),
	    scratch_test(names_like_ours_do_no_harm),
	    scratch_test(a_leftover_that_cannot_be_removed_stops_nothing),
	    scratch_test(nothing_outside_is_written_or_removed),
	    scratch_test(leftovers_are_cleaned_up),
	    scratch_test(a_lost_current_generation_is_replaced),
	    scratch_test(a_snapshot_is_read_once_per_generation),
	    scratch_test(a_snapshot_outlives_what_it_was_read_from),
	    scratch_test(a_link_in_a_generation_is_not_followed),
	    scratch_test(the_lock_keeps_others_out_until_it_is_closed),
	    scratch_test(the_lock_makes_its_folder),
	    scratch_test(a_shared_folder_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
