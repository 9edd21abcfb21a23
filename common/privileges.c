#include "common/privileges.h"

#include "common/confinement.h"
#include "common/log.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privileges_is_root(void)
{
	return geteuid() == 0;
}

int privileges_confine(int dir, struct error *err)
{
	if (fchdir(dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot change the root folder (this needs the capability "
				       "SYS_CHROOT, which containers have by default)");
	return 0;
}

/* There is nobody else to be: what root can do beyond its own files are capabilities. */
static int stay_without_capabilities(uid_t user, struct error *err)
{
	log_debug("there is no user %u in this user namespace; going on as root without "
		  "capabilities",
		  (unsigned)user);
	if (confinement_drop_capabilities(0, 0) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot give up capabilities");
	return 0;
}

static int drop_root(uid_t user, struct error *err)
{
	pid_t parent = getppid();
	int death_signal = 0;

	if (!confinement_knows_user(user))
		return stay_without_capabilities(user, err);
	if (prctl(PR_GET_PDEATHSIG, &death_signal) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_GET_PDEATHSIG)");
	if (confinement_become(user) != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot change to user %u (this needs the capabilities "
				       "SETUID and SETGID, which containers have by default)",
				       (unsigned)user);
	if (death_signal == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_SET_PDEATHSIG)");
	if (getppid() != parent)
		return error_set(err, EXIT_FAILED, "the parent process has died");
	return 0;
}

static int forbid_gains(struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
	return 0;
}

int privileges_drop(uid_t user, struct error *err)
{
	if (privileges_is_root() && drop_root(user, err) != 0)
		return -1;
	return forbid_gains(err);
}

void privileges_drop_as_far_as_can_be(uid_t user)
{
	struct error err = ERROR_INIT;

	if (privileges_drop(user, &err) == 0)
		return;
	log_warn("%s; going on as root without capabilities", err.text);
	if (confinement_drop_capabilities(0, 0) != 0 || forbid_gains(&err) != 0)
		log_warn("cannot give up capabilities either");
}
