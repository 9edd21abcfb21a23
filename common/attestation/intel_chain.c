#include "common/attestation/intel_chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <string.h>

enum { COMMON_NAME_MAX = 128 };

/* ---- the anchor */

/* Of the certificate with the sha256
 * 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3, "Intel SGX Root CA", valid from
 * 2018-05-21 to 2049-12-31. */
static const unsigned char intel_root_spki[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x0b, 0xa9, 0xc4, 0xc0, 0xc0,
    0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10, 0xa8, 0xbb, 0xd4, 0xe8, 0x8e,
    0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5, 0x67, 0x91, 0x8e, 0x2e, 0xdc,
    0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac, 0xc9, 0x88, 0xe5, 0x05, 0xa9,
    0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
};

void trust_anchor_intel(struct trust_anchor *anchor)
{
	memcpy(anchor->spki, intel_root_spki, sizeof(intel_root_spki));
	anchor->length = sizeof(intel_root_spki);
}

/* The DER of the certificate's public key into `spki`; 0 when it does not fit. */
static size_t encode_key(const X509 *certificate, unsigned char spki[ANCHOR_SPKI_MAX])
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);
	int length = i2d_X509_PUBKEY(key, NULL);

	if (length <= 0 || length > ANCHOR_SPKI_MAX)
		return 0;
	i2d_X509_PUBKEY(key, &spki);
	return (size_t)length;
}

int trust_anchor_from_pem(const char *pem, size_t length, struct trust_anchor *anchor,
			  struct error *err)
{
	struct intel_chain chain = {0};
	int rc = intel_chain_parse(pem, length, 1, CHAIN_WRITTEN_SOMEHOW, "root certificate",
				   &chain, err);

	if (rc == 0) {
		anchor->length = encode_key(chain.certificates[0], anchor->spki);
		if (anchor->length == 0)
			rc = error_set(err, EXIT_FAILED,
				       "the root certificate's key is none that could sign quotes: "
				       "it has to be ECDSA P-256");
	}
	intel_chain_clear(&chain);
	return rc;
}

/* ---- reading */

void intel_chain_clear(struct intel_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		X509_free(chain->certificates[i]);
	*chain = (struct intel_chain){0};
}

/* Takes all certificates there are, but no more than CHAIN_MAX and one. */
static size_t read_all(BIO *text, struct intel_chain *chain)
{
	size_t seen = 0;
	X509 *certificate;

	while (seen <= CHAIN_MAX &&
	       (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
		if (seen < CHAIN_MAX)
			chain->certificates[chain->count++] = certificate;
		else
			X509_free(certificate);
		seen++;
	}
	ERR_clear_error();
	return seen;
}

static bool is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* Character by character, without white space unless it has to be the same as well. */
static bool same_text(const char *a, size_t a_length, const char *b, size_t b_length, bool exactly)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (!exactly && i < a_length && is_space(a[i]))
			i++;
		while (!exactly && j < b_length && is_space(b[j]))
			j++;
		if (i == a_length || j == b_length)
			return i == a_length && j == b_length;
		if (a[i++] != b[j++])
			return false;
	}
}

static bool reads_back(const struct intel_chain *chain, const char *pem, size_t length,
		       bool exactly)
{
	BIO *written = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool same = written != NULL;

	for (size_t i = 0; same && i < chain->count; i++)
		same = PEM_write_bio_X509(written, chain->certificates[i]) == 1;
	if (same) {
		size_t size = (size_t)BIO_get_mem_data(written, &text);
		/* Some quotes lack the last line feed. */
		if (length + 1 == size)
			size = length;
		same = same_text(text, size, pem, length, exactly);
	}
	BIO_free(written);
	return same;
}

int intel_chain_parse(const char *pem, size_t length, size_t count, enum chain_writing writing,
		      const char *what, struct intel_chain *chain, struct error *err)
{
	if (length > CHAIN_PEM_MAX)
		return error_set(err, EXIT_FAILED, "the %s has %zu bytes; at most %d are read",
				 what, length, CHAIN_PEM_MAX);
	/* OpenSSL makes no buffer of nothing, which is a chain without certificates. */
	BIO *text = BIO_new_mem_buf(length == 0 ? "" : pem, (int)length);
	if (text == NULL)
		return error_no_memory(err);
	size_t seen = read_all(text, chain);
	BIO_free(text);
	if (seen != count)
		return error_set(err, EXIT_FAILED,
				 "the %s has %zu certificate%s that can be read; it must have %zu",
				 what, seen, seen == 1 ? "" : "s", count);
	if (writing != CHAIN_WRITTEN_SOMEHOW &&
	    !reads_back(chain, pem, length, writing == CHAIN_WRITTEN_EXACTLY))
		return error_set(err, EXIT_FAILED, "the %s is not written as its certificates are",
				 what);
	return 0;
}

/* ---- verifying */

static void common_name(const X509_NAME *name, char text[COMMON_NAME_MAX])
{
	text[0] = '\0';
	/* Marked obsolete for names with several; Intel's have one. */
	X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, text, COMMON_NAME_MAX);
}

