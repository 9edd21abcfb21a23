/* spawn_run(): a child's whole life, with a deadline and bounded output. */
#include "common/clock.h"
#include "common/file.h"
#include "common/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TERM_GRACE_MS = 2000,
	OUTPUT_CHUNK = 16 * 1024,
	CHUNKS_MAX = 64, /* before the deadline is looked at again */
};

struct run {
	const char *program;
	pid_t child;
	int pid_fd;    /* readable once the child has ended */
	int output_fd; /* the reading end of its standard output, -1 from its end on */
	struct buffer *output;
	bool drops_excess;
};

/* -1 when it does not fit and matters. */
static int take(struct run *run, const char *chunk, size_t length)
{
	size_t room = run->output->maximum - run->output->length;

	if (run->drops_excess && length > room)
		length = room;
	return buffer_append(run->output, chunk, length);
}

/* Takes what the pipe holds now.  -1 when it does not fit. */
static int drain(struct run *run)
{
	char chunk[OUTPUT_CHUNK];

	for (int chunks = 0; run->output_fd >= 0 && chunks < CHUNKS_MAX; chunks++) {
		ssize_t got = read(run->output_fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got <= 0)
			file_close(&run->output_fd);
		else if (take(run, chunk, (size_t)got) != 0)
			return -1;
	}
	return 0;
}

enum outcome { ENDED, TIMED_OUT, OVERFLOWED, BROKEN };

/* Collects output until the child itself has ended: a grandchild that keeps the pipe open
 * is not waited for. */
static enum outcome watch(struct run *run, long long deadline)
{
	for (;;) {
		struct pollfd fds[] = {
		    {.fd = run->pid_fd, .events = POLLIN},
		    {.fd = run->output_fd, .events = POLLIN}, /* ignored by poll() when -1 */
		};
		long long left = deadline - clock_now_ms();
		if (left <= 0)
			return TIMED_OUT;
		if (poll(fds, 2, left > 60000 ? 60000 : (int)left) < 0) {
			if (errno != EINTR)
				return BROKEN;
			continue;
		}
		if (fds[1].revents != 0 || fds[0].revents != 0)
			if (drain(run) != 0)
				return OVERFLOWED;
		if (fds[0].revents != 0)
			return ENDED;
	}
}

/*
 * KILL goes to the group while the child is still there or a zombie: until it is reaped no
 * other process can have got its number.
 */
static int kill_and_reap(const struct run *run)
{
	int status = 0;

	kill(-run->child, SIGKILL);
	while (waitpid(run->child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int explain(const struct run *run, enum outcome outcome, int cause, long timeout_ms,
		   struct error *err)
{
	switch (outcome) {
	case ENDED:
		return 0;
	case TIMED_OUT:
		return error_set(err, EXIT_TRY_LATER, "%s did not end within %ld ms and was killed",
				 run->program, timeout_ms);
	case OVERFLOWED:
		buffer_check(run->output, "the output", err);
		return error_wrap(err, "%s was killed", run->program);
	case BROKEN:
		break;
	}
	return error_set_errno(err, EXIT_FAILED, cause, "cannot watch %s", run->program);
}

static int supervise(struct run *run, long timeout_ms, int *status, struct error *err)
{
	enum outcome outcome = watch(run, clock_now_ms() + timeout_ms);
	int cause = errno;

	if (outcome == TIMED_OUT) {
		kill(-run->child, SIGTERM);
		if (watch(run, clock_now_ms() + TERM_GRACE_MS) == OVERFLOWED)
			outcome = OVERFLOWED;
	}
	*status = kill_and_reap(run);
	return explain(run, outcome, cause, timeout_ms, err);
}

/* Gives `spec` the writing end of a pipe and returns the reading end. */
static int open_output(struct spawn *spec, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot run %s", spec->argv[0]);
	/* Only the reading end: programs do not expect EAGAIN from their standard output. */
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot run %s", spec->argv[0]);
		file_close(&ends[0]);
		file_close(&ends[1]);
		return -1;
	}
	spec->stdout_fd = ends[1];
	return ends[0];
}

int spawn_run(const struct spawn *spec, long timeout_ms, struct buffer *output, int *status,
	      struct error *err)
{
	struct spawn own = *spec;
	AUTO_CLOSE int output_fd = output == NULL ? -1 : open_output(&own, err);

	if (output != NULL && output_fd < 0)
		return -1;
	pid_t child = spawn_start(&own, err);
	if (output != NULL)
		file_close(&own.stdout_fd);
	if (child < 0)
		return -1;
	AUTO_CLOSE int pid_fd = (int)syscall(SYS_pidfd_open, child, 0);
	struct run run = {spec->argv[0], child, pid_fd, output_fd, output, spec->drops_excess};
	output_fd = -1; /* run's now */
	if (pid_fd < 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot watch %s", spec->argv[0]);
		kill_and_reap(&run);
		file_close(&run.output_fd);
		return -1;
	}
	int result = supervise(&run, timeout_ms, status, err);
	file_close(&run.output_fd);
	return result;
}
