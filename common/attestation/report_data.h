/*
 * What the REPORTDATA of the product's quotes is made of.
 *
 *   quote.json          sha256(sha256sum.txt) || 32 zero bytes
 *   attestation.json    sha256(sha256sum.txt) ||
 *                       sha256("dstack-ingress/attestation/v1" || 0x00 || sha256(manifest) ||
 * nonce)
 */
#ifndef COMMON_ATTESTATION_REPORT_DATA_H
#define COMMON_ATTESTATION_REPORT_DATA_H

#include "common/attestation/quote.h"
#include "common/error.h"

#include <stddef.h>

/* Of a nonce, which whoever asks chooses. */
enum { NONCE_MIN = 16, NONCE_MAX = 64 };

struct text_span {
	const void *data;
	size_t length;
};

int report_data_of_files(struct text_span sha256sum,
			 unsigned char report_data[QUOTE_REPORT_DATA_SIZE], struct error *err);
int report_data_of_answer(struct text_span sha256sum, struct text_span manifest,
			  struct text_span nonce, unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
			  struct error *err);

#endif
