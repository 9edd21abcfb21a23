/* For targets of the verifier: the PKI that signed their seeds, and whether it signed a thing. */
#ifndef TEST_FUZZ_QUOTE_PKI_H
#define TEST_FUZZ_QUOTE_PKI_H

#include "common/attestation/intel_chain.h"
#include "common/digest.h"

#include "test/fuzz/fuzz.h"
#include "test/fuzz/quote_seeds.h"

static inline void fuzz_anchor(struct trust_anchor *anchor)
{
	struct error err = ERROR_INIT;

	CHECK(trust_anchor_from_pem(seeds_root, sizeof(seeds_root) - 1, anchor, &err) == 0);
}

static inline bool fuzz_was_signed(const void *data, size_t size,
				   const unsigned char (*digests)[SHA256_SIZE], size_t count)
{
	unsigned char digest[SHA256_SIZE];
	struct error err = ERROR_INIT;

	CHECK(digest_sha256(data, size, digest, &err) == 0);
	for (size_t i = 0; i < count; i++)
		if (memcmp(digest, digests[i], sizeof(digest)) == 0)
			return true;
	return false;
}

/* `table`: seeds_quotes or seeds_texts. */
#define FUZZ_WAS_SIGNED(data, size, table) \
	fuzz_was_signed(data, size, table, sizeof(table) / sizeof(*(table)))

#endif
