/*
 * What a webhook is told: which records the operator is to make, and by whom it is told.  Pure.
 *
 * The payload is a string, so that sender and receiver compute the HMAC and the digest over the
 * same bytes.
 */
#ifndef EVIDENCE_WEBHOOK_PAYLOAD_H
#define EVIDENCE_WEBHOOK_PAYLOAD_H

#include "common/error.h"
#include "evidence/guest_answer.h"
#include "evidence/guest_proof.h"

#include <stddef.h>
#include <time.h>

enum {
	WEBHOOK_TASK_MAX = 1024 * 1024, /* bytes */
	WEBHOOK_RECORDS_MAX = 1024,
};

/*
 * `task` is JSON: {"domain", "challenge", "app_id", "records": [{"type", "name", "value", "note",
 * "exact"}]}.  The payload has these members, sorted and without white space, with "version" 1,
 * "timestamp" (seconds since the epoch) and the identity as the guest agent gives it; "app_id" is
 * that of the task where `identity` has none.  free() by the caller; NULL with err,
 * EXIT_USAGE_ERROR for a task that is none.
 */
char *webhook_payload(const char *task, size_t length, const struct guest_identity *identity,
		      time_t now, struct error *err);

/*
 * {"payload", "hmac_sha256", "attestation" or "attestation_v1"}: the HMAC in hex, keyed with the
 * `token` ("": there is none); the guest agent's answer to GetQuote, with "report_data" the SHA-256
 * of the payload in hex; or its answer to Attest where there is no quote.  `proof` is NULL where
 * there is neither.  free() by the caller; NULL with err.
 */
char *webhook_envelope(const char *payload, const char *token, const struct guest_proof *proof,
		       struct error *err);

#endif
