/*
 * Volumes that do not take what certbot has made as a file system of Linux does: a share of another
 * system, which knows no links, no modes and no syncing of folders; one that is full.
 */
#include "test/unit/supervisor/commit_scene.h"

#include "test/unit/common/stderr.h"

#include <sys/resource.h>

/* ---- a share of another system */

static bool is_share;

int symlink(const char *target, const char *path)
{
	if (!is_share)
		return symlinkat(target, AT_FDCWD, path);
	errno = EPERM;
	return -1;
}

int chown(const char *path, uid_t user, gid_t group)
{
	if (!is_share)
		return fchownat(AT_FDCWD, path, user, group, 0);
	errno = EPERM;
	return -1;
}

int fchmod(int fd, mode_t mode)
{
	if (!is_share)
		return (int)syscall(SYS_fchmod, fd, mode);
	errno = EPERM;
	return -1;
}

int fsync(int fd)
{
	struct stat info;

	if (!is_share || fstat(fd, &info) != 0 || !S_ISDIR(info.st_mode))
		return (int)syscall(SYS_fsync, fd);
	errno = EINVAL;
	return -1;
}

/* Its live/ has copies. */
static void set_share(struct scene *scene, const char *scratch, bool is_renewal)
{
	const char *const argv[] = {"/bin/sh", "-c",
				    "for f in live/*/*.pem; do test ! -L $f || "
				    "{ cp -L $f copy && mv copy $f; }; done",
				    NULL};

	is_share = false;
	set_scene(scene, scratch, is_renewal);
	run(argv, scene->before, NULL);
	is_share = true;
}

static void a_share_gets_copies_for_links(void **state)
{
	struct scene scene;

	for (int is_renewal = 0; is_renewal <= 1; is_renewal++) {
		set_share(&scene, *state, is_renewal);
		copy_tree(scene.before, scene.volume);
		do_commit(&scene);
		assert_string_equal(text_of(scene.volume, "live/example.com/privkey.pem"),
				    scene.fresh.key);
		assert_string_equal(text_of(scene.volume, "live/example.com/cert.pem"),
				    scene.fresh.chain);
		assert_string_equal(text_of(scene.volume, is_renewal
							      ? "archive/example.com/privkey2.pem"
							      : "archive/example.com/privkey1.pem"),
				    scene.fresh.key);
		assert_ptr_equal(next_start_finds(&scene), &scene.fresh);
		remove_tree(scene.volume);
		remove_tree(scene.made);
		remove_tree(scene.before);
		clear_scene(&scene);
	}
}

/* It gives every file to the same user, so there is nothing to be told. */
static void a_key_that_belongs_to_whom_it_should_is_not_told_of(void **state)
{
	struct scene scene;

	set_share(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	assert_int_equal(catch_stderr(NULL), 0);
	do_commit(&scene);
	const char *log = written();
	assert_int_equal(release_stderr(NULL), 0);
	assert_lacks(log, "cannot be given");
	clear_scene(&scene);
}

static void a_share_is_whole_wherever_it_is_ended(void **state)
{
	struct scene scene;
	unsigned kills = 0, fresh = 0;
	bool is_done = false;

	set_share(&scene, *state, true);
	while (!is_done) {
		copy_tree(scene.before, scene.volume);
		is_done = commit_up_to(&scene, ++kills);
		const struct made_pair *found = next_start_finds(&scene);
		assert_true(found == &scene.old || found == &scene.fresh);
		fresh += found == &scene.fresh;
		remove_tree(scene.volume);
	}
	assert_true(kills > 20 && fresh > 1 && fresh < kills);
	clear_scene(&scene);
}

/* ---- a volume that is full */

/* As far as a file may grow; nothing is told of it but an error. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void assert_same_files(const char *before, const char *volume)
{
	static const char list[] = "cd \"$1\" && find . ! -type d -printf '%p %l ' "
				   "\\( -type l -o -exec sha256sum {} \\; \\) | sort";
	const char *const folders[] = {before, volume};
	struct buffer found[2];

	for (int i = 0; i < 2; i++) {
		const char *const argv[] = {"/bin/sh", "-c", list, "sh", folders[i], NULL};
		buffer_init(&found[i], 16384);
		run(argv, NULL, &found[i]);
	}
	assert_string_equal(buffer_text(&found[1]), buffer_text(&found[0]));
	buffer_free(&found[0]);
	buffer_free(&found[1]);
}

/* Tried again and again, it would fill up with halves. */
static void a_full_volume_is_left_as_it_was(void **state)
{
	struct scene scene;
	int failed = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (int is_renewal = 0; is_renewal <= 1; is_renewal++) {
		is_share = false;
		set_scene(&scene, *state, is_renewal);
		for (rlim_t room = 0; room < 1000; room += 60) {
			struct error err = ERROR_INIT;
			copy_tree(scene.before, scene.volume);
			limit_files(room);
			int rc = commit(&scene, &err);
			limit_files(RLIM_INFINITY);
			if (rc != 0) {
				assert_contains(err.text, "File too large");
				assert_same_files(scene.before, scene.volume);
				failed++;
			}
			remove_tree(scene.volume);
		}
		remove_tree(scene.made);
		remove_tree(scene.before);
		clear_scene(&scene);
	}
	assert_true(failed > 10 && failed < 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_share_gets_copies_for_links),
	    scratch_test(a_key_that_belongs_to_whom_it_should_is_not_told_of),
	    scratch_test(a_share_is_whole_wherever_it_is_ended),
	    scratch_test(a_full_volume_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
