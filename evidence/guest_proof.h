/*
 * What the guest agent gives over 64 bytes of ours: a TDX quote or, where this machine is no TDX
 * guest, an attestation in dstack's own format, of whatever platform it is.
 *
 *   GetQuote (tappd: RawQuote)             a quote, which is checked to carry these very bytes
 *   POST /v1/Attest {"report_data": HEX}   asked where the agent has answered that there is no
 *                                          quote; agents that do not have it are older ones, of
 *                                          which the first answer stands
 *
 * An agent that is busy, slow or away has not answered, and is asked for nothing else.
 */
#ifndef EVIDENCE_GUEST_PROOF_H
#define EVIDENCE_GUEST_PROOF_H

#include "common/attestation/platform.h"
#include "common/buffer.h"
#include "common/error.h"
#include "evidence/guest_agent.h"

enum {
	/* What guest_agent_find() and guest_proof_ask() take together at most. */
	GUEST_PROOF_MAX_MS = 36 * 1000,
	/* Attest's answer: two digits for each byte, and what is around them. */
	GUEST_ATTEST_ANSWER_MAX = 2 * PLATFORM_ATTESTATION_MAX + 64 * 1024,
	/* For what guest_proof_ask() asks behind the first question. */
	GUEST_PROOF_HELPERS = 1,
};

struct guest_proof {
	struct buffer answer; /* JSON as json_print() gives it: GetQuote's answer, or Attest's */
	struct buffer attestation;     /* the bytes in Attest's; empty for a quote */
	char kind[PLATFORM_KIND_SIZE]; /* what they say of their platform; "" for a quote */
};

/* `answer_max`: bytes of JSON, GUEST_ANSWER_MAX at least. */
void guest_proof_init(struct guest_proof *proof, size_t answer_max);
void guest_proof_free(struct guest_proof *proof);

/* Errors as guest_agent.h has them. */
int guest_proof_ask(struct guest_agent *agent,
		    const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		    struct guest_proof *proof, struct error *err);

#endif
