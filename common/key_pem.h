/*
 * Keys as OpenSSL reads them, thousands in a row.  For every single one OpenSSL 3 looks through all
 * that its providers can decode, which takes ten times as long as reading it: here that is done
 * once.  Not for several threads.
 */
#ifndef COMMON_KEY_PEM_H
#define COMMON_KEY_PEM_H

#include "common/error.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

/* The first private key of a PEM text, freed by EVP_PKEY_free().  NULL with err; so is one that is
 * encrypted. */
EVP_PKEY *key_read_private(const char *pem, size_t length, struct error *err);

/* The first certificate of a PEM text, whose public key is looked at by key_of_certificate() alone
 * (X509_get0_pubkey() has none).  Freed by X509_free(); NULL with err. */
X509 *key_read_certificate(const char *pem, size_t length, struct error *err);
/* The next one of a text that key_open_pem() has opened; NULL with OpenSSL's reason in its queue.
 */
X509 *key_next_certificate(BIO *bio);
/* Freed by EVP_PKEY_free(); NULL with err. */
EVP_PKEY *key_of_certificate(X509 *certificate, struct error *err);

/* Freed by BIO_free(); NULL with err when there is more than a chain or a key may have. */
BIO *key_open_pem(const char *pem, size_t length, const char *what, struct error *err);

/* Sets err to `what` with OpenSSL's reason behind it, and empties OpenSSL's queue. */
int key_error(struct error *err, const char *what);

#endif
