#include "scratch_files.h"

#include <fcntl.h>
#include <sys/wait.h>
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

/* FOLDER/d/d/..., `folders` in all, with a file in each. */
static void make_deep(const char *folder, int folders)
{
	assert_int_equal(mkdir(folder, 0700), 0);
	int at = open(folder, O_RDONLY | O_DIRECTORY);
	for (int i = 1; i < folders; i++) {
		close(openat(at, "file", O_WRONLY | O_CREAT, 0600));
		assert_int_equal(mkdirat(at, "d", 0700), 0);
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
}

/* Some of them longer than a path may be. */
static void a_tree_is_removed_however_deep_it_is(void **state)
{
	static const int depths[] = {63, 64, 65, 129, 5000};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
		make_deep(at(state, "deep"), depths[i]);
		make_deep(at(state, "deep/.deep-0"), 70); /* a name in the way */
		assert_int_equal(file_empty_dir(at(state, "deep"), &err), 0);
		assert_int_equal(rmdir(at(state, "deep")), 0);
		make_deep(at(state, "deep"), depths[i]);
		assert_int_equal(file_remove_tree(at(state, "deep"), &err), 0);
	}
	assert_int_equal(count_entries(*state), 0);
}

/* As the owner without root, whom modes hold back. */
static void a_tree_is_removed_whatever_the_modes_of_its_folders(void **state)
{
	static const mode_t modes[] = {0, 0500, 0300};
	struct error err = ERROR_INIT;

	assert_int_equal(chmod(*state, 0777), 0);
	pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(1);
		for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
			if (file_make_dirs(at(state, "closed/in/side"), 0700, &err) != 0 ||
			    chmod(at(state, "closed/in"), modes[i]) != 0 ||
			    chmod(at(state, "closed"), modes[i]) != 0 ||
			    file_remove_tree(at(state, "closed"), &err) != 0)
				_exit(2);
		}
		_exit(0);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(count_entries(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(folders_are_made_with_their_parents),
	    scratch_test(a_file_in_the_way_of_a_folder_is_an_error),
	    scratch_test(syncing_a_folder_needs_one),
	    scratch_test(a_tree_is_removed_with_all_in_it),
	    scratch_test(links_are_removed_not_followed),
	    scratch_test(a_tree_is_removed_however_deep_it_is),
	    scratch_test(a_tree_is_removed_whatever_the_modes_of_its_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
