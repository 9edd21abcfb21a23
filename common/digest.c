#include "common/digest.h"

#include "common/hex.h"

#include <openssl/evp.h>

int digest_sha256(const void *data, size_t length, unsigned char out[SHA256_SIZE],
		  struct error *err)
{
	unsigned int size = 0;

	if (EVP_Digest(data, length, out, &size, EVP_sha256(), NULL) != 1 || size != SHA256_SIZE)
		return error_set(err, EXIT_FAILED, "OpenSSL cannot compute a SHA-256 digest");
	return 0;
}

int digest_sha256_hex(const void *data, size_t length, char out[SHA256_HEX_SIZE], struct error *err)
{
	unsigned char digest[SHA256_SIZE];

	if (digest_sha256(data, length, digest, err) != 0)
		return -1;
	hex_encode(digest, sizeof(digest), out);
	return 0;
}
