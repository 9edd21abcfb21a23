/* The ACME account as certbot keeps it: accounts/HOST/PATH/ID/regr.json on the volume. */
#ifndef SUPERVISOR_ACME_ACCOUNT_H
#define SUPERVISOR_ACME_ACCOUNT_H

#include "common/error.h"

struct acme_account {
	char *id;	 /* certbot's --account */
	char *uri;	 /* RFC 8555 section 7.3; what a CAA accounturi names */
	char *regr_path; /* published as acme-account.json */
};

/* Finds the account for the directory URL `server`; of several, the one that was used
 * last.  1 found, 0 none, -1 the volume cannot be read. */
int acme_account_find(const char *letsencrypt_dir, const char *server, struct acme_account *account,
		      struct error *err);
void acme_account_clear(struct acme_account *account);

#endif
