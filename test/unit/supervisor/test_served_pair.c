/* The gate between lineages on a volume and what is served. */
#include "test/unit/common/certificates.h"

#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

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
		       "it is not for other.example.com (its first name is example.com)");
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

/* ---- what HAProxy refuses */

static void what_was_refused_is_not_installed_until_it_changes(void **state)
{
	struct served_pair pair = {0};
	struct error err = ERROR_INIT;
	struct lineage refused;

	put(*state, "one", "example.com", true);
	struct certificate_store *store = open_store(*state);
	refused = *find(store, "example.com");
	store_refuse(store, "AB", refused.spki_sha256);
	assert_false(find(store, "example.com")->is_refused);
	store_refuse(store, find(store, "example.com")->serial, refused.spki_sha256);
	assert_int_equal(served_pair_install(find(store, "example.com"), "example.com", *state,
					     time(NULL), &pair, &err),
			 -1);
	assert_contains(err.text, "HAProxy does not start with it");
	assert_false(pair.present);
	/* Files that were only touched are the same. */
	assert_int_equal(store_refresh(store, &err), 0);
	assert_true(find(store, "example.com")->is_refused);
	/* Another one of the same serial number, as of two private CAs, is another one. */
	put(*state, "two", "example.com", true);
	assert_string_equal(find(store, "example.com")->name, "two");
	assert_false(find(store, "example.com")->is_refused);
	store_refuse(store, find(store, "example.com")->serial,
		     find(store, "example.com")->spki_sha256);
	assert_true(find(store, "example.com")->is_refused);
	put(*state, "one", "example.com", true);
	assert_string_equal(find(store, "example.com")->name, "one");
	assert_false(find(store, "example.com")->is_refused);
	store_close(store);
}

static void what_is_served_is_taken_back(void **state)
{
	struct served_pair pair = {0}, before;
	struct error err = ERROR_INIT;
	char path[512], served[512], there[600], other[600];

	put(*state, "one", "example.com", true);
	struct certificate_store *store = open_store(*state);
	assert_int_equal(served_pair_install(find(store, "example.com"), "example.com", *state,
					     time(NULL), &pair, &err),
			 0);
	before = pair;
	snprintf(path, sizeof(path), "%s/example.com.pem", (char *)*state);
	snprintf(served, sizeof(served), "%s/served", (char *)*state);
	snprintf(there, sizeof(there), "%s/example.com.pem", served);
	snprintf(other, sizeof(other), "%s/other.example.com.pem", served);
	assert_int_equal(mkdir(served, 0700), 0);
	assert_int_equal(rename(path, there), 0);
	assert_int_equal(link(there, other), 0);
	put(*state, "one", "example.com", true);
	assert_int_equal(served_pair_install(find(store, "example.com"), "example.com", *state,
					     time(NULL), &pair, &err),
			 0);
	assert_string_not_equal(pair.spki, before.spki);
	assert_int_equal(
	    served_pair_take_back(served, "example.com", *state, time(NULL), &pair, &err), 0);
	assert_memory_equal(&pair, &before, sizeof(pair));
	assert_true(file_exists(path));
	/* Not what is installed: that would be no other. */
	assert_int_equal(
	    served_pair_take_back(served, "example.com", *state, time(NULL), &pair, &err), -1);
	assert_contains(err.text, "is what is installed");
	/* What is not there, has no key or is somebody else's leaves everything as it is. */
	assert_int_equal(
	    served_pair_take_back(served, "other.example.com", *state, time(NULL), &pair, &err),
	    -1);
	assert_int_equal(
	    served_pair_take_back("/nonexistent", "example.com", *state, time(NULL), &pair, &err),
	    -1);
	snprintf(path, sizeof(path), "%s/example.com.chain.pem", (char *)*state);
	assert_int_equal(rename(path, there), 0);
	assert_int_equal(
	    served_pair_take_back(served, "example.com", *state, time(NULL), &pair, &err), -1);
	assert_memory_equal(&pair, &before, sizeof(pair));
	store_close(store);
}

/* ---- what others have written into the files */

struct files {
	char chain[8192], key[8192];
};

static void read_text(const char *folder, const char *name, char *text, size_t size)
{
	struct error err = ERROR_INIT;
	struct buffer content;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	buffer_init(&content, size - 1);
	if (file_read(path, &content, &err) != 0)
		fail_msg("%s", err.text);
	snprintf(text, size, "%s", buffer_text(&content));
	buffer_free(&content);
}

/* What HAProxy is given of a lineage with these files, or why it is given nothing. */
static void install(const char *volume, const struct files *files, char *text, size_t size)
{
	struct served_pair pair = {0};
	struct error err = ERROR_INIT;
	char live[512];

	snprintf(live, sizeof(live), "%s/live/one", volume);
	write_text(live, "fullchain.pem", files->chain);
	write_text(live, "privkey.pem", files->key);
	struct certificate_store *store = open_store(volume);
	if (served_pair_install(find(store, "example.com"), "example.com", volume, time(NULL),
				&pair, &err) != 0)
		snprintf(text, size, "%s", err.text);
	else
		read_text(volume, "example.com.pem", text, size);
	store_close(store);
}

