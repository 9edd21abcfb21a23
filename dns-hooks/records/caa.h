/*
 * The CAA record (RFC 8659) with the account binding of RFC 8657: reading one, writing ours,
 * and telling which of those present bind issuance and which loosen it.
 */
#ifndef DNS_HOOKS_RECORDS_CAA_H
#define DNS_HOOKS_RECORDS_CAA_H

#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CAA_TAG_MAX = 32,
	CAA_VALUE_MAX = 2048,
	CAA_TEXT_MAX = CAA_VALUE_MAX * 2 + CAA_TAG_MAX + 16, /* every byte escaped, in quotes */
	CAA_ACCOUNT_URI_MAX = 1024,
	CAA_CRITICAL = 128, /* the flag bit */
	CAA_IDENTITIES_MAX = 8,
};

struct caa {
	unsigned flags;
	char tag[CAA_TAG_MAX]; /* lower case */
	char value[CAA_VALUE_MAX];
};

/* An issuer and the one ACME account that may have certificates from it. */
struct caa_pin {
	domain_name issuer;
	char account_uri[CAA_ACCOUNT_URI_MAX];
};

/* The names by which a CA recognises itself in a CAA record; the first is written. */
struct caa_identities {
	domain_name names[CAA_IDENTITIES_MAX];
	size_t count;
};

/* Reads `0 issue "ca.example; ..."`; -1 when it is not of that form or too long. */
int caa_parse(const char *text, struct caa *caa);
/* Puts one together from what an API holds in separate fields; -1 as above, and nothing is
 * changed. */
int caa_make(struct caa *caa, long long flags, const char *tag, const char *value);
void caa_format(const struct caa *caa, char text[CAA_TEXT_MAX]);

/* Same flags and tag, and values that mean the same to a CA: white space around the parts and
 * the order of parameters do not matter; letter case does, of the issuer as well. */
bool caa_same(const struct caa *a, const struct caa *b);

/* Whether the record is of the shape that this program writes: flags 0, issue or issuewild,
 * an issuer, and exactly validationmethods=dns-01 and accounturi; in any letter case. */
bool caa_is_pin(const struct caa *caa, struct caa_pin *pin);

/* Whether an issue or issuewild record lets nobody issue (`;`, or no issuer at all). */
bool caa_forbids_all(const struct caa *caa);

/*
 * Whether the CA has to refuse for not knowing this record's tag (RFC 8659 section 4.1): a
 * critical one that IANA has not registered.  Let's Encrypt knows fewer, and takes the lowest
 * bit of the flags for "critical" too (filterCAA in va/caa.go of its server, Boulder).
 */
bool caa_blocks(const struct caa *caa, const struct caa_identities *ca);

/* The value `ISSUER; validationmethods=dns-01; accounturi=URI` with `separator` between its
 * parts ("; ", or ";" for a provider that refuses white space). */
void caa_pin_value(const struct caa_pin *pin, const char *separator, char value[CAA_VALUE_MAX]);

/* 0 when `uri` can stand in a CAA parameter: https (or http, for test servers), printable,
 * without white space, quotes, backslashes and semicolons (RFC 8659 section 4.2). */
int caa_check_account_uri(const char *uri, struct error *err);

#endif
