#include "certificates.h"

#include "common/certificate.h"
#include "common/spawn.h"

#include <sys/wait.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static EVP_PKEY *key;

static int make_common_key(void **state)
{
	(void)state;
	key = make_key();
	return 0;
}

static int free_common_key(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static struct certificate *parse(const char *pem)
{
	struct error err = ERROR_INIT;
	struct certificate *certificate = certificate_parse(pem, strlen(pem), &err);

	if (certificate == NULL)
		fail_msg("%s", err.text);
	return certificate;
}

static void assert_refused(const char *pem, size_t length, const char *why)
{
	struct error err = ERROR_INIT;

	assert_null(certificate_parse(pem, length, &err));
	assert_contains(err.text, why);
}

/* ---- names */

static void names_are_lower_case_sorted_and_unique(void **state)
{
	AUTO_FREE char *pem = make_certificate(
	    key, NAMES("www.example.com", "Example.COM", "*.example.com", "example.com"));
	struct certificate *certificate = parse(pem);

	(void)state;
	assert_int_equal(certificate->name_count, 3);
	assert_string_equal(certificate->names[0], "*.example.com");
	assert_string_equal(certificate->names[1], "example.com");
	assert_string_equal(certificate->names[2], "www.example.com");
	assert_false(certificate->has_other_names);
	certificate_free(certificate);
	certificate_free(NULL);
}

static void exactly_for_means_this_name_alone(void **state)
{
	AUTO_FREE char *one = make_certificate(key, NAMES("a.example", "A.example"));
	AUTO_FREE char *two = make_certificate(key, NAMES("a.example", "b.example"));
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	(void)state;
	add_name(names, "a.example", 9);
	add_address(names);
	set_names(x509, names);
	AUTO_FREE char *with_address = sign(x509, key);
	AUTO_FREE char *without = sign(make_x509(key), key);

	struct certificate *certificate = parse(one);
	assert_true(certificate_is_exactly_for(certificate, "a.example"));
	assert_false(certificate_is_exactly_for(certificate, "b.example"));
	certificate_free(certificate);
	certificate = parse(two);
	assert_false(certificate_is_exactly_for(certificate, "a.example"));
	certificate_free(certificate);
	certificate = parse(with_address);
	assert_int_equal(certificate->name_count, 1);
	assert_true(certificate->has_other_names);
	assert_false(certificate_is_exactly_for(certificate, "a.example"));
	certificate_free(certificate);
	certificate = parse(without);
	assert_int_equal(certificate->name_count, 0);
	assert_false(certificate_is_exactly_for(certificate, "a test"));
	certificate_free(certificate);
}

static void assert_name_refused(const char *name, size_t length, const char *why)
{
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_name(names, "good.example", 12);
	add_name(names, name, length);
	set_names(x509, names);
	AUTO_FREE char *pem = sign(x509, key);
	assert_refused(pem, strlen(pem), why);
}

static void names_that_read_differently_elsewhere_are_refused(void **state)
{
	char longer[300];

	(void)state;
	assert_name_refused("bank.example\0.evil.example", 26, "the byte 0x00");
	assert_name_refused("a b.example", 11, "the byte 0x20");
	assert_name_refused("a\n.example", 10, "the byte 0x0a");
	assert_name_refused("\xc3\xa9.example", 10, "the byte 0xc3");
	assert_name_refused("", 0, "a name of 0 bytes");
	memset(longer, 'a', sizeof(longer));
	assert_name_refused(longer, 254, "a name of 254 bytes");
}

static void the_number_of_names_is_bounded(void **state)
{
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	(void)state;
	for (int i = 0; i < 1001; i++)
		add_name(names, "a.example", 9);
	set_names(x509, names);
	AUTO_FREE char *pem = sign(x509, key);
	assert_refused(pem, strlen(pem), "has 1001 names (at most 1000)");
}

/* ---- serial and validity */

/* What the program says, "serial=" taken off. */
static void serial_by_openssl(const char *path, char *serial, size_t size)
{
	const char *const argv[] = {"openssl", "x509", "-noout", "-serial", "-in", path, NULL};
	struct spawn spec = SPAWN_INIT;
	struct error err = ERROR_INIT;
	struct buffer output;
	int status = -1;

	spec.argv = argv;
	buffer_init(&output, 1000);
	if (spawn_run(&spec, 20000, &output, &status, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(status, 0);
	assert_memory_equal(buffer_text(&output), "serial=", 7);
	snprintf(serial, size, "%.*s", (int)strcspn(buffer_text(&output) + 7, "\n"),
		 buffer_text(&output) + 7);
	buffer_free(&output);
}

static void serials_are_as_openssl_shows_them(void **state)
{
	static const char *const serials[] = {
	    "0", "1", "0A", "80", "FF00", "-7F", "03E7B2C84D5A6F1099FFEEDDCCBBAA0102030405",
	    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
	    /* 31 bytes, more than any CA may have */
	    "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"};
	AUTO_FREE char *path = file_join(*state, "cert.pem");
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++) {
		X509 *x509 = make_x509(key);
		BIGNUM *number = NULL;
		char shown[128];

		assert_true(BN_hex2bn(&number, serials[i]) > 0);
		assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)));
		BN_free(number);
		AUTO_FREE char *pem = sign(x509, key);
		assert_int_equal(file_write(path, 0600, pem, strlen(pem), &err), 0);
		serial_by_openssl(path, shown, sizeof(shown));
		struct certificate *certificate = parse(pem);
		assert_string_equal(certificate->serial, shown);
		certificate_free(certificate);
	}
}

