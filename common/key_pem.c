#include "common/key_pem.h"

#include "common/certificate.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <string.h>

enum { LATEST_MAX = 1024 }; /* an RSA key of 4096 bits has 550 bytes */

/* Each takes what comes first; made when it is first needed, and kept. */
static OSSL_DECODER_CTX *private_decoder, *public_decoder;
static EVP_PKEY *decoded; /* where both put what they have read */

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

#define AUTO_BIO __attribute__((cleanup(free_bio)))

int key_error(struct error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return error_set(err, EXIT_FAILED, "%s (OpenSSL: %s)", what,
			 reason == NULL ? "no reason given" : reason);
}

/* In place of OpenSSL's own, which would ask on the terminal. */
static int note_password(char *password, int size, int writing, void *asked)
{
	(void)password;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

BIO *key_open_pem(const char *pem, size_t length, const char *what, struct error *err)
{
	if (length > CERTIFICATE_PEM_MAX) {
		error_set(err, EXIT_FAILED, "the %s is larger than %d bytes", what,
			  CERTIFICATE_PEM_MAX);
		return NULL;
	}
	if (length == 0) { /* as a power cut leaves a file; OpenSSL makes no buffer of it */
		error_set(err, EXIT_FAILED, "the %s is empty", what);
		return NULL;
	}
	BIO *bio = BIO_new_mem_buf(pem, (int)length);
	if (bio == NULL) {
		ERR_clear_error();
		error_no_memory(err);
	}
	return bio;
}

/* ---- private keys */

static EVP_PKEY *decode_private(BIO *bio, bool *asked)
{
	if (private_decoder == NULL)
		private_decoder = OSSL_DECODER_CTX_new_for_pkey(&decoded, "PEM", NULL, NULL,
								EVP_PKEY_KEYPAIR, NULL, NULL);
	decoded = NULL;
	if (private_decoder != NULL &&
	    OSSL_DECODER_CTX_set_pem_password_cb(private_decoder, note_password, asked) == 1)
		OSSL_DECODER_from_bio(private_decoder, bio);
	ERR_clear_error();
	return decoded;
}

EVP_PKEY *key_read_private(const char *pem, size_t length, struct error *err)
{
	AUTO_BIO BIO *bio = key_open_pem(pem, length, "private key", err);
	bool asked = false;

	if (bio == NULL)
		return NULL;
	EVP_PKEY *key = decode_private(bio, &asked);
	/* OpenSSL's own way knows some more: blocks before the key, keys of engines. */
	if (key == NULL && !asked && BIO_reset(bio) >= 0)
		key = PEM_read_bio_PrivateKey(bio, NULL, note_password, &asked);
	if (key != NULL)
		return key;
	if (asked) {
		ERR_clear_error();
		error_set(err, EXIT_FAILED,
			  "the private key is encrypted; only a key without a "
			  "passphrase can be used");
	} else {
		key_error(err, "there is no private key in PEM form");
	}
	return NULL;
}

/* ---- certificates */

/* One that can decode no key, so that a certificate's is not decoded as soon as it is read. */
static OSSL_LIB_CTX *library_without_keys(void)
{
	static OSSL_LIB_CTX *library;

	if (library == NULL) {
		library = OSSL_LIB_CTX_new();
		if (library != NULL && OSSL_PROVIDER_load(library, "null") == NULL) {
			OSSL_LIB_CTX_free(library);
			library = NULL;
		}
	}
	return library; /* NULL is OpenSSL's usual one, which is slow */
}

X509 *key_next_certificate(BIO *bio)
{
	bool asked = false;
	X509 *empty = X509_new_ex(library_without_keys(), NULL);
	X509 *certificate =
	    empty == NULL ? NULL : PEM_read_bio_X509(bio, &empty, note_password, &asked);

	if (certificate == NULL)
		X509_free(empty); /* NULL, where reading it has freed it */
	return certificate;
}

X509 *key_read_certificate(const char *pem, size_t length, struct error *err)
{
	AUTO_BIO BIO *bio = key_open_pem(pem, length, "certificate", err);

	if (bio == NULL)
		return NULL;
	X509 *certificate = key_next_certificate(bio);
	if (certificate == NULL)
		key_error(err, "there is no certificate in PEM form");
	return certificate;
}

/* A certificate's key is asked for several times in a row. */
static struct {
	unsigned char der[LATEST_MAX];
	size_t length;
	EVP_PKEY *key; /* NULL: none yet */
} latest;

static bool is_latest(const unsigned char *der, size_t length)
{
	return latest.key != NULL && length == latest.length &&
	       memcmp(der, latest.der, length) == 0 && EVP_PKEY_up_ref(latest.key) == 1;
}

static void keep_latest(const unsigned char *der, size_t length, EVP_PKEY *key)
{
	if (key == NULL || length > sizeof(latest.der) || EVP_PKEY_up_ref(key) != 1)
		return;
	EVP_PKEY_free(latest.key);
	latest.key = key;
	memcpy(latest.der, der, length);
	latest.length = length;
}

static EVP_PKEY *decode_public(const unsigned char *der, size_t length)
{
	if (public_decoder == NULL)
		public_decoder = OSSL_DECODER_CTX_new_for_pkey(
		    &decoded, "DER", "SubjectPublicKeyInfo", NULL, EVP_PKEY_PUBLIC_KEY, NULL, NULL);
	decoded = NULL;
	if (public_decoder != NULL)
		OSSL_DECODER_from_data(public_decoder, &der, &length);
	return decoded;
}

EVP_PKEY *key_of_certificate(X509 *certificate, struct error *err)
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	EVP_PKEY *key = NULL;

	if (length > 0 && is_latest(der, (size_t)length)) {
		key = latest.key;
	} else if (length > 0) {
		key = decode_public(der, (size_t)length);
		keep_latest(der, (size_t)length, key);
	}
	OPENSSL_free(der);
	if (key == NULL)
		key_error(err, "the certificate's public key cannot be read");
	return key;
}
