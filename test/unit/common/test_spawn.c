#include "processes.h"

#include "common/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { OUTPUT_MAX = 64 * 1024 };

/* In place of the C library's, so that a kernel without it can be had. */
static bool without_close_range;

int close_range(unsigned first, unsigned last, int flags)
{
	if (without_close_range) {
		errno = ENOSYS;
		return -1;
	}
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* ---- helpers */

struct result {
	int status;
	struct buffer output;
	struct error err;
};

/* Standard output of `script`, which must not fail to run. */
static struct result shell(struct spawn spec, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct result r = {.status = -1, .err = ERROR_INIT};

	spec.argv = argv;
	buffer_init(&r.output, OUTPUT_MAX);
	if (spawn_run(&spec, PATIENCE_MS, &r.output, &r.status, &r.err) != 0)
		fail_msg("%s", r.err.text);
	return r;
}

static void assert_output(struct spawn spec, const char *script, const char *expected)
{
	struct result r = shell(spec, script);

	assert_string_equal(buffer_text(&r.output), expected);
	assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);
	buffer_free(&r.output);
}

static pid_t start(const struct spawn *spec)
{
	struct error err = ERROR_INIT;
	pid_t child = spawn_start(spec, &err);

	if (child < 0)
		fail_msg("%s", err.text);
	return child;
}

/* ---- the child's world */

static void a_child_gets_exactly_the_given_environment(void **state)
{
	struct spawn spec = SPAWN_INIT;
	const char *const envp[] = {"A=1", "B=two words", NULL};

	(void)state;
	setenv("CANARY", "secret", 1);
	/* Its own environment as the kernel has it: the shell adds variables of its own. */
	assert_output(spec, "tr '\\0' '\\n' </proc/$$/environ", "");
	spec.envp = envp;
	assert_output(spec, "tr '\\0' '\\n' </proc/$$/environ", "A=1\nB=two words\n");
}

/* The value of one line of what grep printed from /proc/self/status. */
static unsigned long long signals_in(const char *status, const char *field)
{
	const char *at = strstr(status, field);

	if (at != NULL)
		return strtoull(at + strlen(field), NULL, 16);
	fail_msg("no %s in \"%s\"", field, status);
	return 0;
}

static void a_child_leads_its_group_with_signals_as_new(void **state)
{
	/* The C library keeps these two for itself: it refuses to change them, and
	 * posix_spawn() makes them ignored in all it starts, perhaps this test. */
	const unsigned long long reserved = 1ULL << (32 - 1) | 1ULL << (33 - 1);
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	sigset_t block, before;
	int status;

	(void)state;
	assert_output(spec, "set -- $(cat /proc/$$/stat); [ $1 = $5 ] && echo leads", "leads\n");
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &before);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	/* Not in a shell, which blocks signals for moments of its own. */
	spec.argv = (const char *const[]){"/bin/grep", "^Sig", "/proc/self/status", NULL};
	buffer_init(&output, OUTPUT_MAX);
	int result = spawn_run(&spec, PATIENCE_MS, &output, &status, &err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	assert_int_equal(result, 0);
	assert_int_equal(signals_in(buffer_text(&output), "SigBlk:"), 0);
	assert_int_equal(signals_in(buffer_text(&output), "SigIgn:") & ~reserved, 0);
	buffer_free(&output);
}

/* As ls sees them, which has the folder itself open as the lowest free one. */
static void assert_descriptors(int extra_fd, const char *expected)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status;

	spec.argv = (const char *const[]){"/bin/ls", "/proc/self/fd", NULL};
	spec.extra_fd = extra_fd;
	buffer_init(&output, OUTPUT_MAX);
	assert_int_equal(spawn_run(&spec, PATIENCE_MS, &output, &status, &err), 0);
	assert_string_equal(buffer_text(&output), expected);
	buffer_free(&output);
}

