/* ECDSA over P-256 with SHA-256 (FIPS 186-5), as TDX quotes and their collateral use it. */
#ifndef COMMON_ATTESTATION_P256_H
#define COMMON_ATTESTATION_P256_H

#include "common/error.h"

#include <openssl/evp.h>
#include <stddef.h>

/* The public key of 64 bytes x, y.  EVP_PKEY_free() by the caller; NULL with err when they are no
 * point of the curve. */
EVP_PKEY *p256_key(const unsigned char *x_and_y, struct error *err);

/* 0 when `signature` (64 bytes r, s) over `data` is by `key`; -1 with err: "<what> is wrong". */
int p256_verify(EVP_PKEY *key, const void *data, size_t length, const unsigned char *signature,
		const char *what, struct error *err);

#endif
