/* Lineages on a volume: found by their names, read again only when they have changed. */
#include "test/unit/supervisor/volume.h"

#include "supervisor/store/certificate_store.h"
#include "test/unit/common/stderr.h"

#include "common/clock.h"

#include <sys/stat.h>
#include <time.h>

static const char SERVER[] = "https://ca.test/dir";

static struct certificate_store *open_store(const char *volume)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(volume, SERVER, &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

static void put(const char *volume, const char *lineage, const char *name, long serial,
		bool matching)
{
	struct made_pair pair = make_pair(name, serial, matching);

	put_version(volume, lineage, 1, &pair);
	free_pair(&pair);
}

/* NULL: there is none. */
static const struct lineage *find(struct certificate_store *store, const char *domain)
{
	struct error err = ERROR_INIT;
	const struct lineage *found = NULL;
	int rc = store_find(store, domain, &found, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	assert_int_equal(rc, found != NULL);
	return found;
}

static void a_lineage_is_found_by_its_names_not_by_its_own(void **state)
{
	const char *const two[] = {"a.example.com", "b.example.com", NULL};
	struct made_pair both = make_pair_of(two, 7, true);
	struct certificate_store *store = open_store(*state);

	assert_null(find(store, "example.com"));
	put(*state, "example.com", "*.example.com", 1, true);
	put(*state, "anything", "example.com", 2, true);
	put_version(*state, "both", 1, &both);
	assert_string_equal(find(store, "example.com")->name, "anything");
	assert_string_equal(find(store, "*.example.com")->name, "example.com");
	assert_null(find(store, "www.example.com"));
	assert_null(find(store, "a.example.com"));
	free_pair(&both);
	store_close(store);
}

static void what_changes_on_the_volume_is_seen(void **state)
{
	struct made_pair next = make_pair("example.com", 2, true);
	char path[512], away[512];

	put(*state, "one", "example.com", 1, true);
	struct certificate_store *store = open_store(*state);
	assert_string_equal(find(store, "example.com")->serial, "01");
	put_version(*state, "one", 2, &next);
	assert_string_equal(find(store, "example.com")->serial, "02");
	snprintf(path, sizeof(path), "%s/live/one", (char *)*state);
	snprintf(away, sizeof(away), "%s/away", (char *)*state);
	assert_int_equal(rename(path, away), 0);
	assert_null(find(store, "example.com"));
	assert_int_equal(rename(away, path), 0);
	assert_string_equal(find(store, "example.com")->serial, "02");
	free_pair(&next);
	store_close(store);
}

/* In place: neither the inode nor the size changes. */
static void a_certificate_of_the_same_size_is_seen(void **state)
{
	struct made_pair next = make_pair("example.com", 2, true);
	char archive[512];

	put(*state, "one", "example.com", 1, true);
	struct certificate_store *store = open_store(*state);
	assert_string_equal(find(store, "example.com")->serial, "01");
	snprintf(archive, sizeof(archive), "%s/archive/one", (char *)*state);
	write_text(archive, "fullchain1.pem", next.chain);
	assert_string_equal(find(store, "example.com")->serial, "02");
	free_pair(&next);
	store_close(store);
}

static void one_that_has_its_key_comes_before_one_that_has_not(void **state)
{
	put(*state, "a", "example.com", 1, true);
	put(*state, "b", "example.com", 2, false);
	struct certificate_store *store = open_store(*state);
	assert_string_equal(find(store, "example.com")->name, "a");
	store_close(store);
}

static void an_unreadable_lineage_is_told_once(void **state)
{
	struct error err = ERROR_INIT;
	char live[512];

	snprintf(live, sizeof(live), "%s/live/one", (char *)*state);
	make_folder(live);
	write_text(live, "fullchain.pem", "nonsense");
	put(*state, "two", "example.com", 1, true);
	assert_int_equal(catch_stderr(state), 0);
	struct certificate_store *store = open_store(*state);
	const char *first = written();
	bool is_told = strstr(first, "lineage one is passed over") != NULL;
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_refresh(store, &err), 0);
	const struct lineage *found = NULL;
	assert_int_equal(store_find(store, "example.com", &found, &err), 1);
	bool is_told_again = written()[0] != '\0';
	write_text(live, "fullchain.pem", "");
	assert_int_equal(store_refresh(store, &err), 0);
	bool is_news_told = strstr(written(), "lineage one is passed over") != NULL;
	assert_int_equal(release_stderr(state), 0);
	assert_true(is_told);
	assert_false(is_told_again);
	assert_true(is_news_told);
	store_close(store);
}

static void new_lineages_collide_with_nothing(void **state)
{
	struct certificate_store *store = open_store(*state);
	struct error err = ERROR_INIT;
	domain_name name;

	assert_int_equal(store_new_name(store, "*.example.com", name, &err), 0);
	assert_string_equal(name, "example.com");
	assert_int_equal(store_new_name(store, "example.com", name, &err), 0);
	assert_string_equal(name, "example.com-0001"); /* both are being ordered */
	store_give_name_back(store, "example.com");
	store_give_name_back(store, name);
	put(*state, "example.com", "example.com", 1, true);
	assert_int_equal(store_refresh(store, &err), 0);
	assert_int_equal(store_new_name(store, "*.example.com", name, &err), 0);
	assert_string_equal(name, "example.com-0001");
	store_give_name_back(store, name);
	put_conf(*state, "example.com-0001", "");
	assert_int_equal(store_new_name(store, "*.example.com", name, &err), 0);
	assert_string_equal(name, "example.com-0002");
	store_close(store);
}

/* Nobody can have use of it, and certbot would complain of it for ever. */
static void an_unreadable_lineage_is_mended_by_the_next_order(void **state)
{
	struct error err = ERROR_INIT;
	domain_name name;
	char archive[512];

	put(*state, "example.com", "example.com", 1, true);
	snprintf(archive, sizeof(archive), "%s/archive/example.com", (char *)*state);
	write_text(archive, "fullchain1.pem", "");
	struct certificate_store *store = open_store(*state);
	assert_null(find(store, "example.com"));
	assert_int_equal(store_new_name(store, "example.com", name, &err), 0);
	assert_string_equal(name, "example.com");
	store_close(store);
}

static void where_a_lineage_came_from_is_read(void **state)
{
	put(*state, "one", "example.com", 1, true);
	struct certificate_store *store = open_store(*state);
	assert_false(store_is_foreign(store, find(store, "example.com")));
	put_conf(*state, "one", "server = https://ca.test/dir\n");
	assert_false(store_is_foreign(store, find(store, "example.com")));
	put_conf(*state, "one", "server = https://ca.test/dir2\n");
	assert_true(store_is_foreign(store, find(store, "example.com")));
	store_close(store);
}

/* Thousands of lineages cost next to nothing as long as they stay as they are. */
static void a_thousand_are_looked_at_quickly(void **state)
{
	enum { COUNT = 1000, LOOKS = 20 };
	struct made_pair pair = make_pair("example.com", 1, true);
	struct error err = ERROR_INIT;
	char name[32];

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "lineage-%d", i);
		put_version(*state, name, 1, &pair);
	}
	struct certificate_store *store = open_store(*state);
	long long parsed = clock_now_ms();
	clock_sleep_ms(60); /* what was written just now is not trusted to be read for good */
	assert_int_equal(store_refresh(store, &err), 0);
	long long begin = clock_now_ms();
	for (int i = 0; i < LOOKS; i++)
		assert_int_equal(store_refresh(store, &err), 0);
	long long looked = clock_now_ms() - begin;
	print_message("refresh of %d lineages: %.2f ms\n", COUNT, (double)looked / LOOKS);
	assert_true(parsed > 0);
	assert_true(looked < LOOKS * 1000);
	free_pair(&pair);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_lineage_is_found_by_its_names_not_by_its_own),
	    scratch_test(what_changes_on_the_volume_is_seen),
	    scratch_test(a_certificate_of_the_same_size_is_seen),
	    scratch_test(one_that_has_its_key_comes_before_one_that_has_not),
	    scratch_test(an_unreadable_lineage_is_told_once),
	    scratch_test(new_lineages_collide_with_nothing),
	    scratch_test(an_unreadable_lineage_is_mended_by_the_next_order),
	    scratch_test(where_a_lineage_came_from_is_read),
	    scratch_test(a_thousand_are_looked_at_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