static void a_child_has_no_descriptor_but_the_given_ones(void **state)
{
	int leaks[40];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		leaks[i] = open("/dev/zero", O_RDONLY); /* no O_CLOEXEC */
		assert_true(leaks[i] >= 0);
	}
	assert_int_equal(dup2(leaks[0], 900), 900);
	for (int turn = 0; turn < 2; turn++) {
		without_close_range = turn == 1;
		assert_descriptors(-1, "0\n1\n2\n3\n");
		assert_descriptors(leaks[5], "0\n1\n2\n3\n4\n");
	}
	without_close_range = false;
	close(900);
	for (size_t i = 0; i < 40; i++)
		close(leaks[i]);
}

static void what_is_not_given_is_dev_null(void **state)
{
	struct spawn spec = SPAWN_INIT;

	(void)state;
	assert_output(spec, "cat; readlink /proc/$$/fd/0 /proc/$$/fd/2", "/dev/null\n/dev/null\n");
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD) >= 0, 1);
}

static void the_work_dir_is_entered(void **state)
{
	struct spawn spec = SPAWN_INIT;

	(void)state;
	spec.work_dir = "/usr/bin";
	assert_output(spec, "pwd", "/usr/bin\n");
}

/* ---- descriptors that are in each other's way */

/* In a process of its own, whose descriptors 0 to 3 are four files, given as 3 to 0. */
static _Noreturn void run_reversed(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	const char *const argv[] = {
	    "/bin/sh", "-c", "read line; echo out; echo err >&2; echo \"extra $line\" >&3", NULL};
	static const char *const names[] = {"f0", "f1", "f2", "f3"};
	int status = 0;

	alarm(60);
	for (int i = 0; i < 4; i++) {
		AUTO_FREE char *path = file_join(*state, names[i]);
		int fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || dup2(fd, i + 20) < 0)
			_exit(1);
	}
	for (int i = 0; i < 4; i++)
		if (dup2(i + 20, i) < 0)
			_exit(2);
	spec.argv = argv;
	spec.stdin_fd = 3;
	spec.stdout_fd = 2;
	spec.stderr_fd = 1;
	spec.extra_fd = 0;
	_exit(spawn_run(&spec, PATIENCE_MS, NULL, &status, &err) == 0 && status == 0 ? 0 : 3);
}

static void assert_file(void **state, const char *name, const char *expected)
{
	AUTO_FREE char *path = file_join(*state, name);
	struct error err = ERROR_INIT;
	struct buffer content;

	buffer_init(&content, 1000);
	assert_int_equal(file_read(path, &content, &err), 0);
	assert_string_equal(buffer_text(&content), expected);
	buffer_free(&content);
}

static void overlapping_descriptors_end_up_in_place(void **state)
{
	AUTO_FREE char *input = file_join(*state, "f3");
	struct error err = ERROR_INIT;

	assert_int_equal(file_write(input, 0600, "in\n", 3, &err), 0);
	pid_t process = fork();
	if (process == 0)
		run_reversed(state);
	assert_int_equal(wait_for(process), 0);
	assert_file(state, "f2", "out\n");
	assert_file(state, "f1", "err\n");
	assert_file(state, "f0", "extra in\n");
}

static void a_parent_without_standard_descriptors_can_start_children(void **state)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	const char *const argv[] = {"/bin/sh", "-c", "[ ! -e /proc/$$/fd/3 ] && echo ok", NULL};
	struct buffer output;
	int status = -1;

	(void)state;
	pid_t process = fork();
	if (process == 0) {
		alarm(60);
		for (int fd = 0; fd < 5; fd++)
			close(fd);
		spec.argv = argv;
		buffer_init(&output, 100);
		int result = spawn_run(&spec, PATIENCE_MS, &output, &status, &err);
		_exit(result == 0 && status == 0 && strcmp(buffer_text(&output), "ok\n") == 0 ? 0
											      : 1);
	}
	assert_int_equal(wait_for(process), 0);
}

/* ---- programs that cannot be run */

