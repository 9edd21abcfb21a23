/* What Intel's PCS answers, taken apart; nothing of it is believed yet. */
#ifndef SUPERVISOR_VERIFY_PCS_ANSWER_H
#define SUPERVISOR_VERIFY_PCS_ANSWER_H

#include "common/buffer.h"
#include "common/error.h"

#include <cjson/cJSON.h>

/*
 * A signed text ({"tcbInfo": {...}, "signature": HEX}, `member` names the first) goes into
 * `collateral` to the byte, since it is signed to the byte, with its signature and the chain of
 * its signer (percent-encoded PEM, of a header), as `name`, NAME_signature and NAME_issuer_chain.
 */
int pcs_add_signed(cJSON *collateral, const char *name, const char *member,
		   const struct buffer *body, const char *chain, struct error *err);

/* A revocation list, DER or (of a PCCS) hex of it, goes into `collateral` as hex. */
int pcs_add_crl(cJSON *collateral, const char *name, const struct buffer *body, struct error *err);

/* The URL of the list of what the root of this chain (PEM, signer and root) has revoked, by the
 * root's own word.  free() by the caller; NULL with err. */
char *pcs_root_crl_url(const char *chain, struct error *err);

#endif
