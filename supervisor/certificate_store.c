#include "supervisor/certificate_store.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/renewal_conf.h"
#include "supervisor/store_accounts.h"
#include "supervisor/store_commit.h"
#include "supervisor/store_lineages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TRIES = 10000, PATH_LENGTH_MAX = 4096 };

struct certificate_store {
	char *letsencrypt_dir, *server;
	struct store_lineages *lineages;
	struct store_accounts *accounts;
};

struct certificate_store *store_open(const char *letsencrypt_dir, const char *server,
				     struct error *err)
{
	struct certificate_store *store = calloc(1, sizeof(*store));
	struct error trouble = ERROR_INIT;

	if (store == NULL) {
		error_no_memory(err);
		return NULL;
	}
	store->letsencrypt_dir = strdup(letsencrypt_dir);
	store->server = strdup(server);
	if (store->letsencrypt_dir == NULL || store->server == NULL) {
		error_no_memory(err);
		goto fail;
	}
	/* What is there can be served, even where nothing can be written. */
	if (commit_recover(letsencrypt_dir, &trouble) != 0)
		log_warn("%s", trouble.text);
	store->lineages = lineages_new(letsencrypt_dir, err);
	store->accounts = accounts_new(letsencrypt_dir, server, err);
	if (store->lineages == NULL || store->accounts == NULL)
		goto fail;
	if (lineages_refresh(store->lineages, &trouble) != 0)
		log_debug("%s", trouble.text);
	return store;
fail:
	store_close(store);
	return NULL;
}

void store_close(struct certificate_store *store)
{
	if (store == NULL)
		return;
	lineages_free(store->lineages);
	accounts_free(store->accounts);
	free(store->letsencrypt_dir);
	free(store->server);
	free(store);
}

/* ---- lineages */

int store_refresh(struct certificate_store *store, struct error *err)
{
	return lineages_refresh(store->lineages, err);
}

int store_find(struct certificate_store *store, const char *domain, const struct lineage **found,
	       struct error *err)
{
	return lineages_find(store->lineages, domain, found, err);
}

bool store_is_foreign(const struct certificate_store *store, const struct lineage *lineage)
{
	char path[PATH_LENGTH_MAX];
	struct error ignored = ERROR_INIT;
	struct buffer conf;
	size_t length = 0;

	snprintf(path, sizeof(path), "%s/renewal/%s.conf", store->letsencrypt_dir, lineage->name);
	buffer_init(&conf, RENEWAL_CONF_MAX);
	file_read(path, &conf, &ignored);
	const char *noted = renewal_conf_server(buffer_text(&conf), &length);
	bool is_foreign = noted != NULL && (strlen(store->server) != length ||
					    strncmp(noted, store->server, length) != 0);
	buffer_free(&conf);
	return is_foreign;
}

static bool is_taken(const struct certificate_store *store, const char *name)
{
	static const struct {
		const char *folder, *suffix;
	} places[] = {{"live", ""}, {"archive", ""}, {"renewal", ".conf"}};
	char path[PATH_LENGTH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s%s", store->letsencrypt_dir, places[i].folder,
			 name, places[i].suffix);
		if (file_exists(path))
			return true;
	}
	return false;
}

int store_new_name(const struct certificate_store *store, const char *domain, domain_name name,
		   struct error *err)
{
	const char *base = domain_base(domain);

	snprintf(name, sizeof(domain_name), "%s", base);
	for (int i = 1; is_taken(store, name) && !lineages_is_unreadable(store->lineages, name);
	     i++) {
		if (i == NAME_TRIES)
			return error_set(err, EXIT_FAILED,
					 "%s has no free lineage name left for %s",
					 store->letsencrypt_dir, domain);
		/* As long as names may be, the suffix must still fit. */
		snprintf(name, sizeof(domain_name), "%.*s-%04d", DOMAIN_MAX - 5, base, i);
	}
	return 0;
}

int store_commit(struct certificate_store *store, const char *name, const char *config_dir,
		 struct error *err)
{
	if (commit_lineage(store->letsencrypt_dir, name, config_dir, err) != 0)
		return error_wrap(err, "the certificate cannot be put onto the volume");
	return 0;
}

/* ---- accounts */

int store_account(struct certificate_store *store, const struct acme_account **account,
		  struct error *err)
{
	return accounts_find(store->accounts, account, err);
}

int store_lend_account(const struct certificate_store *store, const char *id,
		       const char *config_dir, struct error *err)
{
	return accounts_lend(store->accounts, id, config_dir, err);
}

int store_commit_account(struct certificate_store *store, const char *config_dir, struct error *err)
{
	if (accounts_commit(store->accounts, config_dir, err) != 0)
		return error_wrap(err, "the ACME account cannot be put onto the volume");
	return 0;
}

int store_account_is_lost(struct certificate_store *store, const char *id, struct error *err)
{
	return accounts_set_lost(store->accounts, id, err);
}
