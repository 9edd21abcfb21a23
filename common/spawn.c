#include "common/spawn.h"

#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	GIVEN_FDS = 4,	     /* stdin, stdout, stderr, extra */
	REPORT_FD = 4,	     /* in the child: where a failure before exec is written */
	FIRST_SAFE_FD = 16,  /* above all numbers that have a meaning in the child */
	EXIT_NO_EXEC = 127,  /* never seen: the parent learns the cause from the report */
	DIRENTS_SIZE = 4096, /* of /proc/self/fd, at a time */
};

static const struct confinement unconfined = {.capabilities = CAPABILITIES_ALL,
					      .may_gain_rights = true};

/* Everything the child needs, computed before fork(): afterwards only async-signal-safe
 * calls are allowed, and none of these allocate. */
struct plan {
	const struct spawn *spec;
	const char *path;
	int fds[GIVEN_FDS];
	int report_fd;
	pid_t parent;
};

struct report {
	int errnum;
	char step[32];
};

/* ---- the child, between fork and exec */

static _Noreturn void fail_child(int report_fd, const char *step)
{
	struct report report = {.errnum = errno};

	for (size_t i = 0; step[i] != '\0' && i + 1 < sizeof(report.step); i++)
		report.step[i] = step[i];
	/* Shorter than PIPE_BUF, so it arrives whole; and nobody is left to tell if not. */
	ssize_t written = write(report_fd, &report, sizeof(report));
	(void)written;
	_exit(EXIT_NO_EXEC);
}

static void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* KILL, STOP and the C library's own two refuse, which is as well. */
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The descriptors given may themselves be any of 0..4: all are moved out of the way before
 * the first is put in its place. */
static void place_fds(struct plan *plan)
{
	int moved[GIVEN_FDS];
	int report_fd = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);

	if (report_fd < 0)
		fail_child(plan->report_fd, "moving descriptors");
	plan->report_fd = report_fd;
	for (int i = 0; i < GIVEN_FDS; i++) {
		moved[i] = plan->fds[i];
		if (plan->fds[i] < 0)
			continue;
		moved[i] = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
		if (moved[i] < 0)
			fail_child(plan->report_fd, "moving descriptors");
	}
	for (int i = 0; i < GIVEN_FDS; i++) {
		if (moved[i] < 0)
			close(i);
		else if (dup2(moved[i], i) < 0)
			fail_child(plan->report_fd, "placing descriptors");
	}
	if (dup3(plan->report_fd, REPORT_FD, O_CLOEXEC) < 0)
		fail_child(plan->report_fd, "placing descriptors");
	plan->report_fd = REPORT_FD;
}

/* -1 for anything but a number ("." and ".."). */
static int parse_fd(const char *digits)
{
	int number = 0;

	if (*digits == '\0')
		return -1;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9')
			return -1;
		number = number * 10 + (*digits - '0');
	}
	return number;
}

/* For kernels and seccomp filters without close_range().  Trying every number up to the
 * limit would take minutes where the limit is 2^30; readdir() would allocate. */
static int close_from_proc(int first)
{
	char dirents[DIRENTS_SIZE] __attribute__((aligned(8)));
	int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long got;

	if (folder < 0)
		return -1;
	while ((got = syscall(SYS_getdents64, folder, dirents, sizeof(dirents))) > 0) {
		for (long at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(dirents + at);
			int fd = parse_fd(entry->d_name);
			/* Marked, not closed: the folder stays as it is while it is read. */
			if (fd >= first && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
				return -1;
			at += entry->d_reclen;
		}
	}
	return got == 0 ? 0 : -1;
}

static void die_with_parent(const struct plan *plan, int signal)
{
	if (prctl(PR_SET_PDEATHSIG, signal) != 0)
		fail_child(plan->report_fd, "setting the parent-death signal");
	/* A parent that died before the line above will not be noticed by the kernel. */
	if (getppid() != plan->parent)
		_exit(EXIT_NO_EXEC);
}

static _Noreturn void run_child(struct plan *plan)
{
	static const char *const empty[] = {NULL};
	const struct spawn *spec = plan->spec;
	const char *const *envp = spec->envp == NULL ? empty : spec->envp;
	int death_signal = spec->death_signal == 0 ? SIGKILL : spec->death_signal;
	const struct confinement *confinement =
	    spec->confinement == NULL ? &unconfined : spec->confinement;

	setpgid(0, 0);
	reset_signals();
	die_with_parent(plan, death_signal);
	place_fds(plan);
	if (close_range(REPORT_FD + 1, ~0U, 0) != 0 && close_from_proc(REPORT_FD + 1) != 0)
		fail_child(plan->report_fd, "closing descriptors");
	if (spec->work_dir != NULL && chdir(spec->work_dir) != 0)
		fail_child(plan->report_fd, "entering its folder");
	const char *failed = confinement_apply(confinement);
	if (failed != NULL)
		fail_child(plan->report_fd, failed);
	/* A change of the user has taken it away. */
	if (confinement->user != 0)
		die_with_parent(plan, death_signal);
	/* execve() does not write to what it is given; its prototype is older than const. */
	execve(plan->path, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)envp);
	fail_child(plan->report_fd, "executing it");
}

