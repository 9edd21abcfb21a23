/*
 * Collateral: what Intel says, for some thirty days at a time, about the platforms and quoting
 * enclaves that are up to date, and which certificates are revoked (Intel PCS API v4, "TCB Info",
 * "Enclave Identity", "Revocation").
 *
 * Taken as one JSON object, in the shape that dcap-qvl and others pass around:
 *
 *   tcb_info, qe_identity                        JSON texts, signed to the byte
 *   tcb_info_signature, qe_identity_signature    hex of 64 bytes
 *   tcb_info_issuer_chain, qe_identity_issuer_chain   PEM, signer and root
 *   root_ca_crl, pck_crl                         hex of DER
 */
#ifndef COMMON_ATTESTATION_COLLATERAL_H
#define COMMON_ATTESTATION_COLLATERAL_H

#include "common/attestation/intel_chain.h"
#include "common/error.h"

#include <cjson/cJSON.h>
#include <time.h>

enum { COLLATERAL_MAX = 4 * 1024 * 1024 };

/* One of the two signed texts. */
struct signed_text {
	const char *text; /* the object's */
	cJSON *json;	  /* the text parsed; owned */
	struct intel_chain chain;
	unsigned char signature[64];
};

struct collateral {
	cJSON *object; /* owned */
	struct signed_text tcb_info, qe_identity;
	struct revocation revocation; /* owned */
};

/* Nothing in it is believed yet.  NULL with err.  collateral_free() by the caller. */
struct collateral *collateral_parse(const char *text, size_t length, struct error *err);
void collateral_free(struct collateral *collateral);

/* 0 when both texts and both lists are signed by whom the anchor vouches for, and in force at
 * `at`. */
int collateral_verify(const struct collateral *collateral, const struct trust_anchor *anchor,
		      time_t at, struct error *err);

#endif
