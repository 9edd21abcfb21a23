/*
 * What a program may do from its first instruction on: how much memory it may take, how long a
 * file it may write, which of root's capabilities it keeps.  Said by whoever starts it and applied
 * between fork and exec (spawn.h); giving up root altogether is the program's own first act
 * (privileges.h), since only it knows what it has to open before.
 */
#ifndef COMMON_CONFINEMENT_H
#define COMMON_CONFINEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One capability of linux/capability.h as a bit. */
#define CAPABILITY(number) (UINT64_C(1) << (number))
#define CAPABILITIES_ALL UINT64_MAX
/* For memory_max and file_max: lifts the limit that this process has. */
#define CONFINEMENT_UNLIMITED UINT64_MAX

struct confinement {
	/* Of those that this process has: the rest leaves the permitted, effective, inheritable and
	 * bounding sets. */
	uint64_t capabilities;
	/* Bytes of address space and of a file; 0: as this process.  Both are soft limits: they are
	 * there for what a peer sends, and who runs a program of the operator's lifts them for it.
	 */
	uint64_t memory_max;
	uint64_t file_max;
	/* Processes of that user, with all that the machine has of them elsewhere; 0: as now. */
	uint64_t processes_max;
	/* Root's child becomes this user, and the group of the same number, without capabilities;
	 * 0: it does not.  The limits are hard then: such a program is trusted with nothing. */
	uid_t user;
	/* A program that was not started as root may get rights by executing another one, as
	 * before.  (With root there is nothing to get.) */
	bool may_gain_rights;
};

/*
 * For the child, before exec: async-signal-safe.  NULL, or the step that failed, with errno.  No
 * core is ever dumped.  What takes rights that this process has not got is left out: without
 * CAP_SETPCAP the bounding set stays, which no_new_privs makes meaningless.
 */
const char *confinement_apply(const struct confinement *confinement);

/*
 * For root: becomes `user`, and the group of the same number, with no supplementary groups, no
 * capabilities and an empty bounding set (as far as CAP_SETPCAP is there), and looks whether there
 * is a way back.  The kernel takes the parent-death signal away (prctl(2)).  Async-signal-safe; -1
 * with errno.
 */
int confinement_become(uid_t user);

/* Takes all capabilities but `kept` out of the sets of this process, and all but `bounds` out of
 * its bounding set.  -1 with errno. */
int confinement_drop_capabilities(uint64_t kept, uint64_t bounds);

/* Neither a core dump nor another process of the same user shows the memory of this one, which
 * may hold a secret.  (Left out under the sanitizers, whose leak check is such a process.) */
void confinement_hide_memory(void);

/* Whether this process has the capability in effect. */
bool confinement_has(int capability);

/*
 * Whether the user namespace of this process has `user`, and the group of the same number, so that
 * there is something to become.  The one of a rootless container may end at a small number.  Takes
 * no right and changes nothing; true where it cannot be told.
 */
bool confinement_knows_user(uid_t user);

#endif
