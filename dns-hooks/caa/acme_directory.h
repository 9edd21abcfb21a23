/* What a CA says about itself in its ACME directory (RFC 8555 section 7.1.1). */
#ifndef DNS_HOOKS_CAA_ACME_DIRECTORY_H
#define DNS_HOOKS_CAA_ACME_DIRECTORY_H

#include "common/error.h"
#include "common/json.h"
#include "dns-hooks/records/caa.h"

/*
 * The names by which the CA recognises itself in CAA records (meta.caaIdentities).  Let's
 * Encrypt's are known, should its directory not be reachable; any other CA that names none
 * cannot be pinned, which is an error.
 */
int acme_caa_identities(const char *directory_url, const char *ca_bundle,
			struct caa_identities *identities, struct error *err);

/* The same out of a parsed directory.  0 with a count of 0 when it has none; names that are no
 * domain names are passed over. */
void acme_read_identities(const cJSON *directory, struct caa_identities *identities);

#endif
