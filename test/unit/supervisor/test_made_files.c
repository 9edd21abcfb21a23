/* What a program that is not trusted has made: what is copied of it, and what is not. */
#include "test/unit/common/scratch_files.h"

#include "supervisor/certbot/made_files.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOMEBODY = 59342 };

static int copy(void **state, struct error *err)
{
	return made_files_copy(*state, "made", at(state, "copy"), 0, err);
}

static void copy_well(void **state)
{
	struct error err = ERROR_INIT;

	if (copy(state, &err) != 0)
		fail_msg("%s", err.text);
}

static void make(void **state, const char *folder)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_make_dirs(at(state, folder), 0700, &err), 0);
}

static bool is_copied(void **state, const char *name)
{
	char path[256];
	struct stat info;

	snprintf(path, sizeof(path), "copy/%s", name);
	return lstat(at(state, path), &info) == 0;
}

static void a_lineage_is_copied_as_certbot_makes_it(void **state)
{
	struct stat info;

	make(state, "made/live/x.test");
	make(state, "made/archive/x.test");
	make(state, "made/accounts/ca/directory");
	put(at(state, "made/archive/x.test/privkey1.pem"), "key");
	assert_int_equal(symlink("ca", at(state, "made/accounts/other")), 0);
	assert_int_equal(
	    symlink("../../archive/x.test/privkey1.pem", at(state, "made/live/x.test/privkey.pem")),
	    0);
	copy_well(state);
	assert_content(at(state, "copy/live/x.test/privkey.pem"), "key");
	assert_int_equal(stat(at(state, "copy/archive/x.test/privkey1.pem"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(stat(at(state, "copy/accounts/other/directory"), &info), 0);
	assert_int_equal(stat(at(state, "copy"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
}

static void a_link_to_another_place_is_left_out(void **state)
{
	static const char *const targets[] = {
	    "/etc/shadow",  "..",   "../..",	     "../../x",	     "../../../etc/shadow",
	    "a/../../../x", "a/..", "./../../x",     "a/./b",	     "a//../../../x",
	    "../a/../../x", ".",    "..//../../etc", "a/b/../../..", "../",
	};
	char name[64];

	make(state, "made/a");
	put(at(state, "made/a/good"), "x");
	assert_int_equal(symlink("../a/good", at(state, "made/a/inside")), 0);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		snprintf(name, sizeof(name), "made/a/link%zu", i);
		assert_int_equal(symlink(targets[i], at(state, name)), 0);
	}
	copy_well(state);
	assert_content(at(state, "copy/a/inside"), "x");
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		snprintf(name, sizeof(name), "a/link%zu", i);
		/* "../" is the top itself: a folder of the copy, above which nothing is reached. */
		if (is_copied(state, name))
			assert_string_equal(targets[i], "../");
	}
}

static void what_is_no_plain_file_of_its_own_is_left_out(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char large[MADE_FILE_MAX + 2];

	make(state, "made");
	assert_int_equal(mkfifo(at(state, "made/fifo"), 0600), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at(state, "made/socket"));
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	put(at(state, "elsewhere"), "secret");
	assert_int_equal(link(at(state, "elsewhere"), at(state, "made/named")), 0);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	put(at(state, "made/large"), large);
	put(at(state, "made/theirs"), "secret");
	put(at(state, "made/good"), "x");
	if (geteuid() == 0)
		assert_int_equal(chown(at(state, "made/theirs"), SOMEBODY, SOMEBODY), 0);
	copy_well(state);
	static const char *const out[] = {"fifo", "socket", "named", "large"};
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++)
		if (is_copied(state, out[i]))
			fail_msg("%s is copied", out[i]);
	assert_int_equal(is_copied(state, "theirs"), geteuid() != 0);
	assert_content(at(state, "copy/good"), "x");
}

static void too_much_is_an_error(void **state)
{
	struct error err = ERROR_INIT;
	char path[256] = "made";

	for (int i = 0; i < 30; i++)
		memcpy(path + 4 + 2 * (size_t)i, "/d", 3);
	make(state, path);
	assert_int_equal(copy(state, &err), -1);
	assert_contains(err.text, "folders deep");
	assert_int_equal(file_remove_tree(at(state, "made"), &err), 0);
	assert_int_equal(file_remove_tree(at(state, "copy"), &err), 0);
	make(state, "made");
	for (int i = 0; i <= MADE_ENTRIES_MAX; i++) {
		snprintf(path, sizeof(path), "made/%d", i);
		put(at(state, path), "");
	}
	assert_int_equal(copy(state, &err), -1);
	assert_contains(err.text, "more than 256 files");
}

static void what_is_to_be_copied_is_no_link_itself(void **state)
{
	struct error err = ERROR_INIT;

	make(state, "elsewhere");
	assert_int_equal(symlink("elsewhere", at(state, "made")), 0);
	assert_int_equal(copy(state, &err), -1);
	assert_false(is_copied(state, ""));
}

static int read_log(void **state, struct buffer *log, struct error *err)
{
	buffer_init(log, 100);
	return made_files_read(*state, "logs", "log", 0, log, err);
}

static void a_log_is_read_under_the_same_conditions(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer log;

	assert_int_equal(read_log(state, &log, &err), -1); /* no folder */
	make(state, "logs");
	assert_int_equal(read_log(state, &log, &err), 0);
	put(at(state, "logs/log"), "words");
	assert_int_equal(read_log(state, &log, &err), 1);
	assert_string_equal(buffer_text(&log), "words");
	buffer_free(&log);
	assert_int_equal(link(at(state, "logs/log"), at(state, "second")), 0);
	assert_int_equal(read_log(state, &log, &err), -1);
	assert_contains(err.text, "has another name");
	assert_int_equal(unlink(at(state, "logs/log")), 0);
	assert_int_equal(symlink("../second", at(state, "logs/log")), 0);
	assert_int_equal(read_log(state, &log, &err), -1);
	assert_int_equal(unlink(at(state, "logs/log")), 0);
	assert_int_equal(mkfifo(at(state, "logs/log"), 0600), 0);
	assert_int_equal(read_log(state, &log, &err), -1);
	assert_contains(err.text, "is no regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_lineage_is_copied_as_certbot_makes_it),
	    scratch_test(a_link_to_another_place_is_left_out),
	    scratch_test(what_is_no_plain_file_of_its_own_is_left_out),
	    scratch_test(too_much_is_an_error),
	    scratch_test(what_is_to_be_copied_is_no_link_itself),
	    scratch_test(a_log_is_read_under_the_same_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
