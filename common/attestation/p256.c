#include "common/attestation/p256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

enum { NUMBER_SIZE = 32, KEY_SIZE = 64 };

EVP_PKEY *p256_key(const unsigned char *x_and_y, struct error *err)
{
	unsigned char point[1 + KEY_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
	char group[] = "P-256";
	OSSL_PARAM parameters[] = {
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group) - 1),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
	    OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(point + 1, x_and_y, KEY_SIZE);
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1) {
		error_no_memory(err);
	} else if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
		error_set(err, EXIT_FAILED, "the quote's attestation key is no point of P-256");
		key = NULL;
	}
	ERR_clear_error();
	EVP_PKEY_CTX_free(context);
	return key;
}

/* r and s as OpenSSL takes them, in DER; 0 when memory runs out.  OPENSSL_free() by the caller. */
static int signature_to_der(const unsigned char *signature, unsigned char **der)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, NUMBER_SIZE, NULL);
	BIGNUM *s = BN_bin2bn(signature + NUMBER_SIZE, NUMBER_SIZE, NULL);
	int length = 0;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* they are the pair's now */
		length = i2d_ECDSA_SIG(pair, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return length < 0 ? 0 : length;
}

int p256_verify(EVP_PKEY *key, const void *data, size_t length, const unsigned char *signature,
		const char *what, struct error *err)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int der_length = signature_to_der(signature, &der);
	int rc;

	if (context == NULL || der_length == 0 ||
	    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) != 1)
		rc = error_no_memory(err);
	else if (EVP_DigestVerify(context, der, (size_t)der_length, data, length) != 1)
		rc = error_set(err, EXIT_FAILED, "%s is wrong", what);
	else
		rc = 0;
	ERR_clear_error();
	OPENSSL_free(der);
	EVP_MD_CTX_free(context);
	return rc;
}
