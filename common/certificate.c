#include "common/certificate.h"

#include "common/chain_pem.h"
#include "common/digest.h"
#include "common/key_pem.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_MAX = 1000,      /* the largest CAs stop at 250 */
	SERIAL_BYTES_MAX = 31, /* RFC 5280 section 4.1.2.2 has 20; what fits the hex text */
};

static void free_x509(X509 **x509)
{
	X509_free(*x509);
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

#define AUTO_X509 __attribute__((cleanup(free_x509)))
#define AUTO_KEY __attribute__((cleanup(free_key)))
#define AUTO_BIO __attribute__((cleanup(free_bio)))

/* ---- fields */

static int read_serial(X509 *x509, struct certificate *certificate, struct error *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	AUTO_BIO BIO *text = BIO_new(BIO_s_mem());

	if (ASN1_STRING_length(serial) > SERIAL_BYTES_MAX)
		return error_set(err, EXIT_FAILED,
				 "the certificate's serial number has %d bytes (at most %d)",
				 ASN1_STRING_length(serial), SERIAL_BYTES_MAX);
	/* What `openssl x509 -serial` calls, so the two always agree. */
	if (text == NULL || i2a_ASN1_INTEGER(text, serial) < 0)
		return error_no_memory(err);
	int length = BIO_read(text, certificate->serial, sizeof(certificate->serial) - 1);
	if (length <= 0)
		return key_error(err, "the certificate's serial number cannot be read");
	certificate->serial[length] = '\0';
	return 0;
}

static int read_spki(X509 *x509, struct certificate *certificate, struct error *err)
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);

	if (length <= 0)
		return key_error(err, "the certificate's public key cannot be read");
	int result = digest_sha256_hex(der, (size_t)length, certificate->spki_sha256, err);
	OPENSSL_free(der);
	return result;
}

static int read_digest(X509 *x509, struct certificate *certificate, struct error *err)
{
	unsigned char *der = NULL;
	int length = i2d_X509(x509, &der);

	if (length <= 0)
		return key_error(err, "the certificate cannot be encoded");
	int result = digest_sha256_hex(der, (size_t)length, certificate->sha256, err);
	OPENSSL_free(der);
	return result;
}

static int read_issuer(X509 *x509, struct certificate *certificate, struct error *err)
{
	AUTO_BIO BIO *text = BIO_new(BIO_s_mem());

	/* Characters that are not ASCII are escaped. */
	if (text == NULL ||
	    X509_NAME_print_ex(text, X509_get_issuer_name(x509), 0, XN_FLAG_RFC2253) < 0)
		return error_no_memory(err);
	int length = BIO_read(text, certificate->issuer, sizeof(certificate->issuer) - 1);
	certificate->issuer[length < 0 ? 0 : length] = '\0';
	return 0;
}

static int read_time(const ASN1_TIME *from, time_t *to, struct error *err)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(from, &parts) != 1)
		return key_error(err, "the certificate's validity cannot be read");
	*to = timegm(&parts);
	return 0;
}

/* Certificates may have names that no setting may have (underscores, single labels), but no
 * names that another program would read differently. */
static int read_name(const ASN1_IA5STRING *from, domain_name to, struct error *err)
{
	const unsigned char *text = ASN1_STRING_get0_data(from);
	int length = ASN1_STRING_length(from);

	if (length == 0 || length > DOMAIN_MAX)
		return error_set(err, EXIT_FAILED,
				 "the certificate has a name of %d bytes (1 to %d are allowed)",
				 length, DOMAIN_MAX);
	for (int i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return error_set(err, EXIT_FAILED,
					 "the certificate has a name with the byte 0x%02x in it",
					 text[i]);
		to[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	}
	to[length] = '\0';
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void sort_names(struct certificate *certificate)
{
	size_t kept = 0;

	qsort(certificate->names, certificate->name_count, sizeof(domain_name), compare_names);
	for (size_t i = 0; i < certificate->name_count; i++) {
		if (kept > 0 && strcmp(certificate->names[kept - 1], certificate->names[i]) == 0)
			continue;
		if (kept != i)
			memcpy(certificate->names[kept], certificate->names[i],
			       sizeof(domain_name));
		kept++;
	}
	certificate->name_count = kept;
}

static int copy_names(const GENERAL_NAMES *from, struct certificate *certificate, struct error *err)
{
	int count = sk_GENERAL_NAME_num(from);

	if (count > NAMES_MAX)
		return error_set(err, EXIT_FAILED, "the certificate has %d names (at most %d)",
				 count, NAMES_MAX);
	if (count <= 0)
		return 0;
	certificate->names = calloc((size_t)count, sizeof(domain_name));
	if (certificate->names == NULL)
		return error_no_memory(err);
	for (int i = 0; i < count; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(from, i);
		if (name->type != GEN_DNS) {
			certificate->has_other_names = true;
			continue;
		}
		if (read_name(name->d.dNSName, certificate->names[certificate->name_count], err) !=
		    0)
			return -1;
		certificate->name_count++;
	}
	sort_names(certificate);
	return 0;
}

static int read_names(X509 *x509, struct certificate *certificate, struct error *err)
{
	int found = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &found, NULL);

	if (names == NULL && found == -1)
		return 0; /* a certificate without the extension has no names, which is no error */
	if (names == NULL)
		return key_error(err, "the certificate's names cannot be read");
	int result = copy_names(names, certificate, err);
	GENERAL_NAMES_free(names);
	return result;
}

/* ---- the interface */

struct certificate *certificate_parse(const char *pem, size_t length, struct error *err)
{
	AUTO_X509 X509 *x509 = key_read_certificate(pem, length, err);

	if (x509 == NULL)
		return NULL;
	struct certificate *certificate = calloc(1, sizeof(*certificate));
	if (certificate == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (read_serial(x509, certificate, err) == 0 && read_spki(x509, certificate, err) == 0 &&
	    read_digest(x509, certificate, err) == 0 && read_issuer(x509, certificate, err) == 0 &&
	    read_time(X509_get0_notBefore(x509), &certificate->not_before, err) == 0 &&
	    read_time(X509_get0_notAfter(x509), &certificate->not_after, err) == 0 &&
	    read_names(x509, certificate, err) == 0)
		return certificate;
	certificate_free(certificate);
	return NULL;
}

void certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	free(certificate->names);
	free(certificate);
}

bool certificate_is_exactly_for(const struct certificate *certificate, const char *name)
{
	return certificate->name_count == 1 && !certificate->has_other_names &&
	       strcmp(certificate->names[0], name) == 0;
}

bool certificate_covers(const struct certificate *certificate, const char *name)
{
	for (size_t i = 0; i < certificate->name_count; i++)
		if (domain_covers(certificate->names[i], name))
			return true;
	return false;
}

int certificate_check_key(const char *chain_pem, size_t chain_length, const char *key_pem,
			  size_t key_length, struct error *err)
{
	AUTO_X509 X509 *x509 = key_read_certificate(chain_pem, chain_length, err);
	AUTO_KEY EVP_PKEY *private_key =
	    x509 == NULL ? NULL : key_read_private(key_pem, key_length, err);
	AUTO_KEY EVP_PKEY *public_key = private_key == NULL ? NULL : key_of_certificate(x509, err);

	if (public_key == NULL)
		return -1;
	if (EVP_PKEY_eq(public_key, private_key) == 1)
		return chain_check(chain_pem, chain_length, err);
	ERR_clear_error();
	return error_set(err, EXIT_FAILED,
			 "the private key does not belong to the certificate's public key");
}
