/* The gate between lineages on a volume and what is served. */
#include "test/unit/common/certificates.h"

#include "supervisor/certificate_store.h"
#include "supervisor/served_pair.h"

#include <sys/stat.h>
#include <time.h>

static void write_text(const char *folder, const char *name, const char *text)
{
	char *path = file_join(folder, name);
	struct error err = ERROR_INIT;

	if (file_write(path, 0600, text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
	free(path);
}

/* live/LINEAGE under `volume`, its certificate for `name` and with `key`'s or another key. */
static void put(const char *volume, const char *lineage, const char *name, bool matching)
{
	const char *const names[] = {name, NULL};
	EVP_PKEY *key = make_key(), *other = make_key();
	char *chain = make_certificate(key, names);
	char *secret = key_to_pem(matching ? key : other, NULL);
	struct error err = ERROR_INIT;
	char folder[512];

	snprintf(folder, sizeof(folder), "%s/live/%s", volume, lineage);
	assert_int_equal(file_make_dirs(folder, 0700, &err), 0);
	write_text(folder, "fullchain.pem", chain);
	write_text(folder, "privkey.pem", secret);
	free(chain);
	free(secret);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static struct certificate_store *open_store(const char *volume)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(volume, "https://ca.test/dir", &err);

	assert_non_null(store);
	return store;
}

static const struct lineage *find(struct certificate_store *store, const char *domain)
{
	struct error err = ERROR_INIT;
	const struct lineage *found;

	assert_int_equal(store_find(store, domain, &found, &err), 1);
	return found;
}

static void a_fit_pair_is_installed(void **state)
{
	put(*state, "example.com", "*.example.com", true);
	struct certificate_store *store = open_store(*state);
	const struct lineage *lineage = find(store, "*.example.com");
	struct served_pair pair = {0};
	struct error err = ERROR_INIT;
	struct stat st;
	char path[512];

	assert_int_equal(
	    served_pair_install(lineage, "*.example.com", *state, time(NULL), &pair, &err), 0);
	assert_true(pair.present);
	assert_string_equal(pair.serial, lineage->serial);
	snprintf(path, sizeof(path), "%s/_wildcard.example.com.pem", (char *)*state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(store);
}

/* Tries to install over a pair that is there; nothing of it may change. */
static void assert_refused(const char *volume, const char *lineage_of, const char *domain,
			   time_t now, const char *words)
{
	const struct served_pair before = {
	    .present = true, .serial = "AB", .not_before = 1, .not_after = INT64_MAX};
	struct served_pair pair = before;
	struct certificate_store *store = open_store(volume);
	const struct lineage *lineage = find(store, lineage_of);
	struct error err = ERROR_INIT;

	assert_int_equal(served_pair_install(lineage, domain, volume, now, &pair, &err), -1);
	assert_contains(err.text, "the certificate of lineage one is refused");
	assert_contains(err.text, words);
	assert_memory_equal(&pair, &before, sizeof(pair));
	char path[512];
	snprintf(path, sizeof(path), "%s/example.com.pem", volume);
	assert_false(file_exists(path));
	store_close(store);
}

static void an_unfit_pair_is_refused_and_the_old_one_kept(void **state)
{
	put(*state, "one", "example.com", true);
	assert_refused(*state, "example.com", "example.com", time(NULL) + 7200, "it expired at");
	assert_refused(*state, "example.com", "other.example.com", time(NULL),
		       "it is not for exactly other.example.com (its first name is example.com)");
	put(*state, "one", "example.com", false);
	assert_refused(*state, "example.com", "example.com", time(NULL), "key");
}

static void one_that_has_expired_is_served_where_there_is_no_better_one(void **state)
{
	const time_t later = time(NULL) + 7200;
	struct served_pair pair = {0};
	struct error err = ERROR_INIT;

	put(*state, "one", "example.com", true);
	struct certificate_store *store = open_store(*state);
	const struct lineage *lineage = find(store, "example.com");
	assert_int_equal(served_pair_check(lineage, "example.com", &pair, later, &err), 0);
	assert_int_equal(served_pair_install(lineage, "example.com", *state, later, &pair, &err),
			 0);
	assert_string_equal(pair.serial, lineage->serial);
	/* Again, over itself and over one that ended before. */
	assert_int_equal(served_pair_check(lineage, "example.com", &pair, later, &err), 0);
	pair.not_after--;
	assert_int_equal(served_pair_check(lineage, "example.com", &pair, later, &err), 0);
	pair.not_after += 2;
	assert_int_equal(served_pair_check(lineage, "example.com", &pair, later, &err), -1);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_fit_pair_is_installed),
	    scratch_test(an_unfit_pair_is_refused_and_the_old_one_kept),
	    scratch_test(one_that_has_expired_is_served_where_there_is_no_better_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