/* HAProxy does not start at all for one file that it cannot read. */
static void what_is_no_certificate_and_no_key_is_left_out(void **state)
{
	static const char bom[] = "\xef\xbb\xbf";
	static const char curve[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
				    "-----END EC PARAMETERS-----\n";
	struct files plain, files;
	char live[512], expected[16384], text[16384];

	put(*state, "one", "example.com", true);
	snprintf(live, sizeof(live), "%s/live/one", (char *)*state);
	read_text(live, "fullchain.pem", plain.chain, sizeof(plain.chain));
	read_text(live, "privkey.pem", plain.key, sizeof(plain.key));
	install(*state, &plain, expected, sizeof(expected));
	snprintf(text, sizeof(text), "%s\n%s", plain.chain, plain.key);
	assert_string_equal(expected, text);
	const char *const around[][4] = {
	    {bom, "", bom, ""},	     {"subject=CN = a test\n", "# end\n", "", "# end\n"},
	    {"", plain.key, "", ""}, {"", "", plain.chain, ""},
	    {"", "", curve, ""},
	};
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
		snprintf(files.chain, sizeof(files.chain), "%s%s%s", around[i][0], plain.chain,
			 around[i][1]);
		snprintf(files.key, sizeof(files.key), "%s%s%s", around[i][2], plain.key,
			 around[i][3]);
		install(*state, &files, text, sizeof(text));
		assert_string_equal(text, expected);
	}
}

static void a_chain_of_which_a_part_cannot_be_read_is_refused(void **state)
{
	struct files files;
	char live[512], text[16384], another[4096];

	put(*state, "one", "example.com", true);
	snprintf(live, sizeof(live), "%s/live/one", (char *)*state);
	read_text(live, "fullchain.pem", another, sizeof(another));
	read_text(live, "privkey.pem", files.key, sizeof(files.key));
	snprintf(files.chain, sizeof(files.chain), "%s%s", another, another);
	install(*state, &files, text, sizeof(text));
	assert_contains(text, files.chain);
	for (size_t at = 40; at < strlen(another) - 40; at += 60) {
		char kept = another[at];
		another[at] = '!';
		snprintf(files.chain + strlen(another), sizeof(files.chain) - strlen(another), "%s",
			 another);
		another[at] = kept;
		install(*state, &files, text, sizeof(text));
		assert_contains(text, "a certificate of the chain cannot be read");
	}
}

/* Signed with `digest` by an authority of its own. */
static void sign_weakly(struct files *files, EVP_PKEY *key, const EVP_MD *digest)
{
	EVP_PKEY *authority = make_key();
	X509 *x509 = make_x509(key);
	X509_NAME *issuer = X509_NAME_new();
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_name(names, "example.com", strlen("example.com"));
	set_names(x509, names);
	X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC,
				   (const unsigned char *)"an authority", -1, -1, 0);
	X509_set_issuer_name(x509, issuer);
	X509_NAME_free(issuer);
	assert_true(X509_sign(x509, authority, digest) > 0);
	char *chain = x509_to_pem(x509), *secret = key_to_pem(key, NULL);
	snprintf(files->chain, sizeof(files->chain), "%s", chain);
	snprintf(files->key, sizeof(files->key), "%s", secret);
	free(chain);
	free(secret);
	X509_free(x509);
	EVP_PKEY_free(authority);
	EVP_PKEY_free(key);
}

/* HAProxy refuses all of its configuration for one certificate that is too weak. */
static void what_is_too_weak_is_refused(void **state)
{
	struct files files;
	char text[16384];

	put(*state, "one", "example.com", true);
	sign_weakly(&files, make_key(), EVP_sha256());
	install(*state, &files, text, sizeof(text));
	assert_contains(text, files.key);
	sign_weakly(&files, EVP_RSA_gen(1024), EVP_sha256());
	install(*state, &files, text, sizeof(text));
	assert_contains(text, "a key in the chain has 80 bits of security");
	sign_weakly(&files, EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), EVP_sha256());
	install(*state, &files, text, sizeof(text));
	assert_contains(text, "the certificate's key is of no kind that TLS knows");
	sign_weakly(&files, make_key(), EVP_sha1());
	install(*state, &files, text, sizeof(text));
	assert_contains(text, "a certificate of the chain is signed with too weak a digest");
	snprintf(text, sizeof(text), "%s", files.chain);
	sign_weakly(&files, make_key(), EVP_sha256());
	snprintf(files.chain + strlen(files.chain), sizeof(files.chain) - strlen(files.chain), "%s",
		 text);
	install(*state, &files, text, sizeof(text));
	assert_contains(text, "a certificate of the chain is signed with too weak a digest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_fit_pair_is_installed),
	    scratch_test(an_unfit_pair_is_refused_and_the_old_one_kept),
	    scratch_test(one_that_has_expired_is_served_where_there_is_no_better_one),
	    scratch_test(what_was_refused_is_not_installed_until_it_changes),
	    scratch_test(what_is_served_is_taken_back),
	    scratch_test(what_is_no_certificate_and_no_key_is_left_out),
	    scratch_test(a_chain_of_which_a_part_cannot_be_read_is_refused),
	    scratch_test(what_is_too_weak_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
