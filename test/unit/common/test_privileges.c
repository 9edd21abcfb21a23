/* Giving up root where there is somebody else to be, and where there is not. */
#include "processes.h"

#include "common/confinement.h"
#include "common/privileges.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

/* Nobody else's, whatever else is tested on this machine. */
enum { SOMEBODY = 59391 };

/* What a child ends with. */
enum outcome { AS_EXPECTED, NO_NAMESPACE, NOT_SO };

static bool put_line(const char *path, const char *line)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);
}

/* From here on there is one user, root. */
static bool enter_namespace_of_root(void)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
	return unshare(CLONE_NEWUSER) == 0 && put_line("/proc/self/setgroups", "deny") &&
	       put_line("/proc/self/uid_map", users) && put_line("/proc/self/gid_map", groups);
}

static void assert_in_child(enum outcome (*act)(void))
{
	pid_t child = fork();

	if (child == 0) {
		alarm(60);
		_exit(act());
	}
	int status = wait_for(child);
	needs(status != NO_NAMESPACE << 8, "the right to make a user namespace");
	assert_int_equal(status, AS_EXPECTED << 8);
}

/* ---- whether there is such a user */

static bool knows_them_all(void)
{
	return confinement_knows_user(0) && confinement_knows_user(SOMEBODY) &&
	       confinement_knows_user(USER_DNS);
}

static enum outcome know_all(void)
{
	bool knew = knows_them_all();

	/* It takes no right. */
	return knew && confinement_drop_capabilities(0, 0) == 0 && knows_them_all() ? AS_EXPECTED
										    : NOT_SO;
}

static enum outcome know_root_alone(void)
{
	if (!enter_namespace_of_root())
		return NO_NAMESPACE;
	for (int turn = 0; turn < 2; turn++) {
		if (!confinement_knows_user(0) || confinement_knows_user(SOMEBODY))
			return NOT_SO;
		if (confinement_drop_capabilities(0, 0) != 0)
			return NOT_SO;
	}
	return AS_EXPECTED;
}

static void a_user_that_there_is_is_known(void **state)
{
	(void)state;
	needs_root();
	assert_in_child(know_all);
}

static void a_user_that_the_namespace_has_not_got_is_not(void **state)
{
	(void)state;
	assert_in_child(know_root_alone);
}

/* ---- giving up root */

static bool has_signal_and_nothing_else(int death_signal, uid_t user)
{
	int now = 0;

	for (int number = 0; number <= CAP_LAST_CAP; number++)
		if (confinement_has(number))
			return false;
	return prctl(PR_GET_PDEATHSIG, &now) == 0 && now == death_signal && geteuid() == user &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1;
}

static bool gives_up(uid_t user_then)
{
	struct error err = ERROR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGUSR2);
	return privileges_drop(SOMEBODY, &err) == 0 &&
	       has_signal_and_nothing_else(SIGUSR2, user_then);
}

static enum outcome give_up_there(void)
{
	return !enter_namespace_of_root() ? NO_NAMESPACE : gives_up(0) ? AS_EXPECTED : NOT_SO;
}

static enum outcome give_up_here(void)
{
	return gives_up(SOMEBODY) ? AS_EXPECTED : NOT_SO;
}

static void root_becomes_somebody(void **state)
{
	(void)state;
	needs_root();
	assert_in_child(give_up_here);
}

static void where_there_is_nobody_else_root_stays_without_capabilities(void **state)
{
	(void)state;
	assert_in_child(give_up_there);
}

/* That there is such a user is not enough. */
static enum outcome give_up_without_the_right(void)
{
	struct error err = ERROR_INIT;

	confinement_drop_capabilities(0, 0);
	return privileges_drop(SOMEBODY, &err) == -1 && strstr(err.text, "SETUID") != NULL
		   ? AS_EXPECTED
		   : NOT_SO;
}

static void without_the_right_it_is_an_error(void **state)
{
	(void)state;
	needs_root();
	assert_in_child(give_up_without_the_right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_that_there_is_is_known),
	    cmocka_unit_test(a_user_that_the_namespace_has_not_got_is_not),
	    cmocka_unit_test(root_becomes_somebody),
	    cmocka_unit_test(where_there_is_nobody_else_root_stays_without_capabilities),
	    cmocka_unit_test(without_the_right_it_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