/* ---- the parent */

static bool is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Empty parts of PATH, which would mean the current folder, are skipped. */
char *spawn_find_program(const char *name, struct error *err)
{
	const char *path = getenv("PATH");
	char *candidate;

	if (strchr(name, '/') != NULL) {
		candidate = strdup(name);
		if (candidate == NULL)
			error_no_memory(err);
		return candidate;
	}
	if (path == NULL || *path == '\0')
		path = DEFAULT_PATH;
	for (const char *at = path; *at != '\0'; at += *at == ':') {
		int length = (int)strcspn(at, ":");
		if (length > 0) {
			if (asprintf(&candidate, "%.*s/%s", length, at, name) < 0) {
				error_no_memory(err);
				return NULL;
			}
			if (is_program(candidate))
				return candidate;
			free(candidate);
		}
		at += length;
	}
	error_set(err, EXIT_FAILED, "cannot run %s: no such program in PATH (%s)", name, path);
	return NULL;
}

/* Waits until the child has executed its program or reported why not. */
static int read_report(int fd, const char *program, pid_t child, struct error *err)
{
	struct report report;
	ssize_t got;

	do
		got = read(fd, &report, sizeof(report));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	if (got == (ssize_t)sizeof(report)) {
		report.step[sizeof(report.step) - 1] = '\0';
		error_set_errno(err, EXIT_FAILED, report.errnum, "cannot run %s: %s", program,
				report.step);
	} else {
		error_set_errno(err, EXIT_FAILED, errno, "cannot run %s", program);
		kill(child, SIGKILL);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

/* With all signals blocked, so that no handler of the parent runs in the child. */
static pid_t fork_child(struct plan *plan)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t child = fork();
	if (child == 0)
		run_child(plan);
	int cause = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = cause;
	return child;
}

static int given_or(int fd, int otherwise)
{
	return fd < 0 ? otherwise : fd;
}

pid_t spawn_start(const struct spawn *spec, struct error *err)
{
	AUTO_FREE char *path = spawn_find_program(spec->argv[0], err);
	AUTO_CLOSE int null_fd = -1;
	AUTO_CLOSE int report_in = -1;
	AUTO_CLOSE int report_out = -1;
	int ends[2];

	if (path == NULL)
		return -1;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot run %s", spec->argv[0]);
	report_in = ends[0];
	report_out = ends[1];
	int stderr_fd = spec->join_stderr ? spec->stdout_fd : spec->stderr_fd;
	struct plan plan = {
	    .spec = spec,
	    .path = path,
	    .fds = {given_or(spec->stdin_fd, null_fd), given_or(spec->stdout_fd, null_fd),
		    given_or(stderr_fd, null_fd), spec->extra_fd},
	    .report_fd = report_out,
	    .parent = getpid(),
	};
	pid_t child = fork_child(&plan);
	if (child < 0 && errno == EAGAIN)
		return error_set(err, EXIT_TRY_LATER,
				 "cannot start %s: there are as many processes as may be (Docker: "
				 "pids_limit; `ulimit -u`)",
				 spec->argv[0]);
	if (child < 0)
		return error_set_errno(err, EXIT_TRY_LATER, errno, "cannot start %s",
				       spec->argv[0]);
	/* In both, as either may be the first to need it; the child may have it and be gone. */
	setpgid(child, child);
	file_close(&report_out);
	return read_report(report_in, spec->argv[0], child, err) == 0 ? child : -1;
}

void spawn_describe_status(int status, char *text, size_t size)
{
	if (WIFEXITED(status)) {
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		const char *name = sigdescr_np(WTERMSIG(status));
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 name == NULL ? "unknown" : name);
	} else {
		snprintf(text, size, "ended with wait status %#x", (unsigned)status);
	}
}
