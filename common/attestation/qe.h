/* The quoting enclave (QE): the program of Intel that signs quotes, and itself is vouched for by
 * the platform's PCK certificate. */
#ifndef COMMON_ATTESTATION_QE_H
#define COMMON_ATTESTATION_QE_H

#include "common/attestation/quote_signature.h"
#include "common/error.h"

#include <openssl/evp.h>

/* Offsets in the QE's report (SGX report body, Intel SDM volume 3D, table "REPORT"). */
enum {
	QE_MISCSELECT_OFFSET = 16,
	QE_ATTRIBUTES_OFFSET = 48,
	QE_ATTRIBUTES_SIZE = 16,
	QE_MRSIGNER_OFFSET = 128,
	QE_MRSIGNER_SIZE = 32,
	QE_ISVPRODID_OFFSET = 256,
	QE_ISVSVN_OFFSET = 258,
	QE_REPORT_DATA_OFFSET = 320,
};

/* The PCK certificate's key signed the QE's report. */
int qe_check_signature(const struct quote_signature *signature, EVP_PKEY *pck_key,
		       struct error *err);
/* The QE's report names the attestation key. */
int qe_check_binding(const struct quote_signature *signature, struct error *err);
/* The QE is Intel's for TDX, in a version that is known to be good enough, and not for debugging.
 * A stricter judgement needs collateral (see tcb.h). */
int qe_check_identity(const struct quote_signature *signature, struct error *err);

#endif
