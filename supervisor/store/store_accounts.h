/*
 * The ACME accounts on the volume, as certbot keeps them: accounts/SERVER/ID/ with
 * private_key.json, regr.json and meta.json.  A part of the certificate store.
 *
 * What counts of an account is its key and its URI; the rest is made anew for each order.
 */
#ifndef SUPERVISOR_STORE_STORE_ACCOUNTS_H
#define SUPERVISOR_STORE_STORE_ACCOUNTS_H

#include "supervisor/store/certificate_store.h"

struct store_accounts;

struct store_accounts *accounts_new(const char *letsencrypt_dir, const char *server,
				    struct error *err);
void accounts_free(struct store_accounts *accounts);

/* As the functions of the store. */
int accounts_find(struct store_accounts *accounts, const struct acme_account **found,
		  struct error *err);
int accounts_lend(const struct store_accounts *accounts, const char *id, const char *config_dir,
		  struct error *err);
int accounts_have_room(const struct store_accounts *accounts, struct error *err);
int accounts_commit(struct store_accounts *accounts, const char *config_dir, struct error *err);
int accounts_set_lost(struct store_accounts *accounts, const char *id, struct error *err);

#endif