static void assert_not_started(const struct spawn *spec, const char *why)
{
	struct error err = ERROR_INIT;

	assert_int_equal(spawn_start(spec, &err), -1);
	assert_contains(err.text, spec->argv[0]);
	assert_contains(err.text, why);
	/* Nothing is left to reap. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_program_that_cannot_be_run_is_an_error_here(void **state)
{
	struct spawn spec = SPAWN_INIT;
	AUTO_FREE char *text_file = file_join(*state, "text");
	AUTO_FREE char *bad_script = file_join(*state, "script");
	struct error err = ERROR_INIT;

	assert_int_equal(file_write(text_file, 0600, "x", 1, &err), 0);
	assert_int_equal(file_write(bad_script, 0700, "#!/no/such/interpreter\n", 23, &err), 0);
	spec.argv = (const char *const[]){"/no/such/program", NULL};
	assert_not_started(&spec, "No such file or directory");
	spec.argv = (const char *const[]){"no-such-program-anywhere", NULL};
	assert_not_started(&spec, "no such program in PATH");
	spec.argv = (const char *const[]){text_file, NULL};
	assert_not_started(&spec, "Permission denied");
	spec.argv = (const char *const[]){bad_script, NULL};
	assert_not_started(&spec, "No such file or directory");
	spec.argv = (const char *const[]){"/bin/true", NULL};
	spec.work_dir = "/no/such/folder";
	assert_not_started(&spec, "entering its folder");
	spec.work_dir = NULL;
	spec.stdout_fd = 12345;
	assert_not_started(&spec, "Bad file descriptor");
}

static void path_is_searched_in_order_without_the_current_folder(void **state)
{
	struct spawn spec = SPAWN_INIT;
	AUTO_FREE char *program = file_join(*state, "prog-for-test");
	const char *now = getenv("PATH");
	AUTO_FREE char *before = strdup(now == NULL ? "/bin" : now);
	struct error err = ERROR_INIT;
	AUTO_CLOSE int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *path = NULL;

	assert_int_equal(file_write(program, 0700, "#!/bin/sh\nexit 5\n", 17, &err), 0);
	spec.argv = (const char *const[]){"prog-for-test", NULL};
	assert_int_equal(chdir(*state), 0);
	setenv("PATH", ":/no/such/folder::", 1);
	assert_not_started(&spec, "no such program in PATH");
	assert_true(asprintf(&path, "/no/such/folder:%s:/bin", (const char *)*state) > 0);
	setenv("PATH", path, 1);
	pid_t child = start(&spec);
	AUTO_FREE char *found = spawn_find_program("prog-for-test", &err);
	setenv("PATH", before, 1);
	assert_int_equal(fchdir(here), 0);
	assert_int_equal(WEXITSTATUS(wait_for(child)), 5);
	assert_string_equal(found, program);
}

/* ---- death */

/* Starts, and is killed itself: the child must get its death signal and nothing else. */
static _Noreturn void be_a_short_parent(int report_fd, int death_signal)
{
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;

	alarm(60);
	spec.argv = (const char *const[]){"/bin/sh", "-c", "echo $$ >&3; exec sleep 1000", NULL};
	spec.extra_fd = report_fd;
	spec.death_signal = death_signal;
	if (spawn_start(&spec, &err) < 0)
		_exit(2);
	for (;;)
		pause();
}

static void assert_child_dies_with_parent(int death_signal, int expected)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0)
		be_a_short_parent(ends[1], death_signal);
	pid_t child = read_pid(ends[0]);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	int status = wait_for(child); /* this process is its subreaper */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), expected);
	close(ends[0]);
	close(ends[1]);
}

static void a_child_does_not_outlive_a_killed_parent(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_child_dies_with_parent(SIGTERM, SIGTERM);
	assert_child_dies_with_parent(SIGKILL, SIGKILL);
	assert_child_dies_with_parent(0, SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* ---- confinement */

static void a_confined_child_keeps_what_it_is_left(void **state)
{
	static const struct confinement nothing = {.file_max = 1024L * 1024};
	struct spawn spec = SPAWN_INIT;

	(void)state;
	spec.confinement = &nothing;
	/* ulimit counts in blocks of 512 bytes; a child of the shell has the rights of the shell.
	 */
	assert_output(spec,
		      "ulimit -f; ulimit -c; "
		      "sed -n 's/^\\(NoNewPrivs\\|CapEff\\|CapPrm\\|CapInh\\):.//p' "
		      "/proc/self/status",
		      "2048\n0\n0000000000000000\n0000000000000000\n0000000000000000\n1\n");
}

static void limits_can_be_lifted_for_a_childs_child(void **state)
{
	static const struct confinement bounded = {.capabilities = CAPABILITIES_ALL,
						   .file_max = 1024L * 1024},
					lifted = {.capabilities = CAPABILITIES_ALL,
						  .file_max = CONFINEMENT_UNLIMITED};
	struct rlimit before;
	struct spawn spec = SPAWN_INIT;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1024L * 1024, before.rlim_max}),
			 0);
	spec.confinement = &bounded;
	assert_output(spec, "ulimit -S -f", "2048\n");
	spec.confinement = &lifted;
	assert_output(spec, "test \"$(ulimit -S -f)\" = \"$(ulimit -H -f)\" && echo lifted",
		      "lifted\n");
	setrlimit(RLIMIT_FSIZE, &before);
}

