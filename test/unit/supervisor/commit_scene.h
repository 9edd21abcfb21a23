/* What certbot has made in a folder of its own, and a volume onto which it is put: whole, or ended
 * at any system call. */
#ifndef TEST_UNIT_SUPERVISOR_COMMIT_SCENE_H
#define TEST_UNIT_SUPERVISOR_COMMIT_SCENE_H

#include "test/unit/supervisor/volume.h"

#include "common/spawn.h"
#include "supervisor/store/certificate_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
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
static inline void run(const char *const *argv, const char *work_dir, struct buffer *output)
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

static inline void copy_tree(const char *from, const char *to)
{
	const char *const argv[] = {"/bin/cp", "-a", from, to, NULL};

	run(argv, NULL, NULL);
}

static inline void remove_tree(const char *path)
{
	struct error err = ERROR_INIT;

	if (file_remove_tree(path, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void set_scene(struct scene *scene, const char *scratch, bool is_renewal)
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

static inline void clear_scene(struct scene *scene)
{
	free_pair(&scene->old);
	free_pair(&scene->fresh);
}

static inline int commit(const struct scene *scene, struct error *err)
{
	struct certificate_store *store = store_open(scene->volume, SERVER, err);
	int rc = store == NULL ? -1 : store_commit(store, NAME, NAME, scene->made, err);

	store_close(store);
	return rc;
}

static inline void do_commit(const struct scene *scene)
{
	struct error err = ERROR_INIT;

	if (commit(scene, &err) != 0)
		fail_msg("%s", err.text);
}

static inline const char *text_of(const char *volume, const char *file)
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

static inline bool is_there(const char *volume, const char *file)
{
	char path[512];
	struct stat info;

	snprintf(path, sizeof(path), "%s/%s", volume, file);
	return lstat(path, &info) == 0;
}

/* ---- what plain certbot would see */

/* The text of one kind, through the notes of links if certbot would go back to them. */
static inline const char *certbot_reads(const char *volume, const char *kind, bool goes_back)
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
static inline const struct made_pair *certbot_sees(const struct scene *scene)
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
	const char *certificate = certbot_reads(scene->volume, "cert", goes_back);
	const struct made_pair *seen =
	    strcmp(certificate, scene->fresh.chain) == 0 ? &scene->fresh : &scene->old;
	assert_string_equal(certificate, seen->chain);
	const char *both = certbot_reads(scene->volume, "fullchain", goes_back);
	size_t half = strlen(seen->chain);
	assert_int_equal(strlen(both), 2 * half);
	assert_memory_equal(both, seen->chain, half);
	assert_string_equal(both + half, seen->chain);
	assert_string_equal(certbot_reads(scene->volume, "chain", goes_back), seen->chain);
	assert_string_equal(certbot_reads(scene->volume, "privkey", goes_back), seen->key);
	return seen;
}

/* ---- a kill at each system call that changes something */

static inline bool changes_something(pid_t child)
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
static inline bool commit_up_to(const struct scene *scene, unsigned limit)
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

static inline void assert_no_remains(const char *volume)
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
static inline const struct made_pair *next_start_finds(const struct scene *scene)
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

#endif
