/*
 * certbot's lineages on the certificate volume (LETSENCRYPT_DIR/live/NAME/...).
 *
 * certbot files a wildcard under its bare name, and an adopted volume has names of its
 * own making: a lineage is therefore found by the exact set of names in its certificate,
 * never by what its folder is called.
 */
#ifndef SUPERVISOR_LINEAGE_H
#define SUPERVISOR_LINEAGE_H

#include "common/certificate.h"
#include "common/domain.h"
#include "common/error.h"

#include <stdbool.h>

struct lineage {
	char *name; /* certbot's --cert-name */
	char *fullchain_path;
	char *privkey_path;
	struct certificate *certificate; /* the leaf */
	bool has_its_key; /* privkey.pem can be read and belongs to the certificate */
};

/* Finds the lineage whose certificate is for exactly `domain`; of several the one that
 * ends last, where there is one among those that have their keys.  1 found, 0 there is none, -1 the
 * volume cannot be read.  A lineage that cannot be read or parsed is passed over with a warning. */
int lineage_find(const char *letsencrypt_dir, const char *domain, struct lineage *found,
		 struct error *err);
void lineage_clear(struct lineage *lineage);

/* Whether certbot noted (renewal/NAME.conf) that the lineage came from another ACME server
 * than `server`: staging, say.  Where it noted nothing, it did not. */
bool lineage_is_foreign(const char *letsencrypt_dir, const struct lineage *lineage,
			const char *server);

/* A --cert-name for a new lineage of `domain` that collides with nothing certbot has ever
 * put on the volume: the bare name, or with "-0001" and so on behind it, as certbot does. */
int lineage_new_name(const char *letsencrypt_dir, const char *domain, domain_name name,
		     struct error *err);

#endif
