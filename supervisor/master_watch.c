#include "supervisor/master_watch.h"

#include "common/buffer.h"
#include "common/file.h"

#include <stdio.h>
#include <string.h>

enum { STAT_MAX = 4096 };

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

void master_watch_reset(struct master_watch *watch)
{
	*watch = (struct master_watch){0};
}

bool master_watch_silent(struct master_watch *watch, pid_t master, long long now_ms)
{
	unsigned long long ticks = 0;
	char state = '?';

	if (!read_stat(master, &ticks, &state))
		return false; /* its end is about to be told */
	bool works = state == 'D' || ticks >= watch->ticks + MASTER_TICKS_MIN;
	if (watch->since_ms == 0 || works) {
		*watch = (struct master_watch){now_ms, ticks};
		return false;
	}
	return now_ms - watch->since_ms >= MASTER_SILENCE_MAX * 1000LL;
}
