/* Between this program's records and the resource records of ldns. */
#ifndef DNS_HOOKS_RECORDS_RECORD_RR_H
#define DNS_HOOKS_RECORDS_RECORD_RR_H

#include "common/error.h"
#include "dns-hooks/records/record.h"

#include <ldns/ldns.h>

/* A resource record of class IN; ldns_rr_free() by the caller.  NULL with err. */
ldns_rr *record_to_rr(const struct record *record, struct error *err);

/* The same without rdata: `class` and `type` speak of the whole set or name (RFC 2136
 * sections 2.4 and 2.5). */
ldns_rr *record_bare_rr(const char *name, ldns_rr_class class, ldns_rr_type type,
			struct error *err);

/* The id of a CAA record is its tag in the letters in which it stands there. */
int record_from_rr(const ldns_rr *rr, struct record *record, struct error *err);

#endif
