/* Links in live/ that lead to no certificate, while the archive has one. */
#include "test/unit/supervisor/volume.h"

#include "common/spawn.h"
#include "supervisor/store/certificate_store.h"

static const char NAME[] = "example.com";

/* The serial that is found at the next start, "" for none. */
static const char *found(const char *volume)
{
	static char serial[CERTIFICATE_SERIAL_MAX];
	const struct lineage *lineage;
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(volume, "https://ca.test/dir", &err);

	assert_non_null(store);
	bool is_found = store_find(store, NAME, &lineage, &err) == 1;
	snprintf(serial, sizeof(serial), "%s", is_found ? lineage->serial : "");
	store_close(store);
	return serial;
}

static void spoil(const char *volume, const char *command)
{
	char line[1024];
	const char *const argv[] = {"/bin/sh", "-c", line, NULL};
	static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	int status = -1;

	snprintf(line, sizeof(line), "cd '%s' && cd live/example.com && %s", volume, command);
	spec.argv = argv;
	spec.envp = environment;
	if (spawn_run(&spec, 30000, NULL, &status, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(status, 0);
}

static void put_two(const char *volume, struct made_pair pairs[2])
{
	for (unsigned i = 0; i < 2; i++) {
		pairs[i] = make_pair(NAME, i + 1, true);
		put_version(volume, NAME, i + 1, &pairs[i]);
	}
}

static void links_are_made_anew(void **state)
{
	static const char *const losses[] = {
	    "rm *",
	    "cd .. && rm -r example.com",
	    "cd ../.. && rm -r live",
	    "for f in *; do ln -sf /mnt/archive/example.com/${f%.pem}2.pem $f; done",
	    "for f in *; do t=$(readlink $f) && rm $f && printf %s $t > $f; done",
	    "rm privkey.pem",
	    "for f in *; do rm $f && : > $f; done"};
	struct made_pair pairs[2];

	put_two(*state, pairs);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		spoil(*state, losses[i]);
		assert_string_equal(found(*state), pairs[1].serial);
		spoil(*state, "test \"$(readlink privkey.pem)\" = "
			      "../../archive/example.com/privkey2.pem");
	}
	free_pair(&pairs[0]);
	free_pair(&pairs[1]);
}

/* As a power failure leaves it: the names are there, and nothing in them. */
static void a_version_that_is_lost_gives_way_to_the_one_before(void **state)
{
	static const char *const losses[] = {
	    "truncate -s 0 privkey2.pem", "truncate -s 0 privkey2.pem fullchain2.pem",
	    "truncate -s 0 fullchain2.pem && truncate -s 900 fullchain2.pem", "rm fullchain2.pem"};
	struct made_pair pairs[2];
	char command[256];

	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		put_two(*state, pairs);
		snprintf(command, sizeof(command), "cd ../../archive/example.com && %s", losses[i]);
		spoil(*state, command);
		assert_string_equal(found(*state), pairs[0].serial);
		free_pair(&pairs[0]);
		free_pair(&pairs[1]);
	}
}

static void a_file_with_something_in_it_stays(void **state)
{
	struct made_pair pairs[2];

	put_two(*state, pairs);
	spoil(*state, "cp -L privkey.pem key && mv key privkey.pem && rm fullchain.pem");
	assert_string_equal(found(*state), "");
	spoil(*state, "test ! -L privkey.pem");
	/* Copies that are whole, of a version that is not the newest. */
	spoil(*state, "cp ../../archive/example.com/privkey1.pem privkey.pem && "
		      "cp ../../archive/example.com/fullchain1.pem fullchain.pem");
	assert_string_equal(found(*state), pairs[0].serial);
	free_pair(&pairs[0]);
	free_pair(&pairs[1]);
}

static void links_to_an_older_version_stay(void **state)
{
	struct made_pair pairs[2];

	put_two(*state, pairs);
	spoil(*state, "for f in *; do ln -sf ../../archive/example.com/${f%.pem}1.pem $f; done");
	assert_string_equal(found(*state), pairs[0].serial);
	free_pair(&pairs[0]);
	free_pair(&pairs[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(links_are_made_anew),
	    scratch_test(a_version_that_is_lost_gives_way_to_the_one_before),
	    scratch_test(a_file_with_something_in_it_stays),
	    scratch_test(links_to_an_older_version_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
