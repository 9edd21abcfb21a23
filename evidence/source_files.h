/*
 * The files that evidence is made of, read and checked.  Everybody can read what is published, so a
 * file with anything else in it than is meant to be public is refused.
 */
#ifndef EVIDENCE_SOURCE_FILES_H
#define EVIDENCE_SOURCE_FILES_H

#include "common/buffer.h"
#include "common/error.h"

enum { ACCOUNT_MAX = 64 * 1024 };

/*
 * certbot's regr.json of the ACME account: must be a JSON object in which no private key is
 * to be seen, neither as a JWK (RFC 7518 section 6: d, p, q, dp, dq, qi, oth, k) nor in PEM.
 * `text` (empty) receives it as it is.
 */
int source_read_account(const char *path, struct buffer *text, struct error *err);

/* A certificate chain: must be X.509 certificates in PEM and white space, nothing else.
 * `text` (empty) receives it as it is. */
int source_read_chain(const char *path, struct buffer *text, struct error *err);

#endif
