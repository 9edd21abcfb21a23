#include "supervisor/haproxy/silence.h"

#include "common/buffer.h"
#include "common/file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STAT_MAX = 4096, NANOSECONDS = 1000000000 };

/* The CPU time of a process and of its children that have ended, and its state (proc(5), stat).
 * False when there is no such process. */
static bool read_stat(pid_t pid, unsigned long long *ticks, char *state)
{
	struct error ignored = ERROR_INIT;
	unsigned long long user, system;
	long long child_user, child_system;
	char path[64];
	struct buffer text;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	buffer_init(&text, STAT_MAX);
	/* The name in parentheses may have anything in it. */
	const char *rest = file_read(path, &text, &ignored) != 0 ? NULL : strrchr(text.data, ')');
	bool found =
	    rest != NULL &&
	    sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld",
		   state, &user, &system, &child_user, &child_system) == 5;
	buffer_free(&text);
	if (found)
		*ticks = user + system + (unsigned long long)(child_user + child_system);
	return found;
}

/* A /proc that hides the processes of others (hidepid) has no worker of HAProxy's in it, but
 * anybody may read its clock. */
static bool read_clock(pid_t pid, unsigned long long *ticks)
{
	const unsigned long long a_second = (unsigned long long)sysconf(_SC_CLK_TCK);
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return false;
	*ticks = (unsigned long long)used.tv_sec * a_second +
		 (unsigned long long)used.tv_nsec * a_second / NANOSECONDS;
	return true;
}

void silence_end(struct silence *silence)
{
	*silence = (struct silence){0};
}

bool silence_lasts(struct silence *silence, pid_t pid, long long now_ms)
{
	unsigned long long ticks = 0;
	char state = '?';

	if (!read_stat(pid, &ticks, &state) && !read_clock(pid, &ticks))
		return false; /* its end is about to be told */
	bool works = state == 'D' || ticks >= silence->ticks + SILENCE_TICKS_MIN;
	if (silence->since_ms == 0 || works) {
		*silence = (struct silence){now_ms, ticks};
		return false;
	}
	return now_ms - silence->since_ms >= SILENCE_MAX * 1000LL;
}

bool silence_lasts_behind(struct silence *silence, const struct silence *master, pid_t worker,
			  long long now_ms)
{
	if (master->since_ms == 0)
		return silence_lasts(silence, worker, now_ms);
	silence_end(silence);
	return false;
}
