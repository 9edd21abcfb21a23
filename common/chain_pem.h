/*
 * The texts of a certificate chain and its key, so that every reader of PEM makes the same of them.
 * Programs differ in what else they bear in such files, and HAProxy does not start at all for one
 * file that it cannot read.
 */
#ifndef COMMON_CHAIN_PEM_H
#define COMMON_CHAIN_PEM_H

#include "common/buffer.h"
#include "common/error.h"

#include <stddef.h>

/* 0 when all certificates of the text can be read, and are strong enough for HAProxy. */
int chain_check(const char *pem, size_t length, struct error *err);

/* Takes from a chain and a key, which certificate_check_key() found good, what is no certificate
 * and no key: a byte order mark, comments, parameters of a curve, a key among the certificates.
 * Texts without such things are left as they are. */
int chain_tidy(struct buffer *chain, struct buffer *key, struct error *err);

#endif
