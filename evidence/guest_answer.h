/* What the guest agent's answers mean; pure, so that every odd one can be tried without it. */
#ifndef EVIDENCE_GUEST_ANSWER_H
#define EVIDENCE_GUEST_ANSWER_H

#include "common/attestation/quote.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/json.h"

enum { GUEST_ID_MAX = 128 /* hex digits of an identity value: a hash has at most 64 bytes */ };

/* Hex as the agent gave it; "" where it gave none (never for app_id). */
struct guest_identity {
	char app_id[GUEST_ID_MAX + 1];
	char instance_id[GUEST_ID_MAX + 1];
	char compose_hash[GUEST_ID_MAX + 1];
	char os_image_hash[GUEST_ID_MAX + 1];
};

/* The JSON object that came with HTTP status 200, cJSON_Delete() by the caller; NULL with a
 * sentence about `path` for any other answer (retry_after is the caller's to add). */
cJSON *guest_answer_object(long status, const struct buffer *body, const char *path,
			   struct error *err);

/* The same for an answer that holds a secret: of its text, the sentence says nothing but what the
 * agent itself calls the error. */
cJSON *guest_answer_secret(long status, const struct buffer *body, const char *path,
			   struct error *err);

int guest_answer_identity(const cJSON *info, struct guest_identity *identity, struct error *err);

/* Whether its quote is a TDX quote that carries these very bytes. */
int guest_answer_check_quote(const cJSON *answer,
			     const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
			     struct error *err);

#endif
