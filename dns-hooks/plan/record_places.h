/*
 * At which names the records of a domain stand, and what the operator has to make for it; pure.
 *
 * With DELEGATION_ZONE=Z everything of a domain N stands in Z, where CNAMEs lead that the operator
 * makes once: N to N.Z, PREFIX.N to PREFIX.N.Z and _acme-challenge.N to _acme-challenge.N.Z.  Of a
 * wildcard *.B, that name and B lead to B.Z, so that a CA finds the CAA records there (RFC 8659
 * section 3), and PREFIX-wildcard.B and _acme-challenge.B to themselves in Z.
 */
#ifndef DNS_HOOKS_PLAN_RECORD_PLACES_H
#define DNS_HOOKS_PLAN_RECORD_PLACES_H

#include "common/domain.h"
#include "common/error.h"
#include "common/settings.h"

#include <stddef.h>

/* What --only chooses from. */
enum record_kinds {
	KIND_ALIAS = 1, /* DOMAIN -> GATEWAY_DOMAIN */
	KIND_TXT = 2,	/* TXT_PREFIX.DOMAIN: the app and its port */
	KIND_CAA = 4,	/* base of DOMAIN: who may issue */
	KIND_ALL = KIND_ALIAS | KIND_TXT | KIND_CAA,
};

struct record_places {
	domain_name alias, txt, caa, challenge;
};

/* -1 (EXIT_BAD_CONFIG) when one of the names would be too long. */
int record_places_find(const struct settings *settings, const char *domain,
		       struct record_places *places, struct error *err);

enum { DELEGATION_CNAMES_MAX = 4 };

struct delegation_cname {
	domain_name name, target;
	const char *note; /* what it is for; a sentence part */
};

/* The operator's CNAMEs for a domain, of those that `kinds` asks for (KIND_ALIAS: that of the
 * challenge as well); none without delegation.  How many; -1 as above. */
int delegation_cnames(const struct settings *settings, const char *domain, unsigned kinds,
		      struct delegation_cname cnames[DELEGATION_CNAMES_MAX], struct error *err);

/* The one of its challenge: 1, 0 without delegation, or -1. */
int delegation_challenge_cname(const struct settings *settings, const char *domain,
			       struct delegation_cname *cname, struct error *err);

#endif
