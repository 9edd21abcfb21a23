#include "common/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	WORD_BITS = 32,
	CAPABILITY_BITS = 64,
	/* 1 and not 0: the kernel pipes a core to a program in spite of 0, but not of 1 (core(5),
	 * fs/coredump.c); no core is so short that 1 byte would let it into a file. */
	CORE_MAX = 1,
};

/* AddressSanitizer maps terabytes for its shadow memory. */
#if defined(__SANITIZE_ADDRESS__)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

/* ---- limits */

/* CONFINEMENT_UNLIMITED is RLIM_INFINITY. */
static int limit(int resource, uint64_t most, bool is_hard)
{
	struct rlimit now;

	if (most == 0)
		return 0;
	if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
		return -1;
	now.rlim_cur = most < now.rlim_max ? most : now.rlim_max;
	if (is_hard)
		now.rlim_max = now.rlim_cur;
	return setrlimit((__rlimit_resource_t)resource, &now);
}

static int forbid_core(void)
{
	return setrlimit(RLIMIT_CORE, &(struct rlimit){CORE_MAX, CORE_MAX}) != 0 && errno != EPERM;
}

/*
 * What others can make large is ended first when the container's memory runs out, before HAProxy
 * and the supervisor.  To be ended sooner needs no right; where it cannot be set (no /proc) the
 * kernel's own choice is no worse than before.
 */
static void be_ended_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4)
		errno = 0;
	close(fd);
}

/* ---- capabilities */

static int get_capabilities(struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

	return (int)syscall(SYS_capget, &header, sets);
}

/* Without CAP_SETPCAP nothing can be taken out of it. */
static int shrink_bounding_set(uint64_t kept)
{
	for (unsigned long number = 0; number < CAPABILITY_BITS; number++) {
		int there = prctl(PR_CAPBSET_READ, number, 0UL, 0UL, 0UL);
		if (there < 0)
			return 0; /* this kernel knows no more */
		if (there == 0 || (kept & CAPABILITY(number)) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, number, 0UL, 0UL, 0UL) != 0)
			return errno == EPERM ? 0 : -1;
	}
	return 0;
}

int confinement_drop_capabilities(uint64_t kept, uint64_t bounds)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	/* Older kernels have no ambient set: nothing to clear. */
	prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
	if (shrink_bounding_set(bounds) != 0 || get_capabilities(sets) != 0)
		return -1;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= (uint32_t)(kept >> (i * WORD_BITS));
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &header, sets);
}

bool confinement_has(int capability)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	unsigned number = (unsigned)capability;

	return get_capabilities(sets) == 0 &&
	       (sets[number / WORD_BITS].effective >> (number % WORD_BITS) & 1U) != 0;
}

/* ---- user */

/* Believes the kernel's answers, not the return values of the calls that asked for it. */
static bool is_only(uid_t user)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&real_group, &effective_group, &saved_group) == 0 && real == user &&
	       effective == user && saved == user && real_group == user &&
	       effective_group == user && saved_group == user && getgroups(0, NULL) == 0;
}

int confinement_become(uid_t user)
{
	/* The bounding set goes while there is the right to take from it. */
	if (confinement_drop_capabilities(CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID), 0) !=
		0 ||
	    setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
	    setresuid(user, user, user) != 0)
		return -1;
	if (!is_only(user) || setuid(0) == 0 || setgid(0) == 0) {
		errno = ENOTRECOVERABLE;
		return -1;
	}
	return confinement_drop_capabilities(0, 0);
}

/*
 * By the owner of a new pipe, since the kernel looks for the numbers (EINVAL) before it looks for
 * the right to give something away (EPERM).  To become the user for a moment would take the
 * parent-death signal away (prctl(2)).
 */
bool confinement_knows_user(uid_t user)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return true;
	bool knows = fchown(ends[0], user, user) == 0 || errno != EINVAL;
	close(ends[0]);
	close(ends[1]);
	return knows;
}

/* ---- all of it */

static const char *limit_all(const struct confinement *c)
{
	bool is_hard = c->user != 0;

	if (forbid_core())
		return "forbidding core dumps";
	if (!IS_SANITIZED && limit(RLIMIT_AS, c->memory_max, is_hard) != 0)
		return "limiting its memory";
	if (c->memory_max != 0 && c->memory_max != CONFINEMENT_UNLIMITED)
		be_ended_first();
	if (limit(RLIMIT_FSIZE, c->file_max, is_hard) != 0)
		return "limiting its files";
	if (limit(RLIMIT_NPROC, c->processes_max, is_hard) != 0)
		return "limiting its processes";
	return NULL;
}

const char *confinement_apply(const struct confinement *c)
{
	bool is_root = geteuid() == 0;
	const char *failed = limit_all(c);

	if (failed != NULL)
		return failed;
	if (is_root && c->user != 0 && confinement_become(c->user) != 0)
		return "changing its user";
	if (is_root && c->user == 0 &&
	    confinement_drop_capabilities(c->capabilities, c->capabilities) != 0)
		return "giving up capabilities";
	if ((is_root || !c->may_gain_rights) && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		return "no_new_privs";
	return NULL;
}

void confinement_hide_memory(void)
{
	forbid_core();
	if (!IS_SANITIZED)
		prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}
