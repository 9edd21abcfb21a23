/* Accounts on a volume: which is used, which is passed over, and how one comes there. */
#include "test/unit/common/scratch_files.h"
#include "test/unit/common/stderr.h"

#include "supervisor/store/account_key.h"
#include "supervisor/store/certificate_store.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <time.h>

static const char SERVER[] = "https://ca.test:14000/dir";
static const char PLACE[] = "accounts/ca.test:14000/dir";

/* ---- keys as certbot writes them */

static void put_base64(const unsigned char *bytes, int length, char *out)
{
	int written = EVP_EncodeBlock((unsigned char *)out, bytes, length);

	for (int i = 0; i < written; i++)
		out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
	while (written > 0 && out[written - 1] == '=')
		out[--written] = '\0';
}

static int add_number(char *text, size_t size, EVP_PKEY *key, const char *parameter,
		      const char *name, int width)
{
	unsigned char bytes[512];
	char base64[700];
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
	int length = width > 0 ? BN_bn2binpad(number, bytes, width) : BN_bn2bin(number, bytes);
	BN_free(number);
	put_base64(bytes, length, base64);
	return snprintf(text, size, ", \"%s\": \"%s\"", name, base64);
}

static const char *rsa_jwk(void)
{
	static const char *const parameters[][2] = {
	    {OSSL_PKEY_PARAM_RSA_N, "n"},	   {OSSL_PKEY_PARAM_RSA_E, "e"},
	    {OSSL_PKEY_PARAM_RSA_D, "d"},	   {OSSL_PKEY_PARAM_RSA_FACTOR1, "p"},
	    {OSSL_PKEY_PARAM_RSA_FACTOR2, "q"},	   {OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp"},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq"}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi"},
	};
	static char text[8192];

	if (text[0] != '\0')
		return text;
	EVP_PKEY *key = EVP_RSA_gen(2048);
	size_t used = (size_t)snprintf(text, sizeof(text), "{\"kty\": \"RSA\"");
	for (size_t i = 0; i < 8; i++)
		used += (size_t)add_number(text + used, sizeof(text) - used, key, parameters[i][0],
					   parameters[i][1], 0);
	snprintf(text + used, sizeof(text) - used, "}");
	EVP_PKEY_free(key);
	return text;
}

static const char *ec_jwk(void)
{
	static char text[1024];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	size_t used = (size_t)snprintf(text, sizeof(text), "{\"kty\": \"EC\", \"crv\": \"P-256\"");

	used += (size_t)add_number(text + used, sizeof(text) - used, key, OSSL_PKEY_PARAM_EC_PUB_X,
				   "x", 32);
	used += (size_t)add_number(text + used, sizeof(text) - used, key, OSSL_PKEY_PARAM_EC_PUB_Y,
				   "y", 32);
	used += (size_t)add_number(text + used, sizeof(text) - used, key, OSSL_PKEY_PARAM_PRIV_KEY,
				   "d", 32);
	snprintf(text + used, sizeof(text) - used, "}");
	EVP_PKEY_free(key);
	return text;
}

static int check(const char *scratch, const char *text, struct error *err)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/private_key.json", scratch);
	put(path, text);
	return account_key_check(path, err);
}

static void keys_that_certbot_can_use_are_found_good(void **state)
{
	struct error err = ERROR_INIT;

	if (check(*state, rsa_jwk(), &err) != 0 || check(*state, ec_jwk(), &err) != 0)
		fail_msg("%s", err.text);
}

static void a_broken_key_is_told_without_a_word_of_it(void **state)
{
	char spoiled[8192];
	struct error err = ERROR_INIT;

	assert_int_equal(check(*state, "", &err), -1);
	assert_contains(err.text, "is empty");
	assert_int_equal(check(*state, "{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}", &err), -1);
	assert_contains(err.text, "neither RSA nor EC");
	assert_lacks(err.text, "c2VjcmV0");
	snprintf(spoiled, sizeof(spoiled), "%.*s", (int)strlen(rsa_jwk()) / 2, rsa_jwk());
	assert_int_equal(check(*state, spoiled, &err), -1);
	/* One digit of each number, and each number as a whole. */
	static const char *const names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
	for (size_t i = 0; i < 8; i++) {
		char member[16];
		snprintf(member, sizeof(member), "\"%s\": \"", names[i]);
		snprintf(spoiled, sizeof(spoiled), "%s", rsa_jwk());
		char *at = strstr(spoiled, member) + strlen(member) + 2;
		*at = *at == 'A' ? 'B' : 'A';
		assert_int_equal(check(*state, spoiled, &err), -1);
		snprintf(spoiled, sizeof(spoiled), "%s", rsa_jwk());
		strstr(spoiled, member)[1] = 'z';
		assert_int_equal(check(*state, spoiled, &err), -1);
	}
	snprintf(spoiled, sizeof(spoiled), "%s", ec_jwk());
	char *at = strstr(spoiled, "\"x\": \"") + 8;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(check(*state, spoiled, &err), -1);
	assert_contains(err.text, "do not make a key on P-256");
}

/* ---- accounts */

static void put_in(const char *volume, const char *id, const char *file, const char *text)
{
	char folder[512], path[600];
	struct error err = ERROR_INIT;

	snprintf(folder, sizeof(folder), "%s/%s/%s", volume, PLACE, id);
	assert_int_equal(file_make_dirs(folder, 0700, &err), 0);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	put(path, text);
}

