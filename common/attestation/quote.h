/*
 * The layout of a TDX quote, versions 4 and 5 (Intel TDX DCAP Quoting Library API,
 * appendix A).  Integers are little-endian.
 *
 *   v4: header 48 | TD report 584                         | u32 n | signature data n | padding
 *   v5: header 48 | u16 body type | u32 size | TD report  | u32 n | signature data n | padding
 *
 * Parsing finds and bounds the parts and checks the header's constants.  It says nothing
 * about who signed the quote: the signature data is a part like the others here.
 */
#ifndef COMMON_ATTESTATION_QUOTE_H
#define COMMON_ATTESTATION_QUOTE_H

#include "common/error.h"

#include <stddef.h>

enum {
	QUOTE_HEADER_SIZE = 48,
	QUOTE_TD10_SIZE = 584,
	QUOTE_TD15_SIZE = 648,
	QUOTE_REPORT_DATA_SIZE = 64,
};

enum quote_body_type {
	QUOTE_TD10 = 2, /* TDX 1.0 */
	QUOTE_TD15 = 3, /* TDX 1.5: TD10, then TEE_TCB_SVN2 and MRSERVICETD */
};

/* Bytes within the quote that was parsed. */
struct quote_part {
	const unsigned char *data;
	size_t length;
};

struct quote {
	unsigned version; /* 4 or 5 */
	enum quote_body_type body_type;
	struct quote_part header;
	struct quote_part body;
	struct quote_part signed_part; /* what the quote's signature covers, up to the body's end */
	struct quote_part signature_data; /* ECDSA signature, attestation key, certification data */
	struct quote_part padding;	  /* not signed; usually zero bytes */
	const unsigned char *report_data; /* QUOTE_REPORT_DATA_SIZE bytes in the body */
};

/* Fills `quote`, which points into `bytes` and lives no longer than they. */
int quote_parse(const unsigned char *bytes, size_t length, struct quote *quote, struct error *err);

#endif
