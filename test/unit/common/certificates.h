/* Keys and certificates made when the test runs: none is committed, none can expire. */
#ifndef TEST_UNIT_COMMON_CERTIFICATES_H
#define TEST_UNIT_COMMON_CERTIFICATES_H

#include "unit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

/* PEM as OpenSSL wrote it to a memory BIO; the caller frees. */
static inline char *take_pem(BIO *bio)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);
	char *pem = strndup(data, (size_t)length);

	assert_non_null(pem);
	BIO_free(bio);
	return pem;
}

static inline char *key_to_pem(EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = passphrase == NULL ? NULL : EVP_aes_128_cbc();
	int length = passphrase == NULL ? 0 : (int)strlen(passphrase);

	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, length, NULL, NULL), 1);
	return take_pem(bio);
}

static inline char *x509_to_pem(X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	return take_pem(bio);
}

/* A self-signed certificate, valid for an hour, without names and with serial 1: to be
 * changed, then given to sign(). */
static inline X509 *make_x509(EVP_PKEY *key)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), -60);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"a test", -1,
				   -1, 0);
	X509_set_issuer_name(x509, name);
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	return x509;
}

static inline void add_name(GENERAL_NAMES *names, const char *name, size_t length)
{
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();
	GENERAL_NAME *general = GENERAL_NAME_new();

	assert_int_equal(ASN1_STRING_set(string, name, (int)length), 1);
	GENERAL_NAME_set0_value(general, GEN_DNS, string);
	sk_GENERAL_NAME_push(names, general);
}

static inline void add_address(GENERAL_NAMES *names)
{
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	GENERAL_NAME *general = GENERAL_NAME_new();

	assert_int_equal(ASN1_STRING_set(octets, "\x7f\0\0\1", 4), 1);
	GENERAL_NAME_set0_value(general, GEN_IPADD, octets);
	sk_GENERAL_NAME_push(names, general);
}

/* Takes `names`. */
static inline void set_names(X509 *x509, GENERAL_NAMES *names)
{
	assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

/* Signs, and gives the PEM; frees `x509`. */
static inline char *sign(X509 *x509, EVP_PKEY *key)
{
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	char *pem = x509_to_pem(x509);
	X509_free(x509);
	return pem;
}

/* A self-signed certificate for the names, NULL at the end. */
static inline char *make_certificate(EVP_PKEY *key, const char *const *names)
{
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *general = GENERAL_NAMES_new();

	for (; *names != NULL; names++)
		add_name(general, *names, strlen(*names));
	set_names(x509, general);
	return sign(x509, key);
}

#endif
