#include "common/attestation/qe.h"

#include "common/attestation/byte_reader.h"
#include "common/attestation/p256.h"
#include "common/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

enum { TDX_QE_PRODUCT = 2, TDX_QE_LEAST_VERSION = 4 };

static const unsigned char intel_signer[QE_MRSIGNER_SIZE] = {
    0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17, 0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03,
    0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf, 0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5,
};

int qe_check_signature(const struct quote_signature *signature, EVP_PKEY *pck_key,
		       struct error *err)
{
	return p256_verify(pck_key, signature->qe_report, QE_REPORT_SIZE, signature->qe_signature,
			   "the PCK certificate's signature of the quoting enclave's report", err);
}

int qe_check_binding(const struct quote_signature *signature, struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	static const unsigned char zeros[SHA256_SIZE];
	const unsigned char *report_data = signature->qe_report + QE_REPORT_DATA_OFFSET;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool made =
	    context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(context, signature->attestation_key, P256_KEY_SIZE) == 1 &&
	    EVP_DigestUpdate(context, signature->qe_auth.data, signature->qe_auth.length) == 1 &&
	    EVP_DigestFinal_ex(context, digest, NULL) == 1;

	EVP_MD_CTX_free(context);
	if (!made)
		return error_no_memory(err);
	if (memcmp(report_data, digest, SHA256_SIZE) != 0 ||
	    memcmp(report_data + SHA256_SIZE, zeros, SHA256_SIZE) != 0)
		return error_set(err, EXIT_FAILED,
				 "the quoting enclave's report is for another attestation key than "
				 "the quote's");
	return 0;
}

/* INIT and MODE64BIT, whatever the provisioning key is; DEBUG above all is not set. */
static bool has_good_attributes(const unsigned char *attributes)
{
	static const unsigned char mask[QE_ATTRIBUTES_SIZE] = {0xfb, 0xff, 0xff, 0xff,
							       0xff, 0xff, 0xff, 0xff};
	static const unsigned char wanted[QE_ATTRIBUTES_SIZE] = {0x11};

	for (size_t i = 0; i < QE_ATTRIBUTES_SIZE; i++)
		if ((attributes[i] & mask[i]) != wanted[i])
			return false;
	return true;
}

int qe_check_identity(const struct quote_signature *signature, struct error *err)
{
	const unsigned char *report = signature->qe_report;
	unsigned product = bytes_u16(report + QE_ISVPRODID_OFFSET);
	unsigned version = bytes_u16(report + QE_ISVSVN_OFFSET);

	if (memcmp(report + QE_MRSIGNER_OFFSET, intel_signer, QE_MRSIGNER_SIZE) != 0)
		return error_set(err, EXIT_FAILED, "the quoting enclave is not signed by Intel");
	if (product != TDX_QE_PRODUCT)
		return error_set(err, EXIT_FAILED,
				 "the quoting enclave is product %u; %d is the one for TDX",
				 product, TDX_QE_PRODUCT);
	if (bytes_u32(report + QE_MISCSELECT_OFFSET) != 0 ||
	    !has_good_attributes(report + QE_ATTRIBUTES_OFFSET))
		return error_set(err, EXIT_FAILED,
				 "the quoting enclave runs with attributes that Intel's does not "
				 "have (a debug enclave, for one)");
	if (version < TDX_QE_LEAST_VERSION)
		return error_set(err, EXIT_FAILED,
				 "the quoting enclave has security version %u; at least %d is "
				 "needed",
				 version, TDX_QE_LEAST_VERSION);
	return 0;
}
