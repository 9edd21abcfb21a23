/* SHA-256 (FIPS 180-4), by OpenSSL. */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include "common/error.h"

#include <stddef.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 2 * SHA256_SIZE + 1 };

int digest_sha256(const void *data, size_t length, unsigned char out[SHA256_SIZE],
		  struct error *err);

/* The same as lower case hex with a NUL. */
int digest_sha256_hex(const void *data, size_t length, char out[SHA256_HEX_SIZE],
		      struct error *err);

#endif