/* Registered `age` seconds ago. */
static void put_account(const char *volume, const char *id, long age)
{
	char text[256], path[600];
	const struct timespec times[2] = {{.tv_sec = time(NULL) - age},
					  {.tv_sec = time(NULL) - age}};

	put_in(volume, id, "private_key.json", rsa_jwk());
	put_in(volume, id, "meta.json",
	       "{\"creation_dt\": \"2026-11-01T00:00:00Z\", \"creation_host\": \"here\"}");
	snprintf(text, sizeof(text), "{\"body\": {}, \"uri\": \"https://ca.test/acct/%s\"}", id);
	put_in(volume, id, "regr.json", text);
	snprintf(path, sizeof(path), "%s/%s/%s/regr.json", volume, PLACE, id);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The id of the account in use, "" for none. */
static const char *used(struct certificate_store *store)
{
	const struct acme_account *account;
	struct error err = ERROR_INIT;
	int rc = store_account(store, &account, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	return rc == 0 ? "" : account->id;
}

static struct certificate_store *open_store(const char *volume)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(volume, SERVER, &err);

	assert_non_null(store);
	return store;
}

static void of_several_the_latest_that_is_whole_is_used(void **state)
{
	static const struct {
		const char *file, *text;
	} spoil[] = {{"private_key.json", ""},	   {"regr.json", ""},
		     {"private_key.json", "{}"},   {"regr.json", "{\"body\": {}}"},
		     {"private_key.json", "[1,2"}, {"regr.json", "{\"uri\": \"no uri\"}"}};
	struct certificate_store *store = open_store(*state);
	char path[512];

	assert_string_equal(used(store), "");
	put_account(*state, "older", 1000);
	assert_string_equal(used(store), "older");
	snprintf(path, sizeof(path), "%s/%s/file", (char *)*state, PLACE);
	put(path, "");
	assert_string_equal(used(store), "older");
	for (size_t i = 0; i < sizeof(spoil) / sizeof(*spoil); i++) {
		put_account(*state, "newer", 10);
		assert_string_equal(used(store), "newer");
		put_in(*state, "newer", spoil[i].file, spoil[i].text);
		assert_string_equal(used(store), "older");
	}
	store_close(store);
}

static void what_is_wrong_with_an_account_is_told_once(void **state)
{
	struct certificate_store *store = open_store(*state);

	put_account(*state, "good", 1000);
	put_account(*state, "bad", 10);
	put_in(*state, "bad", "private_key.json", "");
	put_in(*state, "good", "meta.json", "");
	assert_int_equal(catch_stderr(state), 0);
	used(store);
	char first[4096];
	snprintf(first, sizeof(first), "%.4000s", written());
	for (int i = 0; i < 3; i++)
		used(store);
	bool is_told_again = written()[0] != '\0';
	assert_int_equal(release_stderr(state), 0);
	assert_contains(first, "ACME account bad is passed over");
	assert_contains(first, "private_key.json is empty");
	assert_contains(first, "ACME account good is used, but its meta.json is broken");
	assert_false(is_told_again);
	store_close(store);
}

/* ---- to certbot and back */

static void an_account_is_lent_with_nothing_beside_it(void **state)
{
	struct certificate_store *store = open_store(*state);
	struct error err = ERROR_INIT;
	char room[512], path[600];

	put_account(*state, "one", 10);
	put_in(*state, "one", "meta.json", "");
	used(store);
	snprintf(room, sizeof(room), "%s/room", (char *)*state);
	assert_int_equal(store_lend_account(store, "one", room, &err), 0);
	snprintf(path, sizeof(path), "%s/%s/one/private_key.json", room, PLACE);
	assert_content(path, rsa_jwk());
	assert_int_equal(mode_of(path), 0400);
	snprintf(path, sizeof(path), "%s/%s/one/regr.json", room, PLACE);
	assert_content(path, "{\"body\":{},\"uri\":\"https://ca.test/acct/one\"}");
	snprintf(path, sizeof(path), "%s/%s/one", room, PLACE);
	assert_int_equal(count_entries(path), 3);
	assert_int_equal(store_lend_account(store, "other", room, &err), -1);
	store_close(store);
}

static void a_new_account_comes_onto_the_volume(void **state)
{
	struct certificate_store *store = open_store(*state);
	struct error err = ERROR_INIT;
	char room[512], path[600];

	assert_string_equal(used(store), "");
	snprintf(room, sizeof(room), "%s/room", (char *)*state);
	put_account(room, "made", 0);
	if (store_commit_account(store, room, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(used(store), "made");
	snprintf(path, sizeof(path), "%s/%s/made/private_key.json", (char *)*state, PLACE);
	assert_int_equal(mode_of(path), 0400);
	snprintf(path, sizeof(path), "%s/%s", (char *)*state, PLACE);
	assert_int_equal(mode_of(path), 0700);
	put_account(room, "second", 0);
	assert_int_equal(store_commit_account(store, room, &err), -1);
	store_close(store);
}

static void a_lost_account_is_not_used_again_and_not_two_of_them_in_an_hour(void **state)
{
	struct certificate_store *store = open_store(*state);
	struct error err = ERROR_INIT;

	put_account(*state, "older", 1000);
	put_account(*state, "newer", 10);
	assert_string_equal(used(store), "newer");
	if (store_account_is_lost(store, "newer", &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(used(store), "older");
	store_close(store);
	store = open_store(*state);
	assert_string_equal(used(store), "older");
	assert_int_equal(store_account_is_lost(store, "older", &err), -1);
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_string_equal(used(store), "older");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(keys_that_certbot_can_use_are_found_good),
	    scratch_test(a_broken_key_is_told_without_a_word_of_it),
	    scratch_test(of_several_the_latest_that_is_whole_is_used),
	    scratch_test(what_is_wrong_with_an_account_is_told_once),
	    scratch_test(an_account_is_lent_with_nothing_beside_it),
	    scratch_test(a_new_account_comes_onto_the_volume),
	    scratch_test(a_lost_account_is_not_used_again_and_not_two_of_them_in_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