static void an_endless_serial_is_refused(void **state)
{
	X509 *x509 = make_x509(key);
	unsigned char bytes[40];

	(void)state;
	memset(bytes, 0x55, sizeof(bytes));
	ASN1_STRING_set(X509_get_serialNumber(x509), bytes, sizeof(bytes));
	AUTO_FREE char *pem = sign(x509, key);
	assert_refused(pem, strlen(pem), "serial number has 40 bytes (at most 31)");
}

static void times_are_utc_whatever_the_zone(void **state)
{
	X509 *x509 = make_x509(key);

	(void)state;
	setenv("TZ", "America/New_York", 1);
	tzset();
	/* UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(x509), "260630120000Z"), 1);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(x509), "20510102030405Z"), 1);
	AUTO_FREE char *pem = sign(x509, key);
	struct certificate *certificate = parse(pem);
	unsetenv("TZ");
	tzset();
	assert_int_equal(certificate->not_before, 1782820800); /* date -u -d ... +%s */
	assert_int_equal(certificate->not_after, 2556241445);
	certificate_free(certificate);
}

/* ---- PEM */

static void the_first_certificate_of_a_chain_counts(void **state)
{
	EVP_PKEY *other = make_key();
	AUTO_FREE char *key_pem = key_to_pem(key, NULL);
	AUTO_FREE char *leaf = make_certificate(key, NAMES("leaf.example"));
	AUTO_FREE char *issuer = make_certificate(other, NAMES("issuer.example"));
	AUTO_FREE char *bundle = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	/* HAProxy's order may have the key in front, and people write comments. */
	assert_true(asprintf(&bundle, "a comment\n%s\n%s%s", key_pem, leaf, issuer) > 0);
	struct certificate *certificate = parse(bundle);
	assert_true(certificate_is_exactly_for(certificate, "leaf.example"));
	certificate_free(certificate);
	assert_int_equal(
	    certificate_check_key(bundle, strlen(bundle), bundle, strlen(bundle), &err), 0);
	EVP_PKEY_free(other);
}

static void what_is_no_certificate_is_refused(void **state)
{
	AUTO_FREE char *key_pem = key_to_pem(key, NULL);
	AUTO_FREE char *pem = make_certificate(key, NAMES("a.example"));
	AUTO_FREE char *large = calloc(1, CERTIFICATE_PEM_MAX + 1);

	(void)state;
	assert_refused("", 0, "the certificate is empty");
	assert_refused(NULL, 0, "the certificate is empty");
	assert_refused("garbage", 7, "no certificate in PEM form");
	assert_refused(key_pem, strlen(key_pem), "no certificate in PEM form");
	assert_refused(pem, strlen(pem) - 40, "no certificate in PEM form");
	pem[60] = pem[60] == 'A' ? 'B' : 'A';
	pem[40] = '!';
	assert_refused(pem, strlen(pem), "no certificate in PEM form");
	assert_refused(large, CERTIFICATE_PEM_MAX + 1, "larger than 262144 bytes");
	assert_int_equal(ERR_peek_error(), 0);
}

/* ---- keys */

static int check_key(const char *chain, const char *key_pem, struct error *err)
{
	*err = (struct error)ERROR_INIT;
	return certificate_check_key(chain, strlen(chain), key_pem, strlen(key_pem), err);
}