static int check_algorithms(const struct intel_chain *chain, struct error *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		X509 *certificate = chain->certificates[i];
		char name[COMMON_NAME_MAX], group[16] = "";
		EVP_PKEY *key = X509_get0_pubkey(certificate);
		common_name(X509_get_subject_name(certificate), name);
		if (key == NULL || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		    strcmp(group, SN_X9_62_prime256v1) != 0)
			return error_set(err, EXIT_FAILED,
					 "the certificate \"%s\" has no key of ECDSA P-256", name);
		if (X509_get_signature_nid(certificate) != NID_ecdsa_with_SHA256)
			return error_set(
			    err, EXIT_FAILED,
			    "the certificate \"%s\" is signed by another algorithm than "
			    "ECDSA with SHA-256",
			    name);
	}
	return 0;
}

static int check_names(const struct intel_chain *chain, struct error *err)
{
	static const struct {
		const char *leaf, *issuer;
	} known[] = {
	    {"Intel SGX PCK Certificate", "Intel SGX PCK Platform CA"},
	    {"Intel SGX PCK Certificate", "Intel SGX PCK Processor CA"},
	    {"Intel SGX TCB Signing", "Intel SGX Root CA"},
	};
	const X509 *leaf = chain->certificates[0];
	char name[COMMON_NAME_MAX], issuer[COMMON_NAME_MAX];

	common_name(X509_get_subject_name(leaf), name);
	common_name(X509_get_issuer_name(leaf), issuer);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].leaf, name) == 0 && strcmp(known[i].issuer, issuer) == 0)
			return 0;
	return error_set(err, EXIT_FAILED,
			 "the chain's leaf is \"%s\" by \"%s\", which is none of Intel's", name,
			 issuer);
}

static int check_anchor(const struct intel_chain *chain, const struct trust_anchor *anchor,
			struct error *err)
{
	unsigned char spki[ANCHOR_SPKI_MAX];
	size_t length = encode_key(chain->certificates[chain->count - 1], spki);

	if (length != anchor->length || memcmp(spki, anchor->spki, length) != 0)
		return error_set(err, EXIT_FAILED,
				 "the chain ends at a root whose key is not the trusted one");
	return 0;
}

static int verify_in(X509_STORE_CTX *context, const struct intel_chain *chain, time_t at,
		     const struct revocation *revocation, struct error *err)
{
	unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE;
	char name[COMMON_NAME_MAX] = "?";

	if (revocation != NULL && revocation->root != NULL)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_STORE_CTX_set_flags(context, flags);
	X509_STORE_CTX_set_time(context, 0, at);
	X509_STORE_CTX_set_depth(context, CHAIN_MAX);
	if (X509_verify_cert(context) == 1) {
		STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(context);
		if ((size_t)sk_X509_num(built) == chain->count)
			return 0;
		return error_set(err, EXIT_FAILED,
				 "the chain holds certificates that it does not "
				 "need");
	}
	X509 *at_fault = X509_STORE_CTX_get_current_cert(context);
	if (at_fault != NULL)
		common_name(X509_get_subject_name(at_fault), name);
	return error_set(err, EXIT_FAILED, "the certificate \"%s\": %s", name,
			 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
}

/* By OpenSSL, with the chain's last certificate as all that is trusted. */
static int verify_signatures(const struct intel_chain *chain, const struct revocation *revocation,
			     time_t at, struct error *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
	bool made = store != NULL && context != NULL && between != NULL && lists != NULL &&
		    X509_STORE_add_cert(store, chain->certificates[chain->count - 1]) == 1;

	for (size_t i = 1; made && i + 1 < chain->count; i++)
		made = sk_X509_push(between, chain->certificates[i]) > 0;
	if (made && revocation != NULL && revocation->root != NULL)
		made = sk_X509_CRL_push(lists, revocation->root) > 0 &&
		       sk_X509_CRL_push(lists, revocation->pck_ca) > 0;
	made = made && X509_STORE_CTX_init(context, store, chain->certificates[0], between) == 1;
	int rc;
	if (made) {
		X509_STORE_CTX_set0_crls(context, lists);
		rc = verify_in(context, chain, at, revocation, err);
	} else {
		rc = error_no_memory(err);
	}
	X509_STORE_CTX_free(context);
	sk_X509_CRL_free(lists);
	sk_X509_free(between);
	X509_STORE_free(store);
	ERR_clear_error();
	return rc;
}

int intel_chain_verify(const struct intel_chain *chain, const struct trust_anchor *anchor,
		       const struct revocation *revocation, time_t at, struct error *err)
{
	if (check_anchor(chain, anchor, err) != 0 || check_algorithms(chain, err) != 0 ||
	    check_names(chain, err) != 0)
		return -1;
	return verify_signatures(chain, revocation, at, err);
}

const char *intel_chain_pck_ca(const struct intel_chain *chain)
{
	char issuer[COMMON_NAME_MAX];

	common_name(X509_get_issuer_name(chain->certificates[0]), issuer);
	return strcmp(issuer, "Intel SGX PCK Processor CA") == 0 ? "processor" : "platform";
}
