/*
 * What certbot has made elsewhere comes onto the volume; ended at any system call, the volume is
 * one of two good states.
 */
#include "test/unit/supervisor/volume.h"

#include "common/spawn.h"
#include "supervisor/certificate_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char SERVER[] = "https://ca.test/dir";
static const char NAME[] = "example.com";

/* Where certbot works, the volume, and copies of it. */
struct scene {
	char made[256], before[256], volume[256];
	struct made_pair old, fresh;
	bool is_renewal;
};

/* Runs a command that has to succeed; `output` may be NULL. */
static void run(const char *const *argv, const char *work_dir, struct buffer *output)
{
	static const char *const path[] = {"PATH=/usr/bin:/bin", NULL};
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	int status = 0;

	spec.argv = argv;
	spec.envp = path;
	spec.work_dir = work_dir;
	if (spawn_run(&spec, 30000, output, &status, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(status, 0);
}

static void copy_tree(const char *from, const char *to)
{
	const char *const argv[] = {"/bin/cp", "-a", from, to, NULL};

	run(argv, NULL, NULL);
}

static void remove_tree(const char *path)
{
	struct error err = ERROR_INIT;

	if (file_remove_tree(path, &err) != 0)
		fail_msg("%s", err.text);
}

static void set_scene(struct scene *scene, const char *scratch, bool is_renewal)
{
	*scene = (struct scene){.old = make_pair(NAME, 1, true),
				.fresh = make_pair(NAME, 2, true),
				.is_renewal = is_renewal};
	snprintf(scene->made, sizeof(scene->made), "%s/room", scratch);
	snprintf(scene->before, sizeof(scene->before), "%s/before", scratch);
	snprintf(scene->volume, sizeof(scene->volume), "%s/volume", scratch);
	put_version(scene->made, NAME, 1, &scene->fresh);
	put_conf(scene->made, NAME,
		 "account = new\nauthenticator = manual\nmanual_auth_hook = hook auth\n"
		 "config_dir = /room\nwork_dir = /room/work\nlogs_dir = /room/logs\n"
		 "server = https://ca.test/dir\nkey_type = ecdsa\n");
	make_folder(scene->before);
	if (!is_renewal)
		return;
	put_version(scene->before, NAME, 1, &scene->old);
	put_conf(scene->before, NAME,
		 "account = old\nauthenticator = dns-cloudflare\n"
		 "dns_cloudflare_credentials = /root/c.ini\nserver = https://other.test/dir\n"
		 "key_type = rsa\nrenew_hook = reload\n");
}

static void clear_scene(struct scene *scene)
{
	free_pair(&scene->old);
	free_pair(&scene->fresh);
}

static int commit(const struct scene *scene, struct error *err)
{
	struct certificate_store *store = store_open(scene->volume, SERVER, err);
	int rc = store == NULL ? -1 : store_commit(store, NAME, NAME, scene->made, err);

	store_close(store);
	return rc;
}

static const char *text_of(const char *volume, const char *file)
{
	static char text[16384];
	struct buffer content;
	struct error err = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", volume, file);
	buffer_init(&content, sizeof(text) - 1);
	if (file_read(path, &content, &err) != 0)
		snprintf(text, sizeof(text), "unreadable: %.200s", err.text);
	else
		snprintf(text, sizeof(text), "%s", buffer_text(&content));
	buffer_free(&content);
	return text;
}

static bool is_there(const char *volume, const char *file)
{
	char path[512];
	struct stat info;

	snprintf(path, sizeof(path), "%s/%s", volume, file);
	return lstat(path, &info) == 0;
}

/* ---- what plain certbot would see */

/* The text of one kind, through the notes of links if certbot would go back to them. */
static const char *certbot_reads(const char *volume, const char *kind, bool goes_back)
{
	char file[128], path[512];
	struct stat info;

	snprintf(file, sizeof(file), "live/%s/%s%s.pem", NAME, goes_back ? "previous_" : "", kind);
	snprintf(path, sizeof(path), "%s/%s", volume, file);
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	return text_of(volume, file);
}

/* The pair that it would list, NULL for none; fails for anything in between. */
static const struct made_pair *certbot_sees(const struct scene *scene)
{
	bool goes_back = true;
	char file[128];

	snprintf(file, sizeof(file), "renewal/%s.conf", NAME);
	if (!is_there(scene->volume, file))
		return NULL;
	for (int i = 0; i < 4; i++) {
		snprintf(file, sizeof(file), "live/%s/previous_%s.pem", NAME, volume_kinds[i]);
		goes_back = goes_back && is_there(scene->volume, file);
	}
	const char *chain = certbot_reads(scene->volume, "fullchain", goes_back);
	const struct made_pair *seen =
	    strcmp(chain, scene->fresh.chain) == 0 ? &scene->fresh : &scene->old;
	assert_string_equal(chain, seen->chain);
	assert_string_equal(certbot_reads(scene->volume, "cert", goes_back), seen->chain);
	assert_string_equal(certbot_reads(scene->volume, "chain", goes_back), seen->chain);
	assert_string_equal(certbot_reads(scene->volume, "privkey", goes_back), seen->key);
	return seen;
}

/* ---- a kill at each system call that changes something */

static bool changes_something(pid_t child)
{
	static const long calls[] = {SYS_write,	   SYS_rename, SYS_symlink,   SYS_unlink,
				     SYS_unlinkat, SYS_mkdir,  SYS_fsync,     SYS_fchmod,
				     SYS_chmod,	   SYS_chown,  SYS_exit_group};
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0)
		return true; /* not to be told apart: any may */
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if ((long)info.entry.nr == calls[i])
			return true;
	return info.entry.nr == SYS_openat && (info.entry.args[2] & O_CREAT) != 0;
}

/* Runs the commit up to the `limit`th of those; whether it ended before. */
static bool commit_up_to(const struct scene *scene, unsigned limit)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct error err = ERROR_INIT;
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(2);
		raise(SIGSTOP);
		_exit(commit(scene, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(
	    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	for (unsigned passed = 0; passed < limit; passed += changes_something(child)) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return false;
}

static void assert_no_remains(const char *volume)
{
	const char *const argv[] = {"/usr/bin/find", volume,	   "-name", ".commit*", "-o",
				    "-name",	     "previous_*", "-o",    "-path",	"*/live/*",
				    "-name",	     ".new-*",	   NULL};
	struct buffer found;

	buffer_init(&found, 4096);
	run(argv, NULL, &found);
	assert_string_equal(buffer_text(&found), "");
	buffer_free(&found);
}

/* The next start: either state is whole, and the next order works. */
static const struct made_pair *next_start_finds(const struct scene *scene)
{
	const struct made_pair *pair = NULL;
	const struct lineage *found = NULL;
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(scene->volume, SERVER, &err);

	assert_non_null(store);
	assert_no_remains(scene->volume);
	if (store_find(store, NAME, &found, &err) > 0) {
		char key[128];
		pair =
		    strcmp(found->serial, scene->fresh.serial) == 0 ? &scene->fresh : &scene->old;
		snprintf(key, sizeof(key), "live/%s/privkey.pem", found->name);
		assert_string_equal(text_of(scene->volume, key), pair->key);
	}
	store_close(store);
	return pair;
}

static void kill_everywhere(const char *scratch, bool is_renewal)
{
	struct scene scene;
	unsigned kills = 0, fresh = 0;
	bool is_done = false;

	set_scene(&scene, scratch, is_renewal);
	const struct made_pair *before = is_renewal ? &scene.old : NULL;
	while (!is_done) {
		copy_tree(scene.before, scene.volume);
		is_done = commit_up_to(&scene, ++kills);
		const struct made_pair *seen = certbot_sees(&scene);
		assert_true(seen == before || seen == &scene.fresh);
		const struct made_pair *found = next_start_finds(&scene);
		assert_true(found == before || found == &scene.fresh);
		/* What was there for certbot is there for the next start, or the newer one. */
		assert_true(seen != &scene.fresh || found == &scene.fresh);
		assert_true(certbot_sees(&scene) == found);
		fresh += found == &scene.fresh;
		remove_tree(scene.volume);
	}
	print_message("%u kills, %u of them past the point of no return\n", kills, fresh);
	assert_true(kills > 30 && fresh > 1 && fresh < kills);
	clear_scene(&scene);
}

static void a_renewal_is_whole_wherever_it_is_ended(void **state)
{
	kill_everywhere(*state, true);
}

static void a_new_lineage_is_whole_wherever_it_is_ended(void **state)
{
	kill_everywhere(*state, false);
}

/* ---- how it is laid out */

static void do_commit(const struct scene *scene)
{
	struct error err = ERROR_INIT;

	if (commit(scene, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_leads(const char *volume, const char *link_name, const char *expected)
{
	char path[512], target[512];

	snprintf(path, sizeof(path), "%s/%s", volume, link_name);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	assert_string_equal(target, expected);
}

static void a_new_lineage_is_laid_out_as_certbot_does(void **state)
{
	struct scene scene;
	char path[512];
	struct stat info;

	set_scene(&scene, *state, false);
	copy_tree(scene.before, scene.volume);
	do_commit(&scene);
	assert_leads(scene.volume, "live/example.com/cert.pem",
		     "../../archive/example.com/cert1.pem");
	assert_string_equal(text_of(scene.volume, "archive/example.com/privkey1.pem"),
			    scene.fresh.key);
	assert_true(is_there(scene.volume, "live/example.com/README"));
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey1.pem", scene.volume);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	const char *conf = text_of(scene.volume, "renewal/example.com.conf");
	snprintf(path, sizeof(path), "archive_dir = %s/archive/example.com\n", scene.volume);
	assert_contains(conf, path);
	snprintf(path, sizeof(path), "fullchain = %s/live/example.com/fullchain.pem\n",
		 scene.volume);
	assert_contains(conf, path);
	assert_contains(conf, "[renewalparams]\naccount = new\nauthenticator = manual\n");
	assert_lacks(conf, "/room");
	clear_scene(&scene);
}

/* How an adopted lineage is renewed by its own certbot stays as it is. */
static void a_renewal_keeps_what_the_volume_says_of_renewing(void **state)
{
	struct scene scene;

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	do_commit(&scene);
	assert_leads(scene.volume, "live/example.com/privkey.pem",
		     "../../archive/example.com/privkey2.pem");
	assert_string_equal(text_of(scene.volume, "archive/example.com/privkey1.pem"),
			    scene.old.key);
	const char *conf = text_of(scene.volume, "renewal/example.com.conf");
	assert_contains(conf, "authenticator = dns-cloudflare\n"
			      "dns_cloudflare_credentials = /root/c.ini\n");
	assert_contains(conf, "renew_hook = reload\n");
	assert_contains(conf, "account = new\n");
	assert_contains(conf, "server = https://ca.test/dir\n");
	assert_contains(conf, "key_type = ecdsa\n");
	assert_lacks(conf, "manual");
	assert_lacks(conf, "/room");
	assert_lacks(conf, "other.test");
	clear_scene(&scene);
}

static void a_conf_that_certbot_cannot_read_is_made_anew(void **state)
{
	static const char *const broken[] = {
	    "",
	    "nonsense\n",
	    "[renewalparams]\nserver = x\n",
	    "[renewalparams\nauthenticator = manual\n",
	    "a = '''\n[renewalparams]\nauthenticator = manual\n",
	    "[renewalparams]\nauthenticator = a\n[renewalparams]\n",
	    "[renewalparams]\nauthenticator = a\nauthenticator = b\n",
	    "[renewalparams]\nauthenticator = \"a\n"};
	struct scene scene;
	char folder[512];

	set_scene(&scene, *state, true);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		copy_tree(scene.before, scene.volume);
		snprintf(folder, sizeof(folder), "%s/renewal", scene.volume);
		write_text(folder, "example.com.conf", broken[i]);
		do_commit(&scene);
		const char *conf = text_of(scene.volume, "renewal/example.com.conf");
		assert_contains(conf, "authenticator = manual\nmanual_auth_hook = hook auth\n");
		assert_lacks(conf, "nonsense");
		assert_lacks(conf, "/room");
		remove_tree(scene.volume);
	}
	clear_scene(&scene);
}

/* Files in live/ that are none of certbot's links, a link that leads nowhere, no archive. */
static void a_lineage_that_certbot_would_refuse_is_mended(void **state)
{
	static const char *const spoil[] = {
	    "rm live/example.com/privkey.pem && cp archive/example.com/privkey1.pem "
	    "live/example.com/privkey.pem",
	    "rm archive/example.com/cert1.pem",
	    "rm -r archive",
	    "rm live/example.com/*",
	    ": > archive/example.com/privkey1.pem",
	    "rm renewal/example.com.conf"};
	struct scene scene;

	set_scene(&scene, *state, true);
	for (size_t i = 0; i < sizeof(spoil) / sizeof(*spoil); i++) {
		copy_tree(scene.before, scene.volume);
		const char *const argv[] = {"/bin/sh", "-c", spoil[i], NULL};
		run(argv, scene.volume, NULL);
		do_commit(&scene);
		assert_ptr_equal(certbot_sees(&scene), &scene.fresh);
		remove_tree(scene.volume);
	}
	clear_scene(&scene);
}

static void a_new_key_is_the_same_group_s_as_the_one_before(void **state)
{
	struct scene scene;
	char path[512];
	struct stat info;

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey1.pem", scene.volume);
	bool is_root = geteuid() == 0;
	if (is_root)
		assert_int_equal(chown(path, 0, 4321), 0);
	assert_int_equal(chmod(path, 0640), 0);
	do_commit(&scene);
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey2.pem", scene.volume);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	if (is_root)
		assert_int_equal(info.st_gid, 4321);
	clear_scene(&scene);
}

static void what_does_not_fit_together_stays_outside(void **state)
{
	struct error err = ERROR_INIT;
	struct scene scene;
	char archive[512];

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	snprintf(archive, sizeof(archive), "%s/archive/example.com", scene.made);
	write_text(archive, "privkey1.pem", scene.old.key);
	assert_int_equal(commit(&scene, &err), -1);
	assert_contains(err.text, "cannot be put onto the volume");
	assert_ptr_equal(certbot_sees(&scene), &scene.old);
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
	    scratch_test(a_new_lineage_is_laid_out_as_certbot_does),
	    scratch_test(a_renewal_keeps_what_the_volume_says_of_renewing),
	    scratch_test(a_conf_that_certbot_cannot_read_is_made_anew),
	    scratch_test(a_lineage_that_certbot_would_refuse_is_mended),
	    scratch_test(a_new_key_is_the_same_group_s_as_the_one_before),
	    scratch_test(what_does_not_fit_together_stays_outside),
	    scratch_test(a_full_volume_is_left_as_it_was),
	    scratch_test(a_renewal_is_whole_wherever_it_is_ended),
	    scratch_test(a_new_lineage_is_whole_wherever_it_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
