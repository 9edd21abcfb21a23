#include "common/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privileges_is_root(void)
{
	return geteuid() == 0;
}

int privileges_find_user(const char *name, struct privileges_user *user, struct error *err)
{
	errno = 0;
	const struct passwd *entry = getpwnam(name);
	if (entry == NULL && errno != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot look up the user %s", name);
	if (entry == NULL)
		return error_set(err, EXIT_FAILED, "there is no user %s", name);
	if (entry->pw_uid == 0 || entry->pw_gid == 0)
		return error_set(err, EXIT_FAILED, "the user %s has the superuser's ids", name);
	*user = (struct privileges_user){entry->pw_uid, entry->pw_gid};
	return 0;
}

int privileges_confine(int dir, struct error *err)
{
	if (fchdir(dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot change the root folder (this needs the capability "
				       "SYS_CHROOT, which containers have by default)");
	return 0;
}

static int change_user(const struct privileges_user *user, struct error *err)
{
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot change to user %u (this needs the capabilities "
				       "SETUID and SETGID, which containers have by default)",
				       (unsigned)user->uid);
	return 0;
}

/* Believes the kernel's answers, not the return values of the calls that asked for it. */
static int check_user(const struct privileges_user *user, struct error *err)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	if (getresuid(&real, &effective, &saved) != 0 ||
	    getresgid(&real_group, &effective_group, &saved_group) != 0 || real != user->uid ||
	    effective != user->uid || saved != user->uid || real_group != user->gid ||
	    effective_group != user->gid || saved_group != user->gid || getgroups(0, NULL) != 0)
		return error_set(err, EXIT_FAILED, "changing to user %u did not work",
				 (unsigned)user->uid);
	if (setuid(0) == 0 || setgid(0) == 0)
		return error_set(err, EXIT_FAILED, "root can be regained after it was given up");
	return 0;
}

static int drop_root(const struct privileges_user *user, struct error *err)
{
	pid_t parent = getppid();
	int death_signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &death_signal) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_GET_PDEATHSIG)");
	if (change_user(user, err) != 0 || check_user(user, err) != 0)
		return -1;
	if (death_signal == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_SET_PDEATHSIG)");
	if (getppid() != parent)
		return error_set(err, EXIT_FAILED, "the parent process has died");
	return 0;
}

int privileges_drop(const struct privileges_user *user, struct error *err)
{
	if (privileges_is_root() && drop_root(user, err) != 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
	return 0;
}
