/* A certificate that stands in for a domain's own: which one, and when. */
#include "test/unit/supervisor/volume.h"

#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <time.h>

enum { HOUR = 3600 };

static struct certificate_store *open_store(const char *volume)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(volume, "https://ca.test/dir", &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

/* A certificate for one or two names that ends so many hours from now. */
static struct made_pair made(const char *first, const char *second, long serial, int hours,
			     bool matching)
{
	const char *const names[] = {first, second, NULL};
	EVP_PKEY *key = make_key(), *other = matching ? key : make_key();
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *general = GENERAL_NAMES_new();
	struct made_pair pair = {0};

	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
	X509_gmtime_adj(X509_getm_notBefore(x509), -48L * HOUR);
	X509_gmtime_adj(X509_getm_notAfter(x509), (long)hours * HOUR);
	for (size_t i = 0; names[i] != NULL; i++)
		add_name(general, names[i], strlen(names[i]));
	set_names(x509, general);
	pair.chain = sign(x509, key);
	pair.key = key_to_pem(other, NULL);
	if (!matching)
		EVP_PKEY_free(other);
	EVP_PKEY_free(key);
	return pair;
}

static void put(const char *volume, const char *lineage, struct made_pair pair)
{
	put_version(volume, lineage, 1, &pair);
	free_pair(&pair);
}

static void put_lego(const char *volume, const char *name, struct made_pair pair)
{
	char folder[512], file[300];

	snprintf(folder, sizeof(folder), "%s/lego/certificates", volume);
	make_folder(folder);
	snprintf(file, sizeof(file), "%s.crt", name);
	write_text(folder, file, pair.chain);
	snprintf(file, sizeof(file), "%s.issuer.crt", name);
	write_text(folder, file, pair.chain);
	snprintf(file, sizeof(file), "%s.key", name);
	write_text(folder, file, pair.key);
	snprintf(file, sizeof(file), "%s.json", name);
	write_text(folder, file, "{}");
	free_pair(&pair);
}

/* The serial that the domain is served with, and what stands in for it; "" and "" for none. */
static void expect_served(const char *volume, const char *domain, const char *serial,
			  const char *stand_in)
{
	struct certificate_store *store = open_store(volume);
	struct served_pair pair = {0};
	struct error err = ERROR_INIT;
	int rc = served_pair_install_from(store, domain, volume, time(NULL), &pair, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	assert_int_equal(rc, pair.present);
	assert_string_equal(pair.serial, serial);
	assert_string_equal(pair.stand_in, stand_in);
	store_close(store);
}

static void of_certificates_that_cover_a_name_the_longest_stands_in(void **state)
{
	expect_served(*state, "a.example.com", "", "");
	put(*state, "both", made("a.example.com", "b.example.com", 1, 24, true));
	expect_served(*state, "a.example.com", "01", "both");
	expect_served(*state, "b.example.com", "01", "both");
	expect_served(*state, "c.example.com", "", "");
	expect_served(*state, "*.example.com", "", "");
	put(*state, "example.com", made("*.example.com", NULL, 2, 48, true));
	expect_served(*state, "a.example.com", "02", "example.com");
	expect_served(*state, "x.a.example.com", "", "");
	expect_served(*state, "example.com", "", "");
	expect_served(*state, "*.example.com", "02", "");
	put(*state, "wide", made("*.example.com", "example.com", 3, 24, true));
	expect_served(*state, "example.com", "03", "wide");
	expect_served(*state, "a.example.com", "02", "example.com");
}

static void a_domain_s_own_comes_first(void **state)
{
	put(*state, "both", made("a.example.com", "b.example.com", 1, 24, true));
	put(*state, "own", made("a.example.com", NULL, 2, 1, true));
	expect_served(*state, "a.example.com", "02", "");
	put(*state, "own", made("a.example.com", NULL, 3, 1, false));
	expect_served(*state, "a.example.com", "01", "both");
	put(*state, "own", made("a.example.com", NULL, 4, -1, true));
	expect_served(*state, "a.example.com", "01", "both");
}

static void what_has_expired_is_served_only_where_nothing_holds(void **state)
{
	put(*state, "both", made("a.example.com", "b.example.com", 1, -1, true));
	expect_served(*state, "a.example.com", "01", "both");
	put(*state, "own", made("a.example.com", NULL, 2, -2, true));
	expect_served(*state, "a.example.com", "02", "");
	put(*state, "wild", made("*.example.com", NULL, 3, 1, true));
	expect_served(*state, "a.example.com", "03", "wild");
}

static void one_without_its_key_is_passed_over(void **state)
{
	struct made_pair whole = made("a.example.com", "b.example.com", 2, 1, true);
	char archive[512];

	put(*state, "first", made("a.example.com", "b.example.com", 1, 48, false));
	expect_served(*state, "a.example.com", "", "");
	put_version(*state, "second", 1, &whole);
	expect_served(*state, "a.example.com", "02", "second");
	/* The first of the chain can be read, the second not. */
	put(*state, "third", made("a.example.com", "b.example.com", 3, 48, true));
	expect_served(*state, "a.example.com", "03", "third");
	snprintf(archive, sizeof(archive), "%s/archive/third", (char *)*state);
	char *broken = NULL;
	assert_true(asprintf(&broken,
			     "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
			     whole.chain) > 0);
	write_text(archive, "fullchain1.pem", broken);
	write_text(archive, "privkey1.pem", whole.key);
	expect_served(*state, "a.example.com", "02", "second");
	free(broken);
	free_pair(&whole);
}

static void lego_s_certificates_stand_in(void **state)
{
	put_lego(*state, "a.example.com", made("a.example.com", NULL, 1, 24, true));
	put_lego(*state, "_.wild.example.com", made("*.wild.example.com", NULL, 2, 24, true));
	put_lego(*state, "broken.example.com", made("broken.example.com", NULL, 3, 24, false));
	expect_served(*state, "a.example.com", "01", "lego/certificates/a.example.com.crt");
	expect_served(*state, "*.wild.example.com", "02",
		      "lego/certificates/_.wild.example.com.crt");
	expect_served(*state, "x.wild.example.com", "02",
		      "lego/certificates/_.wild.example.com.crt");
	expect_served(*state, "broken.example.com", "", "");
	put(*state, "both", made("a.example.com", "b.example.com", 4, 48, true));
	expect_served(*state, "a.example.com", "04", "both");
	put(*state, "a.example.com", made("a.example.com", NULL, 5, 1, true));
	expect_served(*state, "a.example.com", "05", "");
}

/* An order is for the domain alone, and due as long as there is none of its own. */
static void none_of_them_is_the_domain_s_lineage(void **state)
{
	const struct lineage *found;
	struct error err = ERROR_INIT;
	domain_name name;

	put(*state, "a.example.com", made("a.example.com", "b.example.com", 1, 24, true));
	put_lego(*state, "a.example.com", made("a.example.com", NULL, 2, 24, true));
	struct certificate_store *store = open_store(*state);
	assert_int_equal(store_find(store, "a.example.com", &found, &err), 0);
	assert_int_equal(store_new_name(store, "a.example.com", name, &err), 0);
	assert_string_equal(name, "a.example.com-0001");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(of_certificates_that_cover_a_name_the_longest_stands_in),
	    scratch_test(a_domain_s_own_comes_first),
	    scratch_test(what_has_expired_is_served_only_where_nothing_holds),
	    scratch_test(one_without_its_key_is_passed_over),
	    scratch_test(lego_s_certificates_stand_in),
	    scratch_test(none_of_them_is_the_domain_s_lineage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
