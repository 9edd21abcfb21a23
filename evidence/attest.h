/*
 * GET /evidences/attestation.json?nonce=HEX: a quote made for whoever asks.
 *
 *   {"version": 1, "nonce": HEX, "manifest": TEXT, "quote": {GetQuote's answer}}
 *
 * or "attestation": {Attest's answer} in the place of the quote, of a machine that is no TDX guest.
 * (What such a machine publishes under the same name is the file server's, for questions without a
 * query.)
 *
 * The nonce has 16 to 64 bytes; REPORTDATA is as common/attestation/report_data.h has it, over the
 * current generation.  The guest agent is asked one at a time; so many wait in line, and more are
 * told when to come back.
 *
 *   400 no nonce, or none that could be one    405 neither GET nor HEAD
 *   503 with Retry-After: no evidence yet, the line is full, or the guest agent does not answer
 */
#ifndef EVIDENCE_ATTEST_H
#define EVIDENCE_ATTEST_H

#include "evidence/generation.h"
#include "evidence/guest_proof.h"

#include <event2/event.h>
#include <event2/http.h>

#define ATTEST_TAKES_NONCE                                                                   \
	"attestation.json takes ?nonce=HEX, 16 to 64 bytes of your own choice, so that the " \
	"answer cannot be a recording"

/* So many questions are answered before HAProxy gives up (after 60 s). */
enum { ATTEST_WAITING_MAX = 8 };

/* How long the last question in line waits if the guest agent answers none of those before it. */
enum { ATTEST_ANSWER_MAX_MS = ATTEST_WAITING_MAX * GUEST_PROOF_MAX_MS };

struct attest;

/* `folder` is EVIDENCE_DIR, open; `asker` is taken over (see asker.h).  `failed` is called when
 * the asker has died, after which no question can be answered. */
struct attest *attest_new(struct event_base *base, int folder, int asker, void (*failed)(void *arg),
			  void *arg, struct error *err);
void attest_free(struct attest *attest);

/* Sends the answer to one request, later. */
void attest_answer(struct attest *attest, struct evhttp_request *request);

#endif
