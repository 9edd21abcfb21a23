/*
 * Machines that are no TDX guests: dstack's attestation in the place of a quote.  Which kind of
 * machine it is of can be said, but not whether that is true.
 *
 * Whoever asks for the evidence must not be talked into going without by whoever answers: so it is
 * refused, unless the caller says that this kind of machine is expected.  Then the quote's checks
 * count as not made.
 */
#ifndef SUPERVISOR_VERIFY_PLATFORM_H
#define SUPERVISOR_VERIFY_PLATFORM_H

#include "common/attestation/platform.h"
#include "common/buffer.h"
#include "supervisor/verify/findings.h"
#include "supervisor/verify/material.h"

#include <cjson/cJSON.h>

/* quote.json or, where there is none, the attestation in its place; NULL when there is neither. */
const struct buffer *platform_find_proof(const struct material *material);

/* Whether `json` is Attest's answer as a site publishes it, under the name that the answer to a
 * nonce has too. */
bool platform_is_published(const cJSON *json);

/* What `hex` says of its platform.  -1 with err for what is no attestation. */
int platform_kind_of_hex(const char *hex, char kind[PLATFORM_KIND_SIZE], struct error *err);

/* The checks of a quote, where an attestation of this kind was found; `expected` may be NULL. */
void platform_judge(const char *expected, const char *kind, struct findings *findings);

#endif
