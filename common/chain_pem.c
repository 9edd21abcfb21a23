#include "common/chain_pem.h"

#include "common/key_pem.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SECURITY_BITS = 112, TAIL_MAX = 16 * 1024 };

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

#define AUTO_KEY __attribute__((cleanup(free_key)))
#define AUTO_BIO __attribute__((cleanup(free_bio)))

/* ---- certificates */

/* Of another kind, such as SM2, HAProxy does not start with either. */
static int check_kind(const EVP_PKEY *key, struct error *err)
{
	static const int kinds[] = {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_DSA,
				    EVP_PKEY_EC,  EVP_PKEY_ED25519, EVP_PKEY_ED448};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (EVP_PKEY_get_base_id(key) == kinds[i])
			return 0;
	return error_set(err, EXIT_FAILED, "the certificate's key is of no kind that TLS knows");
}

/* By the security level that OpenSSL has for servers (2): with less HAProxy does not start. */
static int check_strength(X509 *x509, bool is_first, struct error *err)
{
	AUTO_KEY EVP_PKEY *key = key_of_certificate(x509, err);
	int bits = -1;

	if (key == NULL || (is_first && check_kind(key, err) != 0))
		return -1;
	if (EVP_PKEY_get_security_bits(key) < SECURITY_BITS)
		return error_set(err, EXIT_FAILED,
				 "a key in the chain has %d bits of security, and no less than %d "
				 "are accepted",
				 EVP_PKEY_get_security_bits(key), SECURITY_BITS);
	if ((X509_get_extension_flags(x509) & EXFLAG_SS) != 0)
		return 0;
	X509_get_signature_info(x509, NULL, NULL, &bits, NULL);
	ERR_clear_error();
	if (bits < SECURITY_BITS)
		return error_set(err, EXIT_FAILED,
				 "a certificate of the chain is signed with too weak a digest");
	return 0;
}

/* The certificates as OpenSSL writes them, into `out` if there is one. */
static int read_all(const char *pem, size_t length, BIO *out, struct error *err)
{
	AUTO_BIO BIO *in = key_open_pem(pem, length, "certificate", err);
	X509 *x509;

	if (in == NULL)
		return -1;
	while ((x509 = key_next_certificate(in)) != NULL) {
		int rc = check_strength(x509, false, err);
		if (rc == 0 && out != NULL && PEM_write_bio_X509(out, x509) != 1)
			rc = key_error(err, "a certificate of the chain cannot be written");
		X509_free(x509);
		if (rc != 0)
			return -1;
	}
	unsigned long last = ERR_peek_last_error();
	if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return key_error(err, "a certificate of the chain cannot be read");
	ERR_clear_error(); /* that is how the end looks */
	return 0;
}

/* What stands behind the first certificate is the same for thousands: those of the CA. */
static struct {
	char text[TAIL_MAX];
	size_t length;
} good_tail;

int chain_check(const char *pem, size_t length, struct error *err)
{
	AUTO_BIO BIO *in = key_open_pem(pem, length, "certificate", err);
	X509 *first = in == NULL ? NULL : key_next_certificate(in);
	size_t left = in == NULL ? 0 : BIO_pending(in);
	const char *tail = pem + length - left;

	if (first == NULL)
		return in == NULL ? -1 : key_error(err, "there is no certificate in PEM form");
	int rc = check_strength(first, true, err);
	X509_free(first);
	if (rc != 0 || left == 0 ||
	    (left == good_tail.length && memcmp(tail, good_tail.text, left) == 0))
		return rc;
	rc = read_all(tail, left, NULL, err);
	if (rc == 0 && left <= TAIL_MAX) {
		memcpy(good_tail.text, tail, left);
		good_tail.length = left;
	}
	return rc;
}

/* ---- nothing else in the texts */

/* The end of the block that begins at `at` with the label, or NULL. */
static const char *end_of_block(const char *at, const char *label)
{
	char line[64];

	snprintf(line, sizeof(line), "-----BEGIN %s-----", label);
	if (strncmp(at, line, strlen(line)) != 0)
		return NULL;
	at += strlen(line);
	while (isalnum((unsigned char)*at) || isspace((unsigned char)*at) || *at == '+' ||
	       *at == '/' || *at == '=')
		at++;
	snprintf(line, sizeof(line), "-----END %s-----", label);
	if (strncmp(at, line, strlen(line)) != 0)
		return NULL;
	at += strlen(line);
	return at + strspn(at, " \t\r\n");
}

/* How many blocks with one of the labels there are; 0 if there is anything but such. */
static int count_blocks(const struct buffer *pem, const char *const *labels)
{
	const char *at = buffer_text(pem), *end = at + pem->length;
	int count = 0;

	while (at < end) {
		const char *next = NULL;
		for (int i = 0; labels[i] != NULL && next == NULL; i++)
			next = end_of_block(at, labels[i]);
		if (next == NULL)
			return 0;
		at = next;
		count++;
	}
	return count;
}

/* Takes what `bio` holds in place of what the buffer holds. */
static int exchange(struct buffer *text, BIO *bio, struct error *err)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);

	buffer_reset(text);
	buffer_append(text, data, length < 0 ? 0 : (size_t)length);
	return buffer_check(text, "what is left of a PEM file", err);
}

static int tidy_chain(struct buffer *chain, struct error *err)
{
	AUTO_BIO BIO *out = BIO_new(BIO_s_mem());

	if (out == NULL)
		return error_no_memory(err);
	if (read_all(buffer_text(chain), chain->length, out, err) != 0)
		return -1;
	return exchange(chain, out, err);
}

static int tidy_key(struct buffer *key, struct error *err)
{
	AUTO_KEY EVP_PKEY *private_key = key_read_private(buffer_text(key), key->length, err);
	AUTO_BIO BIO *out = BIO_new(BIO_s_secmem());

	if (private_key == NULL || out == NULL)
		return private_key == NULL ? -1 : error_no_memory(err);
	if (PEM_write_bio_PrivateKey(out, private_key, NULL, NULL, 0, NULL, NULL) != 1)
		return key_error(err, "the private key cannot be written");
	return exchange(key, out, err);
}

int chain_tidy(struct buffer *chain, struct buffer *key, struct error *err)
{
	static const char *const chain_labels[] = {"CERTIFICATE", NULL};
	static const char *const key_labels[] = {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY",
						 NULL};

	if (count_blocks(chain, chain_labels) == 0 && tidy_chain(chain, err) != 0)
		return -1;
	return count_blocks(key, key_labels) == 1 ? 0 : tidy_key(key, err);
}
