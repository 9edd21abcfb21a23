/* What the guest agent's answers mean; pure, so that every odd one can be tried without it. */
#ifndef EVIDENCE_GUEST_ANSWER_H
#define EVIDENCE_GUEST_ANSWER_H

#include "common/attestation/platform.h"
#include "common/attestation/quote.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/json.h"

#include <stdbool.h>

enum {
	GUEST_ID_MAX = 128, /* hex digits of an identity value: a hash has at most 64 bytes */
	GUEST_VERSION_MAX = 64,
};

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

/* Letters, digits and ".+-_ ", or "" when it does not say it so. */
void guest_answer_version(const cJSON *answer, char version[GUEST_VERSION_MAX + 1]);

/* Whether its quote is a TDX quote that carries these very bytes. */
int guest_answer_check_quote(const cJSON *answer,
			     const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
			     struct error *err);

/* Whether it is an answer to GetQuote, and says that there is no quote to be had: this is no TDX
 * guest.  Not so for an agent that is busy, or does not answer. */
bool guest_answer_lacks_quote(long status, const struct buffer *body);

/* Whether an agent says so of a path below which it has nothing: it is an older one. */
bool guest_answer_lacks_path(long status, const struct buffer *body);

/* The bytes of its attestation, which name their platform. */
int guest_answer_attestation(const cJSON *answer, struct buffer *attestation,
			     char kind[PLATFORM_KIND_SIZE], struct error *err);

#endif
