#include "common/attestation/report_data.h"

#include "common/digest.h"

#include <string.h>

static const char domain_separator[] = "dstack-ingress/attestation/v1"; /* its NUL counts */

int report_data_of_files(struct text_span sha256sum,
			 unsigned char report_data[QUOTE_REPORT_DATA_SIZE], struct error *err)
{
	memset(report_data, 0, QUOTE_REPORT_DATA_SIZE);
	return digest_sha256(sha256sum.data, sha256sum.length, report_data, err);
}

int report_data_of_answer(struct text_span sha256sum, struct text_span manifest,
			  struct text_span nonce, unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
			  struct error *err)
{
	unsigned char joined[sizeof(domain_separator) + SHA256_SIZE + NONCE_MAX];
	unsigned char *at = joined;

	if (nonce.length < NONCE_MIN || nonce.length > NONCE_MAX)
		return error_set(err, EXIT_FAILED, "a nonce has %d to %d bytes, not %zu", NONCE_MIN,
				 NONCE_MAX, nonce.length);
	memcpy(at, domain_separator, sizeof(domain_separator));
	at += sizeof(domain_separator);
	if (digest_sha256(manifest.data, manifest.length, at, err) != 0)
		return -1;
	at += SHA256_SIZE;
	memcpy(at, nonce.data, nonce.length);
	at += nonce.length;
	if (digest_sha256(joined, (size_t)(at - joined), report_data + SHA256_SIZE, err) != 0)
		return -1;
	return digest_sha256(sha256sum.data, sha256sum.length, report_data, err);
}
