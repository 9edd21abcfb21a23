/*
 * The certificate and key that a domain is served with: one PEM file with both for HAProxy, and
 * beside it the chain alone for the evidence.
 *
 * This is the gate between what certbot wrote and what is served: a pair that does not match, is
 * for other names, was refused by HAProxy, or has expired while the one in place ends later, stays
 * outside, and what was there before stays in place.  One that has expired is served where there is
 * no better one: it may be our clock that is wrong, and clients go by theirs.
 */
#ifndef SUPERVISOR_STORE_SERVED_PAIR_H
#define SUPERVISOR_STORE_SERVED_PAIR_H

#include "common/certificate.h"
#include "common/domain.h"
#include "common/error.h"
#include "supervisor/store/certificate_store.h"

#include <stdbool.h>
#include <time.h>

/* Room for "_wildcard." in front of the longest name. */
enum { SERVED_PAIR_NAME_MAX = DOMAIN_MAX + 16 };

/* What a domain is served with. */
struct served_pair {
	bool present;
	char serial[CERTIFICATE_SERIAL_MAX];
	char spki[CERTIFICATE_SPKI_SIZE]; /* of the key, see certificate.h */
	time_t not_before, not_after;
	/* The lineage of another certificate that stands in, see store_stand_in(); "": it is the
	 * domain's own */
	char stand_in[LINEAGE_SHOWN_MAX];
};

/* Whether it is the domain's own and `now` is within its time. */
bool served_pair_holds(const struct served_pair *pair, time_t now);

/* 0 when the lineage's pair may be served for `domain` at `now` in place of what is `there`; else
 * err says why not. */
int served_pair_check(const struct lineage *lineage, const char *domain,
		      const struct served_pair *there, time_t now, struct error *err);

/* Checks, then writes FOLDER/FILE.pem (chain and key, 0600) and FOLDER/FILE.chain.pem
 * (0644), and describes them in `pair`, which is unchanged on failure. */
int served_pair_install(const struct lineage *lineage, const char *domain, const char *folder,
			time_t now, struct served_pair *pair, struct error *err);

/* The same with the lineage of the store that is for exactly `domain`, or with one that stands in
 * while that is not there, not fit, or expired: 1 installed, 0 there is none, -1. */
int served_pair_install_from(struct certificate_store *store, const char *domain,
			     const char *folder, time_t now, struct served_pair *pair,
			     struct error *err);

/* The same with what an earlier call wrote to SERVED/FILE.pem, chain and key in one file; -1 also
 * when that is what is installed. */
int served_pair_take_back(const char *served, const char *domain, const char *folder, time_t now,
			  struct served_pair *pair, struct error *err);

/* The name of a domain's files without their suffix: the name itself, or
 * "_wildcard.base" ('_' cannot stand in a certificate's domain, so nothing collides). */
void served_pair_file_name(const char *domain, char name[SERVED_PAIR_NAME_MAX]);

#endif
