/* What is said at the start of a volume that gives no file to another user (NFS, CIFS). */
#include "test/unit/common/scratch_files.h"
#include "test/unit/common/stderr.h"

#include "common/privileges.h"
#include "supervisor/children/confined.h"

#include <errno.h>

#define REFUSED "can be given to another user (Operation not permitted): ingress-dns"

static bool refuses_owners;

/* Root's view, whoever runs this. */
uid_t geteuid(void)
{
	return 0;
}

int fchown(int fd, uid_t user, gid_t group)
{
	(void)fd;
	(void)user;
	(void)group;
	if (!refuses_owners)
		return 0;
	errno = EPERM;
	return -1;
}

static const char *report_of(const char *volume, const char *provider)
{
	struct settings settings = {0};

	settings.letsencrypt_dir = volume;
	settings.dns_provider = provider;
	confined_report(&settings);
	return written();
}

static void a_volume_that_refuses_owners_is_told(void **state)
{
	needs(confinement_knows_user(USER_DNS), "a user namespace with many users");
	refuses_owners = true;
	assert_contains(report_of(*state, "cloudflare"), REFUSED);
	assert_int_equal(count_entries(*state), 0);
}

static void one_that_does_not_is_not(void **state)
{
	refuses_owners = false;
	assert_lacks(report_of(*state, "cloudflare"), REFUSED);
	refuses_owners = true;
	assert_lacks(report_of(*state, "exec"), REFUSED); /* stays root in any case */
	assert_lacks(report_of("/nonexistent", "cloudflare"), REFUSED);
	assert_int_equal(count_entries(*state), 0);
}

static int set_up(void **state)
{
	return make_scratch(state) != 0 ? -1 : catch_stderr(state);
}

static int take_down(void **state)
{
	return release_stderr(state) != 0 ? -1 : remove_scratch(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_volume_that_refuses_owners_is_told, set_up,
					    take_down),
	    cmocka_unit_test_setup_teardown(one_that_does_not_is_not, set_up, take_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
