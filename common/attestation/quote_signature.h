/*
 * The signature data of a TDX quote (Intel TDX DCAP Quoting Library API, appendix A.3.8 to
 * A.3.11): who signed it, and by whose leave.
 *
 *   signature 64 | attestation key 64 | u16 6 | u32 n | certification data n
 *   certification data: QE report 384 | its signature 64 | u16 m | m bytes that the quoting
 *                       enclave (QE) chose | u16 5 | u32 k | PEM of leaf, intermediate, root
 *
 * Lengths have to nest exactly.  Parsing verifies nothing.
 */
#ifndef COMMON_ATTESTATION_QUOTE_SIGNATURE_H
#define COMMON_ATTESTATION_QUOTE_SIGNATURE_H

#include "common/attestation/quote.h"
#include "common/error.h"

enum {
	P256_SIGNATURE_SIZE = 64, /* r, s; each 32 bytes, big-endian */
	P256_KEY_SIZE = 64,	  /* x, y; likewise */
	QE_REPORT_SIZE = 384,
};

/* Parts of the quote that was parsed. */
struct quote_signature {
	const unsigned char *signature;
	const unsigned char *attestation_key;
	const unsigned char *qe_report;
	const unsigned char *qe_signature;
	struct quote_part qe_auth;
	struct quote_part chain_pem; /* without the NUL characters that end it in some quotes */
};

int quote_signature_parse(const struct quote *quote, struct quote_signature *signature,
			  struct error *err);

#endif
