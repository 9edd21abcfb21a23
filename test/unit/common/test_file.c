#include "scratch_files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL_LIMIT = 4096 };

/* ---- reading */

static void reading_appends_up_to_the_maximum(void **state)
{
	const char *path = at(state, "f");
	struct buffer b;
	struct error err = ERROR_INIT;

	put(path, "12345");
	buffer_init(&b, 10);
	assert_int_equal(file_read(path, &b, &err), 0);
	assert_int_equal(file_read(path, &b, &err), 0);
	assert_string_equal(buffer_text(&b), "1234512345");
	assert_int_equal(file_read(path, &b, &err), -1);
	assert_contains(err.text, path);
	assert_contains(err.text, "is larger than 10 bytes");
	buffer_free(&b);
}

static void reading_what_is_not_there_says_so(void **state)
{
	const char *path = at(state, "missing");
	struct buffer b;
	struct error err = ERROR_INIT;

	buffer_init(&b, 10);
	assert_false(file_exists(path));
	assert_int_equal(file_read(path, &b, &err), -1);
	assert_contains(err.text, path);
	assert_contains(err.text, "No such file or directory");
}

static void reading_never_waits_for_a_writer(void **state)
{
	const char *path = at(state, "fifo");
	struct buffer b;
	struct error err = ERROR_INIT;

	assert_int_equal(mkfifo(path, 0600), 0);
	buffer_init(&b, 10);
	assert_int_equal(file_read(path, &b, &err), -1);
	assert_contains(err.text, "not a regular file");
	assert_int_equal(file_read(*state, &b, &err), -1);
	assert_contains(err.text, "it is a folder, as Docker makes one where the file to be "
				  "mounted is missing");
}

/* ---- writing */

static void writing_sets_exactly_the_mode(void **state)
{
	struct error err = ERROR_INIT;
	mode_t before = umask(0077);

	assert_int_equal(file_write(at(state, "open"), 0644, "a", 1, &err), 0);
	umask(0);
	assert_int_equal(file_write(at(state, "closed"), 0600, "a", 1, &err), 0);
	umask(before);
	assert_int_equal(mode_of(at(state, "open")), 0644);
	assert_int_equal(mode_of(at(state, "closed")), 0600);
	/* The new mode counts, not that of what was there. */
	assert_int_equal(file_write(at(state, "open"), 0400, "b", 1, &err), 0);
	assert_int_equal(mode_of(at(state, "open")), 0400);
	assert_int_equal(count_entries(*state), 2);
}

static void names_may_be_as_long_as_the_file_system_allows(void **state)
{
	struct error err = ERROR_INIT;
	char name[NAME_MAX + 1];

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	assert_int_equal(file_write(at(state, name), 0600, "x", 1, &err), 0);
	assert_int_equal(file_swap_link("target", at(state, name), &err), 0);
}

static void a_bare_name_is_in_the_current_folder(void **state)
{
	struct error err = ERROR_INIT;
	AUTO_CLOSE int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(chdir(*state), 0);
	int result = file_write("bare", 0600, "x", 1, &err);
	assert_int_equal(fchdir(before), 0);
	assert_int_equal(result, 0);
	assert_content(at(state, "bare"), "x");
}

