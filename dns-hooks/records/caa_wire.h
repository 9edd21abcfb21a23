/* CAA records as DNS carries them (RFC 8659 section 4.1). */
#ifndef DNS_HOOKS_RECORDS_CAA_WIRE_H
#define DNS_HOOKS_RECORDS_CAA_WIRE_H

#include "dns-hooks/records/caa.h"

#include <ldns/ldns.h>

/* Exactly what is there; -1 when it cannot be said in struct caa: odd bytes, or too long. */
int caa_from_rr(const ldns_rr *rr, struct caa *caa);

/*
 * The same for judging: what cannot be said exactly becomes a tag that nobody knows
 * ("unreadable"), or a value that names no CA there is.
 */
void caa_from_rr_loosely(const ldns_rr *rr, struct caa *caa);

#endif