/* What runs as another user is that user alone, ends with its parent, and lifts no limit. */
static void a_child_becomes_the_given_user_for_good(void **state)
{
	const struct confinement confinement = {.capabilities = CAPABILITIES_ALL,
						.file_max = 1 << 20,
						.processes_max = 50,
						.user = 59342};
	struct spawn spec = SPAWN_INIT;

	(void)state;
	needs_root();
	spec.confinement = &confinement;
	assert_output(spec, "grep -E '^(Uid|Gid|Groups|Cap|NoNew)' /proc/$$/status | tr -d '\\t '",
		      "Uid:59342593425934259342\nGid:59342593425934259342\nGroups:\n"
		      "CapInh:0000000000000000\nCapPrm:0000000000000000\n"
		      "CapEff:0000000000000000\nCapBnd:0000000000000000\n"
		      "CapAmb:0000000000000000\nNoNewPrivs:1\n");
	assert_output(spec, "ulimit -Hf; ulimit -Hp 2>/dev/null || echo 50", "2048\n50\n");
}

/* The kernel takes the parent-death signal from a process that changes its user. */
static void a_child_of_another_user_ends_with_its_parent(void **state)
{
	static const struct confinement confinement = {.user = 59342};
	int ends[2];
	char byte;

	(void)state;
	needs_root();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct spawn spec = SPAWN_INIT;
		spec.argv = (const char *const[]){"/bin/sleep", "600", NULL};
		spec.confinement = &confinement;
		spec.stdout_fd = ends[1];
		start(&spec);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	alarm(30);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* once nobody has it open */
	alarm(0);
	close(ends[0]);
}

/* In a process of its own, which may have no other one beside it. */
static int spawn_where_processes_are_short(void)
{
	static const struct rlimit none = {0, 0};
	static const char *const argv[] = {"/bin/true", NULL};
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;

	spec.argv = argv;
	if (setrlimit(RLIMIT_NPROC, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
		return 1;
	if (spawn_start(&spec, &err) != -1 || err.code != EXIT_TRY_LATER)
		return 2;
	return strcmp(err.text, "cannot start /bin/true: there are as many processes as may be "
				"(Docker: pids_limit; `ulimit -u`)") == 0
		   ? 0
		   : 3;
}

static void a_limit_of_processes_is_named(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(spawn_where_processes_are_short());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_child_gets_exactly_the_given_environment),
	    cmocka_unit_test(a_child_leads_its_group_with_signals_as_new),
	    cmocka_unit_test(a_child_has_no_descriptor_but_the_given_ones),
	    cmocka_unit_test(what_is_not_given_is_dev_null),
	    cmocka_unit_test(the_work_dir_is_entered),
	    scratch_test(overlapping_descriptors_end_up_in_place),
	    cmocka_unit_test(a_parent_without_standard_descriptors_can_start_children),
	    scratch_test(a_program_that_cannot_be_run_is_an_error_here),
	    scratch_test(path_is_searched_in_order_without_the_current_folder),
	    cmocka_unit_test(a_child_does_not_outlive_a_killed_parent),
	    cmocka_unit_test(a_confined_child_keeps_what_it_is_left),
	    cmocka_unit_test(limits_can_be_lifted_for_a_childs_child),
	    cmocka_unit_test(a_child_becomes_the_given_user_for_good),
	    cmocka_unit_test(a_child_of_another_user_ends_with_its_parent),
	    cmocka_unit_test(a_limit_of_processes_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
