#include "test/unit/common/unit.h"

#include "common/buffer.h"
#include "evidence/source_files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* ---- what goes in */

enum { PEM_MAX = 8192 };

static char certificate_pem[PEM_MAX];
static char key_pem[PEM_MAX];

static void take_text(BIO *bio, char out[PEM_MAX])
{
	int length = BIO_read(bio, out, PEM_MAX - 1);

	assert_in_range(length, 1, PEM_MAX - 2);
	out[length] = '\0';
	BIO_free(bio);
}

static int make_certificate(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	take_text(bio, certificate_pem);
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	take_text(bio, key_pem);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return 0;
}

typedef int read_source(const char *path, struct buffer *text, struct error *err);

/* Runs `input` on a file with that content. */
static int run(void **state, read_source *input, const char *content, size_t length,
	       struct error *err)
{
	AUTO_FREE char *path = file_join(*state, "input");
	struct buffer text;

	assert_int_equal(file_write(path, 0600, content, length, err), 0);
	buffer_init(&text, 1024 * 1024);
	int result = input(path, &text, err);
	if (result == 0) {
		assert_int_equal(text.length, length);
		assert_memory_equal(buffer_text(&text), content, length);
	}
	buffer_free(&text);
	return result;
}

static void assert_accepted(void **state, read_source *input, const char *content)
{
	struct error err = ERROR_INIT;

	if (run(state, input, content, strlen(content), &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_refused(void **state, read_source *input, const char *content,
			   const char *part_of_sentence)
{
	struct error err = ERROR_INIT;

	assert_int_equal(run(state, input, content, strlen(content), &err), -1);
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, part_of_sentence);
}

/* ---- accounts */

static void an_account_is_copied(void **state)
{
	assert_accepted(state, source_read_account,
			"{\"body\": {}, \"uri\": \"https://ca.example/acct/1\"}");
	/* certbot once kept the public key there: kty, n and e are for everybody */
	assert_accepted(state, source_read_account,
			"{\"body\": {\"key\": {\"kty\": \"RSA\", \"n\": \"AQ\", \"e\": \"AQAB\"}, "
			"\"contact\": [\"mailto:a@example.com\"], \"status\": \"valid\"}}\n");
}

static void a_private_key_is_no_account(void **state)
{
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	char text[256];

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		snprintf(text, sizeof(text), "{\"kty\": \"RSA\", \"%s\": \"SECRET\"}", members[i]);
		assert_refused(state, source_read_account, text, "part of a private key");
		snprintf(text, sizeof(text), "{\"a\": [1, {\"b\": {\"%s\": 0}}]}", members[i]);
		assert_refused(state, source_read_account, text, "part of a private key");
	}
	assert_refused(state, source_read_account, key_pem, "it holds a private key in PEM");
	assert_refused(state, source_read_account,
		       "{\"a\": \"-----BEGIN EC PRIVATE\\u0020KEY-----\\nSECRET\"}",
		       "it holds a private key in PEM");
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const texts[] = {
	    "", "null", "[]", "\"text\"", "{\"a\"", "{} trail", "{\"a\":1,\"a\":2}", "<html>"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(state, source_read_account, texts[i], "not a JSON object");
}

/* A truncated private_key.json is no JSON, but a key all the same. */
static void messages_never_quote_the_account(void **state)
{
	static const char *const texts[] = {"{\"d\": \"SECRET", "{\"d\": \"SECRET\"}", "SECRET",
					    "{\"SECRET\": 1, \"SECRET\": 2}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = ERROR_INIT;
		assert_int_equal(run(state, source_read_account, texts[i], strlen(texts[i]), &err),
				 -1);
		assert_lacks(err.text, "SECRET");
	}
}

static void an_account_has_a_maximum(void **state)
{
	AUTO_FREE char *text = malloc(ACCOUNT_MAX + 2);
	struct error err = ERROR_INIT;

	assert_non_null(text);
	memset(text, ' ', ACCOUNT_MAX + 1);
	memcpy(text, "{}", 2);
	assert_int_equal(run(state, source_read_account, text, ACCOUNT_MAX, &err), 0);
	assert_int_equal(run(state, source_read_account, text, ACCOUNT_MAX + 1, &err), -1);
	assert_contains(err.text, "larger than 65536 bytes");
}

static void a_missing_file_is_named(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer text;

	(void)state;
	buffer_init(&text, 100);
	assert_int_equal(source_read_account("/nonexistent/regr.json", &text, &err), -1);
	assert_contains(err.text, "/nonexistent/regr.json");
	assert_int_equal(source_read_chain("/nonexistent/fullchain.pem", &text, &err), -1);
	assert_contains(err.text, "/nonexistent/fullchain.pem");
	buffer_free(&text);
}

/* ---- chains */

static void a_chain_is_copied(void **state)
{
	char text[3 * PEM_MAX];

	assert_accepted(state, source_read_chain, certificate_pem);
	snprintf(text, sizeof(text), "%s\n%s\r\n\t\n", certificate_pem, certificate_pem);
	assert_accepted(state, source_read_chain, text);
}

static void a_key_in_a_chain_is_refused(void **state)
{
	char text[3 * PEM_MAX];

	assert_refused(state, source_read_chain, key_pem, "holds a private key");
	snprintf(text, sizeof(text), "%s%s", certificate_pem, key_pem);
	assert_refused(state, source_read_chain, text, "holds a private key");
	snprintf(text, sizeof(text), "%s%s%s", certificate_pem, key_pem, certificate_pem);
	assert_refused(state, source_read_chain, text, "holds a private key");
}

static void only_certificates_get_through(void **state)
{
	static const char *const extras[] = {
	    "a comment",
	    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
	    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----",
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
	    "-----BEGIN CERTIFICATE-----",
	};
	char text[3 * PEM_MAX];

	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		snprintf(text, sizeof(text), "%s\n%s", extras[i], certificate_pem);
		assert_refused(state, source_read_chain, text, "will not be published");
		snprintf(text, sizeof(text), "%s%s\n", certificate_pem, extras[i]);
		assert_refused(state, source_read_chain, text, "will not be published");
		assert_refused(state, source_read_chain, extras[i], "no certificate in it");
	}
	assert_refused(state, source_read_chain, "", "no certificate in it");
}

/* Behind the DER, where a decoder that stops at the certificate's end does not look. */
static void bytes_behind_a_certificate_in_its_block_are_refused(void **state)
{
	unsigned char *der = NULL;
	char *text = NULL;
	BIO *in = BIO_new_mem_buf(certificate_pem, -1);
	BIO *out = BIO_new(BIO_s_mem());
	X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
	int length = i2d_X509(certificate, &der);
	struct error err = ERROR_INIT;

	assert_true(length > 0);
	der = OPENSSL_realloc(der, (size_t)length + 32);
	memset(der + length, 'K', 32);
	assert_true(PEM_write_bio(out, "CERTIFICATE", "", der, length + 32) > 0);
	size_t text_length = (size_t)BIO_get_mem_data(out, &text);
	assert_int_equal(run(state, source_read_chain, text, text_length, &err), -1);
	assert_contains(err.text, "will not be published");
	OPENSSL_free(der);
	X509_free(certificate);
	BIO_free(in);
	BIO_free(out);
}

static void a_nul_hides_nothing(void **state)
{
	char text[3 * PEM_MAX];
	struct error err = ERROR_INIT;
	size_t length = strlen(certificate_pem);

	memcpy(text, certificate_pem, length);
	text[length] = '\0';
	memcpy(text + length + 1, key_pem, strlen(key_pem));
	length += 1 + strlen(key_pem);
	assert_int_equal(run(state, source_read_chain, text, length, &err), -1);
	assert_contains(err.text, "will not be published");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(an_account_is_copied),
	    scratch_test(a_private_key_is_no_account),
	    scratch_test(what_is_no_object_is_refused),
	    scratch_test(messages_never_quote_the_account),
	    scratch_test(an_account_has_a_maximum),
	    scratch_test(a_missing_file_is_named),
	    scratch_test(a_chain_is_copied),
	    scratch_test(a_key_in_a_chain_is_refused),
	    scratch_test(only_certificates_get_through),
	    scratch_test(bytes_behind_a_certificate_in_its_block_are_refused),
	    scratch_test(a_nul_hides_nothing),
	};

	return cmocka_run_group_tests(tests, make_certificate, NULL);
}
