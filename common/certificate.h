/* What the product needs to know about an X.509 certificate (RFC 5280), by OpenSSL. */
#ifndef COMMON_CERTIFICATE_H
#define COMMON_CERTIFICATE_H

#include "common/digest.h"
#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
	CERTIFICATE_PEM_MAX = 256 * 1024, /* a chain or key file */
	CERTIFICATE_SERIAL_MAX = 64,	  /* hex of a 20 byte serial, with room */
	CERTIFICATE_SPKI_SIZE = SHA256_HEX_SIZE,
	CERTIFICATE_ISSUER_MAX = 256,
};

struct certificate {
	char serial[CERTIFICATE_SERIAL_MAX]; /* upper case hex, as `openssl x509 -serial` has it */
	/* SHA-256 of the public key (SubjectPublicKeyInfo in DER), lower case hex */
	char spki_sha256[CERTIFICATE_SPKI_SIZE];
	char sha256[SHA256_HEX_SIZE];	     /* of the whole certificate in DER, lower case hex */
	char issuer[CERTIFICATE_ISSUER_MAX]; /* RFC 2253, cut if it is longer */
	time_t not_before, not_after;
	domain_name *names; /* dNSName SANs, lower case, sorted, unique; owned */
	size_t name_count;
	bool has_other_names; /* SANs that are no dNSNames: addresses, URIs, ... */
};

/* Reads the first certificate of a PEM text.  Freed with certificate_free(); NULL with err.
 * A dNSName with a NUL, white space or anything but printable ASCII in it is an error. */
struct certificate *certificate_parse(const char *pem, size_t length, struct error *err);
void certificate_free(struct certificate *certificate);

/* Whether the SANs are exactly the one name. */
bool certificate_is_exactly_for(const struct certificate *certificate, const char *name);

/* Whether one of the SANs is `name`, or, unless that is a wildcard itself, a wildcard over it. */
bool certificate_covers(const struct certificate *certificate, const char *name);

/* 0 when the first certificate's public key belongs to the private key in `key_pem`
 * (which must not be encrypted) and all certificates can be read; -1 with err saying what is wrong.
 */
int certificate_check_key(const char *chain_pem, size_t chain_length, const char *key_pem,
			  size_t key_length, struct error *err);

#endif
