/* Getting a site's evidence, and the certificate that it comes by. */
#ifndef SUPERVISOR_VERIFY_FETCH_H
#define SUPERVISOR_VERIFY_FETCH_H

#include "common/error.h"
#include "supervisor/verify/material.h"

/*
 * Gets sha256sum.txt, the files that it lists, quote.json (attestation.bin, where there is no such
 * file), and an answer to a nonce of ours from
 * https://HOST[:PORT]/evidences/. Every connection has to show the same certificate, sha256sum.txt
 * the same text before and after, and the evidence has to name that certificate: a site publishes
 * the evidence of a new one before it serves it. If one of this is not so, all of it is fetched
 * again, some seconds long; then what there is is to be judged. `connect_to`: "ADDRESS:PORT" to
 * dial instead; may be NULL. EXIT_UNREACHABLE when the site does not answer, EXIT_FAILED when it
 * has no evidence.
 */
int fetch_evidence(const char *url, const char *connect_to, struct material *material,
		   struct error *err);

#endif
