/*
 * The private key of an ACME account as certbot keeps it: private_key.json, a JSON Web Key (RFC
 * 7517, RFC 7518 section 6.2 and 6.3) for RSA or an elliptic curve.
 */
#ifndef SUPERVISOR_STORE_ACCOUNT_KEY_H
#define SUPERVISOR_STORE_ACCOUNT_KEY_H

#include "common/error.h"

enum { ACCOUNT_KEY_MAX = 64 * 1024 };

/* 0 when certbot could sign with the key in the file; else err says what is wrong with it.  No
 * message quotes anything of it. */
int account_key_check(const char *path, struct error *err);

#endif
