#include "scratch_files.h"

#include <unistd.h>

/* ---- folders */

static void folders_are_made_with_their_parents(void **state)
{
	struct error err = ERROR_INIT;
	mode_t before = umask(0077);

	assert_int_equal(file_make_dirs(at(state, "a/b//c/"), 0751, &err), 0);
	umask(before);
	assert_int_equal(mode_of(at(state, "a")), 0751);
	assert_int_equal(mode_of(at(state, "a/b/c")), 0751);
	assert_int_equal(file_make_dirs(at(state, "a/b"), 0700, &err), 0);
	assert_int_equal(mode_of(at(state, "a/b")), 0751);
	assert_int_equal(symlink("a", at(state, "link")), 0);
	assert_int_equal(file_make_dirs(at(state, "link/d"), 0700, &err), 0);
	assert_int_equal(mode_of(at(state, "a/d")), 0700);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
	struct error err = ERROR_INIT;

	put(at(state, "f"), "x");
	assert_int_equal(file_make_dirs(at(state, "f"), 0700, &err), -1);
	assert_contains(err.text, "File exists");
	assert_int_equal(file_make_dirs(at(state, "f/g"), 0700, &err), -1);
	assert_contains(err.text, "/f");
	assert_int_equal(symlink("nowhere", at(state, "dangling")), 0);
	assert_int_equal(file_make_dirs(at(state, "dangling"), 0700, &err), -1);
	assert_content(at(state, "f"), "x");
}

static void syncing_a_folder_needs_one(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_sync_dir(*state, &err), 0);
	put(at(state, "f"), "x");
	assert_int_equal(file_sync_dir(at(state, "f"), &err), -1);
	assert_contains(err.text, "Not a directory");
}

/* ---- removing */

static void a_tree_is_removed_with_all_in_it(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_make_dirs(at(state, "t/a/b"), 0700, &err), 0);
	put(at(state, "t/.hidden"), "x");
	put(at(state, "t/a/b/file"), "x");
	assert_int_equal(mkfifo(at(state, "t/a/fifo"), 0600), 0);
	assert_int_equal(file_remove_tree(at(state, "t"), &err), 0);
	assert_int_equal(count_entries(*state), 0);
	assert_int_equal(file_remove_tree(at(state, "t"), &err), 0);
	put(at(state, "single"), "x");
	assert_int_equal(file_remove_tree(at(state, "single"), &err), 0);
	assert_int_equal(count_entries(*state), 0);
}

static void links_are_removed_not_followed(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_make_dirs(at(state, "kept/inner"), 0700, &err), 0);
	put(at(state, "kept/inner/file"), "precious");
	assert_int_equal(mkdir(at(state, "t"), 0700), 0);
	assert_int_equal(symlink("../kept", at(state, "t/relative")), 0);
	assert_int_equal(symlink(at(state, "kept"), at(state, "t/absolute")), 0);
	assert_int_equal(symlink("../kept/inner/file", at(state, "t/file")), 0);
	assert_int_equal(file_remove_tree(at(state, "t"), &err), 0);
	assert_int_equal(symlink("kept", at(state, "top")), 0);
	assert_int_equal(file_remove_tree(at(state, "top"), &err), 0);
	assert_int_equal(count_entries(*state), 1);
	assert_content(at(state, "kept/inner/file"), "precious");
}

/* "deep/d/d/...", `folders` in all. */
static const char *nested(void **state, int folders)
{
	char path[256] = "deep";

	for (int i = 1; i < folders; i++)
		memcpy(path + 2 + 2 * i, "/d", 3);
	return at(state, path);
}

static void a_tree_deeper_than_any_of_ours_is_refused(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_make_dirs(nested(state, 64), 0700, &err), 0);
	assert_int_equal(file_remove_tree(at(state, "deep"), &err), 0);
	assert_int_equal(file_make_dirs(nested(state, 65), 0700, &err), 0);
	assert_int_equal(file_remove_tree(at(state, "deep"), &err), -1);
	assert_contains(err.text, "64 folders deep");
	/* The inner part alone is not too deep; with it gone the rest is not either. */
	assert_int_equal(file_remove_tree(at(state, "deep/d"), &err), 0);
	assert_int_equal(file_remove_tree(at(state, "deep"), &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(folders_are_made_with_their_parents),
	    scratch_test(a_file_in_the_way_of_a_folder_is_an_error),
	    scratch_test(syncing_a_folder_needs_one),
	    scratch_test(a_tree_is_removed_with_all_in_it),
	    scratch_test(links_are_removed_not_followed),
	    scratch_test(a_tree_deeper_than_any_of_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