/* The write fails half way, as on a full disk. */
static void a_failed_write_keeps_the_old_content(void **state)
{
	const char *path = at(state, "f");
	static char large[4 * SMALL_LIMIT];
	struct error err = ERROR_INIT;
	struct rlimit before, small;

	put(path, "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){SMALL_LIMIT, before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int result = file_write(path, 0600, large, sizeof(large), &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(result, -1);
	assert_contains(err.text, path);
	assert_contains(err.text, "File too large");
	assert_content(path, "old");
	assert_int_equal(count_entries(*state), 1);
}

static void a_write_into_nowhere_fails(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(file_write(at(state, "no/such"), 0600, "x", 1, &err), -1);
	assert_contains(err.text, "No such file or directory");
	assert_int_equal(mkdir(at(state, "dir"), 0700), 0);
	assert_int_equal(file_write(at(state, "dir"), 0600, "x", 1, &err), -1);
	assert_int_equal(count_entries(*state), 1);
}

/* ---- whole or not at all */

static char *repeated(char c)
{
	char *text = malloc(CONTENT_MAX / 4 + 1);

	assert_non_null(text);
	memset(text, c, CONTENT_MAX / 4);
	text[CONTENT_MAX / 4] = '\0';
	return text;
}

static _Noreturn void rewrite_for_ever(const char *path)
{
	struct error err;

	alarm(60);
	for (char c = 'a';; c = c == 'z' ? 'a' : (char)(c + 1)) {
		char *text = repeated(c);
		if (file_write(path, 0600, text, strlen(text), &err) != 0)
			_exit(1);
		free(text);
	}
}

static void a_reader_and_a_crash_see_one_content(void **state)
{
	const char *path = at(state, "f");
	AUTO_FREE char *first = repeated('a');
	struct buffer b;
	struct error err = ERROR_INIT;
	char last = 'a';
	int changes = 0;

	put(path, first);
	pid_t writer = fork();
	if (writer == 0)
		rewrite_for_ever(path);
	buffer_init(&b, CONTENT_MAX);
	while (changes < 5) {
		buffer_reset(&b);
		assert_int_equal(file_read(path, &b, &err), 0);
		assert_int_equal(b.length, CONTENT_MAX / 4);
		assert_int_equal(strspn(b.data, (char[]){b.data[0], '\0'}), b.length);
		changes += b.data[0] != last;
		last = b.data[0];
		assert_int_equal(waitpid(writer, NULL, WNOHANG), 0);
	}
	kill(writer, SIGKILL);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	buffer_reset(&b);
	assert_int_equal(file_read(path, &b, &err), 0);
	assert_int_equal(b.length, CONTENT_MAX / 4);
	assert_int_equal(strspn(b.data, (char[]){b.data[0], '\0'}), b.length);
	buffer_free(&b);
}

/* ---- links */

static void links_are_swapped(void **state)
{
	const char *link = at(state, "current");
	struct error err = ERROR_INIT;
	char target[64];

	assert_int_equal(file_swap_link("gen-1", link, &err), 0);
	assert_int_equal(file_swap_link("gen-2", link, &err), 0);
	ssize_t length = readlink(link, target, sizeof(target));
	assert_int_equal(length, 5);
	assert_memory_equal(target, "gen-2", 5);
	assert_int_equal(count_entries(*state), 1);
	put(at(state, "file"), "x");
	assert_int_equal(file_swap_link("gen-3", at(state, "file"), &err), 0);
	assert_int_equal(mkdir(at(state, "dir"), 0700), 0);
	assert_int_equal(file_swap_link("gen-4", at(state, "dir"), &err), -1);
	assert_contains(err.text, "gen-4");
	assert_int_equal(count_entries(*state), 3);
}

/* ---- small things */

static void joining_puts_a_slash_between(void **state)
{
	AUTO_FREE char *path = file_join("/run/ingress", "crt-list");

	(void)state;
	assert_string_equal(path, "/run/ingress/crt-list");
}

static void closing_keeps_errno_and_marks_the_descriptor(void **state)
{
	int fd = -1;
	int closed = 1 << 20;

	(void)state;
	errno = EPROTO;
	file_close(&fd);
	file_close(&closed); /* close() fails with EBADF */
	assert_int_equal(errno, EPROTO);
	assert_int_equal(closed, -1);
}

static void what_need_not_last_is_replaced_as_well(void **state)
{
	struct error err = ERROR_INIT;
	const char *path = at(state, "volatile");

	assert_int_equal(file_write_volatile(path, 0600, "one", 3, &err), 0);
	assert_int_equal(file_write_volatile(path, 0644, "two", 3, &err), 0);
	assert_content(path, "two");
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(count_entries(*state), 1);
	assert_int_equal(file_write_volatile(at(state, "none/x"), 0600, "x", 1, &err), -1);
	assert_contains(err.text, "none/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(what_need_not_last_is_replaced_as_well),
	    scratch_test(reading_appends_up_to_the_maximum),
	    scratch_test(reading_what_is_not_there_says_so),
	    scratch_test(reading_never_waits_for_a_writer),
	    scratch_test(writing_sets_exactly_the_mode),
	    scratch_test(names_may_be_as_long_as_the_file_system_allows),
	    scratch_test(a_bare_name_is_in_the_current_folder),
	    scratch_test(a_failed_write_keeps_the_old_content),
	    scratch_test(a_write_into_nowhere_fails),
	    scratch_test(a_reader_and_a_crash_see_one_content),
	    scratch_test(links_are_swapped),
	    cmocka_unit_test(joining_puts_a_slash_between),
	    cmocka_unit_test(closing_keeps_errno_and_marks_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
