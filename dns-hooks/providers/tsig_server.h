/*
 * A DNS server that is talked to by TCP with every message signed (RFC 8945): what RFC 2136
 * updates, and the reads before them, go through.
 */
#ifndef DNS_HOOKS_PROVIDERS_TSIG_SERVER_H
#define DNS_HOOKS_PROVIDERS_TSIG_SERVER_H

#include "common/error.h"
#include "common/settings.h"
#include "dns-hooks/resolve/dns_query.h"

#include <stddef.h>

enum { TSIG_ADDRESSES_MAX = 8, TSIG_ALGORITHM_MAX = 32, TSIG_SECRET_MAX = 1024 };

struct tsig_server {
	struct endpoint endpoint; /* as given: for messages and for finding the addresses */
	struct dns_server addresses[TSIG_ADDRESSES_MAX];
	size_t count; /* 0 until the first exchange */
	domain_name key_name;
	char algorithm[TSIG_ALGORITHM_MAX]; /* "hmac-sha256." */
	char secret[TSIG_SECRET_MAX];	    /* base64 */
};

/*
 * Signs `message`, sends it, and returns the answer (ldns_pkt_free() by the caller) once its
 * signature has been checked, whatever its response code.  An answer that says what is wrong
 * with the key, or an unsigned refusal, is an error with a sentence of its own.
 */
ldns_pkt *tsig_exchange(struct tsig_server *server, ldns_pkt *message, struct error *err);

/* The two halves of it: signing a message, and judging the `reply` that `from` sent to one that
 * was signed. */
int tsig_sign(const struct tsig_server *server, ldns_pkt *message, struct error *err);
ldns_pkt *tsig_read_answer(const struct tsig_server *server, const ldns_pkt *message,
			   const struct dns_server *from, const uint8_t *reply, size_t length,
			   struct error *err);

/* A sentence for a response code that stops us, with the exit code that fits it.  `what` is
 * what was asked for ("to update the zone demo.test").  Returns -1. */
int tsig_explain_rcode(const struct tsig_server *server, const ldns_pkt *answer, const char *what,
		       struct error *err);

#endif
