/*
 * `ingress-evidence webhook`: tells the operator's webhook which records he is to make.
 *
 * The guest agent is asked who this is and for a quote over the payload (webhook_payload.h); one
 * that does not answer does not keep the webhook from being told.
 */
#ifndef EVIDENCE_WEBHOOK_H
#define EVIDENCE_WEBHOOK_H

#include "common/error.h"
#include "common/settings.h"

enum { WEBHOOK_TRIES = 3 };

/*
 * Reads the task from `input` and posts it to DNS_WEBHOOK_URL, WEBHOOK_TRIES times at most, each of
 * which may take DNS_WEBHOOK_TIMEOUT.  Gives up root before anything is sent.  0 once the receiver
 * has answered 2xx; -1 with err (EXIT_UNREACHABLE, EXIT_TRY_LATER, EXIT_FAILED for another answer,
 * EXIT_BAD_CONFIG without a URL or with a token that cannot be read).
 */
int webhook_tell(const struct settings *settings, int input, struct error *err);

#endif
