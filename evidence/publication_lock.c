#include "evidence/publication_lock.h"

#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

enum { POLL_MS = 50 };

static int wait_for_lock(int fd, const char *path, unsigned wait_seconds, struct error *err)
{
	long long deadline = clock_now_ms() + wait_seconds * 1000LL;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot lock %s", path);
		if (clock_now_ms() >= deadline)
			return error_set(err, EXIT_TRY_LATER,
					 "another publication has held %s for %u seconds", path,
					 wait_seconds);
		clock_sleep_ms(POLL_MS);
	}
	return 0;
}

int publication_lock(const char *run_dir, unsigned wait_seconds, struct error *err)
{
	if (file_make_dirs(run_dir, 0755, err) != 0)
		return -1;
	AUTO_FREE char *path = file_join(run_dir, "evidence.lock");
	if (path == NULL)
		return error_no_memory(err);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open %s", path);
	if (wait_for_lock(fd, path, wait_seconds, err) != 0)
		return -1;
	int locked = fd;
	fd = -1; /* the caller's now */
	return locked;
}
