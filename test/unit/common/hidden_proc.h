/* A /proc in which root sees no process of another user, as in a rootless container with
 * hidepid=2. */
#ifndef TEST_UNIT_COMMON_HIDDEN_PROC_H
#define TEST_UNIT_COMMON_HIDDEN_PROC_H

#include "unit.h"

#include "common/confinement.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

enum { ANOTHER_USER = 59391 };

/* Whether it is so. */
static inline bool others_are_hidden(void)
{
	char path[64];
	pid_t child = fork();

	if (child == 0) {
		if (confinement_become(ANOTHER_USER) == 0)
			raise(SIGSTOP);
		_exit(1);
	}
	bool is_stopped =
	    waitpid(child, &(int){0}, WUNTRACED) == child && kill(child, SIGKILL) == 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)child);
	bool is_there = access(path, F_OK) == 0;
	if (is_stopped)
		waitpid(child, NULL, 0);
	return is_stopped && !is_there;
}

/* From here on in this process, for good.  (Root of the machine's own user namespace is told of
 * all processes with hidepid=2, since it is in the group 0.) */
static inline bool hide_others(void)
{
	const uint64_t kept = CAPABILITIES_ALL & ~CAPABILITY(CAP_SYS_PTRACE);

	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", 0, "hidepid=ptraceable") == 0 &&
	       confinement_drop_capabilities(kept, kept) == 0 && others_are_hidden();
}

#define needs_hidden_proc() needs(hide_others(), "a /proc that hides the processes of others")

#endif
