/* DER inputs as PEM: what chance changes then is the certificate, not its base64. */
#ifndef TEST_FUZZ_PEM_H
#define TEST_FUZZ_PEM_H

#include "common/buffer.h"

#include "test/fuzz/fuzz.h"

#include <openssl/evp.h>

/* Appends one block of that kind ("CERTIFICATE"). */
static inline void pem_append(struct buffer *text, const char *kind, const uint8_t *der,
			      size_t size)
{
	enum { LINE_BYTES = 48 };
	unsigned char line[LINE_BYTES / 3 * 4 + 1];

	buffer_printf(text, "-----BEGIN %s-----\n", kind);
	for (size_t at = 0; at < size; at += LINE_BYTES) {
		size_t piece = size - at < LINE_BYTES ? size - at : LINE_BYTES;
		EVP_EncodeBlock(line, der + at, (int)piece);
		buffer_printf(text, "%s\n", line);
	}
	buffer_printf(text, "-----END %s-----\n", kind);
}

#endif
