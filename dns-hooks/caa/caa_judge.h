/* Whether a CA may issue by the CAA records that it finds (RFC 8659 section 4, RFC 8657); pure. */
#ifndef DNS_HOOKS_CAA_CAA_JUDGE_H
#define DNS_HOOKS_CAA_CAA_JUDGE_H

#include "common/error.h"
#include "dns-hooks/records/caa.h"

#include <stdbool.h>
#include <stddef.h>

/* The records of one name. */
struct caa_set {
	struct caa *items; /* owned */
	size_t count;
};

void caa_set_free(struct caa_set *set);
/* A copy of `caa`; -1 when memory ran out. */
int caa_set_add(struct caa_set *set, const struct caa *caa, struct error *err);

/* Who asks for a certificate, by dns-01. */
struct caa_applicant {
	const struct caa_identities *ca; /* at least one */
	const char *account_uri;	 /* NULL: not known, so not compared */
	bool is_wildcard;
};

/*
 * Whether the CA issues by this set, which is not empty.  False with a sentence part in `why`
 * that quotes the record in the way and says what to change ("CAA 0 issue \";\" lets nobody
 * issue: ...").
 *
 * Tags of parameters, methods and account URIs are compared exactly, as Let's Encrypt does,
 * and so is the issuer.
 */
bool caa_set_permits(const struct caa_set *set, const struct caa_applicant *applicant,
		     struct error *why);

/*
 * Whether this set, which is not empty, lets nobody have certificates but the account: each of the
 * records that count (issue; for a wildcard issuewild if there are any) names it once, or lets
 * nobody issue, and there is at least one.  NULL: some account.  False with a sentence part in
 * `why` that quotes the record by which others may.
 */
bool caa_set_binds(const struct caa_set *set, const char *account_uri, bool is_wildcard,
		   struct error *why);

#endif