static void a_key_fits_its_own_certificate_only(void **state)
{
	EVP_PKEY *other = make_key();
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	AUTO_FREE char *chain = make_certificate(key, NAMES("a.example"));
	AUTO_FREE char *rsa_chain = make_certificate(rsa, NAMES("a.example"));
	AUTO_FREE char *key_pem = key_to_pem(key, NULL);
	AUTO_FREE char *other_pem = key_to_pem(other, NULL);
	AUTO_FREE char *rsa_pem = key_to_pem(rsa, NULL);
	struct error err;

	(void)state;
	assert_int_equal(check_key(chain, key_pem, &err), 0);
	assert_int_equal(check_key(rsa_chain, rsa_pem, &err), 0);
	assert_int_equal(check_key(chain, other_pem, &err), -1);
	assert_contains(err.text, "does not belong to the certificate");
	assert_int_equal(check_key(chain, rsa_pem, &err), -1);
	assert_contains(err.text, "does not belong to the certificate");
	/* A file of 0 bytes, as a power cut leaves it: a buffer without memory. */
	assert_int_equal(certificate_check_key(chain, strlen(chain), NULL, 0, &err), -1);
	assert_string_equal(err.text, "the private key is empty");
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(other);
	EVP_PKEY_free(rsa);
}

static void a_key_that_cannot_be_read_is_named_not_shown(void **state)
{
	AUTO_FREE char *chain = make_certificate(key, NAMES("a.example"));
	AUTO_FREE char *encrypted = key_to_pem(key, "passphrase");
	AUTO_FREE char *cut = key_to_pem(key, NULL);
	struct error err;
	char material[21] = "";

	(void)state;
	assert_int_equal(check_key(chain, encrypted, &err), -1);
	assert_contains(err.text, "the private key is encrypted");
	memcpy(material, strchr(cut, '\n') + 1, 20);
	cut[strlen(cut) / 2] = '\0';
	assert_int_equal(check_key(chain, cut, &err), -1);
	assert_contains(err.text, "no private key in PEM form");
	assert_lacks(err.text, material);
	assert_int_equal(check_key(chain, chain, &err), -1);
	assert_contains(err.text, "no private key in PEM form");
	assert_int_equal(check_key("none", cut, &err), -1);
	assert_contains(err.text, "no certificate in PEM form");
	assert_int_equal(ERR_peek_error(), 0);
}

/* `openssl ecparam -genkey` writes the curve before the key, in the form before PKCS #8. */
static char *key_behind_its_curve(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	static const char curve[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
				    "-----END EC PARAMETERS-----\n";

	assert_int_equal(BIO_puts(bio, curve), sizeof(curve) - 1);
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL),
			 1);
	return take_pem(bio);
}

static char *public_key_alone(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	return take_pem(bio);
}

static void a_key_is_read_whatever_was_read_before(void **state)
{
	AUTO_FREE char *chain = make_certificate(key, NAMES("a.example"));
	AUTO_FREE char *plain = key_to_pem(key, NULL);
	AUTO_FREE char *encrypted = key_to_pem(key, "passphrase");
	AUTO_FREE char *behind = key_behind_its_curve();
	AUTO_FREE char *public = public_key_alone();
	struct error err;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(check_key(chain, behind, &err), 0);
		assert_int_equal(check_key(chain, public, &err), -1);
		assert_contains(err.text, "no private key in PEM form");
		assert_int_equal(check_key(chain, plain, &err), 0);
		assert_int_equal(check_key(chain, encrypted, &err), -1);
		assert_contains(err.text, "the private key is encrypted");
		assert_int_equal(check_key(chain, plain, &err), 0);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_lower_case_sorted_and_unique),
	    cmocka_unit_test(exactly_for_means_this_name_alone),
	    cmocka_unit_test(names_that_read_differently_elsewhere_are_refused),
	    cmocka_unit_test(the_number_of_names_is_bounded),
	    scratch_test(serials_are_as_openssl_shows_them),
	    cmocka_unit_test(an_endless_serial_is_refused),
	    cmocka_unit_test(times_are_utc_whatever_the_zone),
	    cmocka_unit_test(the_first_certificate_of_a_chain_counts),
	    cmocka_unit_test(what_is_no_certificate_is_refused),
	    cmocka_unit_test(a_key_fits_its_own_certificate_only),
	    cmocka_unit_test(a_key_that_cannot_be_read_is_named_not_shown),
	    cmocka_unit_test(a_key_is_read_whatever_was_read_before),
	};

	return cmocka_run_group_tests(tests, make_common_key, free_common_key);
}
