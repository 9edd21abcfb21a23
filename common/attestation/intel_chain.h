/*
 * Certificate chains that end at Intel's root for SGX and TDX: of a quote (leaf, PCK CA, root) and
 * of its collateral (signer, root).  Trusted is the root's public key, which is pinned here; the
 * root certificate that a chain brings is trusted only if it has that key.
 *
 * Source: Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.
 */
#ifndef COMMON_ATTESTATION_INTEL_CHAIN_H
#define COMMON_ATTESTATION_INTEL_CHAIN_H

#include "common/error.h"

#include <openssl/x509.h>
#include <stddef.h>
#include <time.h>

enum { ANCHOR_SPKI_MAX = 128, CHAIN_MAX = 3, CHAIN_PEM_MAX = 64 * 1024 };

/* The key that is trusted, as DER of its SubjectPublicKeyInfo. */
struct trust_anchor {
	unsigned char spki[ANCHOR_SPKI_MAX];
	size_t length;
};

/* Intel's. */
void trust_anchor_intel(struct trust_anchor *anchor);
/* The key of a certificate in PEM: for a PKI of one's own, as tests have it. */
int trust_anchor_from_pem(const char *pem, size_t length, struct trust_anchor *anchor,
			  struct error *err);

/* Certificates in order, the leaf first; zeroed before the first use. */
struct intel_chain {
	X509 *certificates[CHAIN_MAX];
	size_t count;
};

/* How much a text may differ from what its certificates give when they are written anew. */
enum chain_writing {
	CHAIN_WRITTEN_EXACTLY, /* not at all: no byte of it is free */
	CHAIN_WRITTEN_LOOSELY, /* in white space */
	CHAIN_WRITTEN_SOMEHOW, /* there may be other text around them */
};

/* Reads exactly `count` certificates.  `what` names the chain in messages.  intel_chain_clear() in
 * every case. */
int intel_chain_parse(const char *pem, size_t length, size_t count, enum chain_writing writing,
		      const char *what, struct intel_chain *chain, struct error *err);
void intel_chain_clear(struct intel_chain *chain);

/* Two lists of what was revoked: by the root, and by the PCK CA.  Both NULL: not looked at. */
struct revocation {
	X509_CRL *root, *pck_ca;
};

/*
 * 0 when the chain leads to the anchor: signatures (ECDSA P-256 with SHA-256 throughout), CA
 * flags, validity at `at`, nothing revoked, and the leaf's and its issuer's names among those that
 * Intel uses.
 */
int intel_chain_verify(const struct intel_chain *chain, const struct trust_anchor *anchor,
		       const struct revocation *revocation, time_t at, struct error *err);

/* Which CA a platform's certificate is from, of a chain that is verified: "platform" or
 * "processor". */
const char *intel_chain_pck_ca(const struct intel_chain *chain);

#endif
