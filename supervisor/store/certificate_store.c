#include "supervisor/store/certificate_store.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "supervisor/store/renewal_conf.h"
#include "supervisor/store/store_accounts.h"
#include "supervisor/store/store_commit.h"
#include "supervisor/store/store_kept.h"
#include "supervisor/store/store_lineages.h"
#include "supervisor/store/store_mend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_TRIES = 10000, NAMES_RESERVED = 64, PATH_LENGTH_MAX = 4096, NAMES_SHOWN = 500 };

struct certificate_store {
	char *letsencrypt_dir, *server;
	struct store_lineages *lineages, *of_lego;
	struct store_accounts *accounts;
	struct store_kept *kept;	      /* or NULL */
	domain_name reserved[NAMES_RESERVED]; /* for lineages that are being ordered; "": none */
};

struct certificate_store *store_look(const char *letsencrypt_dir, const char *server,
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
	store->lineages = lineages_new(letsencrypt_dir, LAYOUT_CERTBOT, err);
	store->of_lego = lineages_new(letsencrypt_dir, LAYOUT_LEGO, err);
	store->accounts = accounts_new(letsencrypt_dir, server, err);
	if (store->lineages == NULL || store->of_lego == NULL || store->accounts == NULL)
		goto fail;
	if (store_refresh(store, &trouble) != 0)
		log_debug("%s", trouble.text);
	return store;
fail:
	store_close(store);
	return NULL;
}

/* ---- what an older setup had its certbot do */

static size_t count_programs(const char *folder)
{
	const struct dirent *entry;
	size_t count = 0;
	DIR *entries = opendir(folder);

	while (entries != NULL && (entry = readdir(entries)) != NULL)
		count += entry->d_name[0] != '.' &&
			 faccessat(dirfd(entries), entry->d_name, X_OK, 0) == 0;
	if (entries != NULL)
		closedir(entries);
	return count;
}

static void tell_unused(const char *letsencrypt_dir)
{
	static const char *const folders[] = {"pre", "deploy", "post"};
	char path[PATH_LENGTH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/renewal-hooks/%s", letsencrypt_dir, folders[i]);
		size_t count = count_programs(path);
		if (count > 0)
			log_info("%s has %zu hook%s of an older setup; they are not used", path,
				 count, count == 1 ? "" : "s");
	}
	snprintf(path, sizeof(path), "%s/cli.ini", letsencrypt_dir);
	if (file_exists(path))
		log_info("%s is of an older setup; it is not used", path);
	snprintf(path, sizeof(path), "%s/lego/accounts", letsencrypt_dir);
	if (file_exists(path))
		log_info("%s has ACME accounts of lego, which certbot cannot use: an account of "
			 "its own is registered. A CAA record that names one of them has to name "
			 "the new one, and dns-01",
			 path);
}

/* ---- whose it is */

/* A root without CAP_DAC_OVERRIDE is kept out by modes as anybody is.  What fails then says so in
 * many ways, of which none says what to do. */
static void tell_owner(const char *path)
{
	struct stat info;

	if (access(path, R_OK | W_OK | X_OK) == 0 || errno != EACCES || stat(path, &info) != 0)
		return;
	log_error("%s belongs to user %u and has mode %04o: this process, of user %u, may not use "
		  "it. Give all of the volume to user %u (chown -R), or the container the "
		  "capability DAC_OVERRIDE",
		  path, (unsigned)info.st_uid, (unsigned)info.st_mode & 07777, (unsigned)geteuid(),
		  (unsigned)geteuid());
}

static void tell_owners(const char *letsencrypt_dir)
{
	static const char *const folders[] = {"accounts", "archive", "live", "renewal"};
	char path[PATH_LENGTH_MAX];

	tell_owner(letsencrypt_dir);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", letsencrypt_dir, folders[i]);
		tell_owner(path);
	}
}

struct certificate_store *store_open(const char *letsencrypt_dir, const char *server,
				     struct error *err)
{
	struct error trouble = ERROR_INIT;

	tell_owners(letsencrypt_dir);
	/* What is there can be served, even where nothing can be written. */
	if (commit_recover(letsencrypt_dir, &trouble) != 0)
		log_warn("%s", trouble.text);
	mend_links(letsencrypt_dir);
	tell_unused(letsencrypt_dir);
	return store_look(letsencrypt_dir, server, err);
}

void store_close(struct certificate_store *store)
{
	if (store == NULL)
		return;
	lineages_free(store->lineages);
	lineages_free(store->of_lego);
	accounts_free(store->accounts);
	kept_free(store->kept);
	free(store->letsencrypt_dir);
	free(store->server);
	free(store);
}

int store_keep_in(struct certificate_store *store, const char *folder, struct error *err)
{
	store->kept = kept_new(folder, err);
	return store->kept == NULL ? -1 : 0;
}

/* ---- lineages */

int store_refresh(struct certificate_store *store, struct error *err)
{
	struct error ignored = ERROR_INIT;

	/* Without lego's folder there is what certbot has left. */
	lineages_refresh(store->of_lego, &ignored);
	return lineages_refresh(store->lineages, err);
}

int store_find(struct certificate_store *store, const char *domain, const struct lineage **found,
	       struct error *err)
{
	const struct lineage *kept = store->kept == NULL ? NULL : kept_find(store->kept, domain);
	int rc = lineages_find(store->lineages, domain, found, err);

	if (kept == NULL || (rc > 0 && (*found)->not_after > kept->not_after) ||
	    (rc > 0 && kept->is_refused && !(*found)->is_refused))
		return rc;
	*found = kept;
	return 1;
}

static bool holds_at(const struct lineage *lineage, time_t now)
{
	return lineage->not_before <= now && now < lineage->not_after;
}

const struct lineage *store_stand_in(struct certificate_store *store, const char *domain,
				     time_t now)
{
	const struct lineage *one = lineages_stand_in(store->lineages, domain, now);
	const struct lineage *other = lineages_stand_in(store->of_lego, domain, now);

	if (one == NULL || other == NULL)
		return one == NULL ? other : one;
	if (holds_at(one, now) != holds_at(other, now))
		return holds_at(one, now) ? one : other;
	return one->not_after >= other->not_after ? one : other;
}

void store_refuse(struct certificate_store *store, const char *serial, const char *spki_sha256)
{
	lineages_refuse(store->lineages, serial, spki_sha256);
	lineages_refuse(store->of_lego, serial, spki_sha256);
	if (store->kept != NULL)
		kept_refuse(store->kept, serial, spki_sha256);
}

bool store_is_foreign(const struct certificate_store *store, const struct lineage *lineage)
{
	const char *folder = lineage->is_kept ? kept_folder(store->kept) : store->letsencrypt_dir;
	char path[PATH_LENGTH_MAX];
	struct error ignored = ERROR_INIT;
	struct buffer conf;
	size_t length = 0;

	snprintf(path, sizeof(path), "%s/renewal/%s.conf", folder, lineage->name);
	buffer_init(&conf, RENEWAL_CONF_MAX);
	file_read(path, &conf, &ignored);
	const char *noted = renewal_conf_server(buffer_text(&conf), &length);
	bool is_foreign = noted != NULL && (strlen(store->server) != length ||
					    strncmp(noted, store->server, length) != 0);
	buffer_free(&conf);
	return is_foreign;
}

static domain_name *reservation_of(struct certificate_store *store, const char *name)
{
	for (size_t i = 0; i < NAMES_RESERVED; i++)
		if (strcmp(store->reserved[i], name) == 0)
			return &store->reserved[i];
	return NULL;
}

void store_give_name_back(struct certificate_store *store, const char *name)
{
	domain_name *reservation = reservation_of(store, name);

	if (reservation != NULL)
		(*reservation)[0] = '\0';
}

static bool is_on_volume(const struct certificate_store *store, const char *name)
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

static bool is_taken(struct certificate_store *store, const char *name)
{
	if (reservation_of(store, name) != NULL ||
	    (store->kept != NULL && kept_has(store->kept, name)))
		return true;
	return is_on_volume(store, name) && !lineages_is_unreadable(store->lineages, name);
}

int store_new_name(struct certificate_store *store, const char *domain, domain_name name,
		   struct error *err)
{
	const char *base = domain_base(domain);
	domain_name *reservation = reservation_of(store, "");

	if (reservation == NULL)
		return error_set(err, EXIT_TRY_LATER, "%d new lineages are being ordered",
				 NAMES_RESERVED);
	snprintf(name, sizeof(domain_name), "%s", base);
	for (int i = 1; is_taken(store, name); i++) {
		if (i == NAME_TRIES)
			return error_set(err, EXIT_FAILED,
					 "%s has no free lineage name left for %s",
					 store->letsencrypt_dir, domain);
		/* As long as names may be, the suffix must still fit. */
		snprintf(name, sizeof(domain_name), "%.*s-%04d", DOMAIN_MAX - 5, base, i);
	}
	memcpy(*reservation, name, sizeof(domain_name));
	return 0;
}

/* ---- what certbot has made */

static int check_names(const struct certificate *certificate, const char *domain, struct error *err)
{
	char names[NAMES_SHOWN] = "";
	size_t length = 0;

	if (certificate_is_exactly_for(certificate, domain))
		return 0;
	for (size_t i = 0; i < certificate->name_count && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i == 0 ? "" : ", ", certificate->names[i]);
	return error_set(err, EXIT_FAILED,
			 "the CA has issued a certificate for other names than %s alone: %s",
			 domain, names[0] == '\0' ? "none" : names);
}

static int check_made(const char *config_dir, const char *name, const char *domain,
		      struct error *err)
{
	struct certificate *certificate = NULL;
	char path[PATH_LENGTH_MAX];
	struct buffer pem;
	int rc;

	snprintf(path, sizeof(path), "%s/live/%s/fullchain.pem", config_dir, name);
	buffer_init(&pem, CERTIFICATE_PEM_MAX);
	rc = file_read(path, &pem, err);
	if (rc == 0)
		certificate = certificate_parse(buffer_text(&pem), pem.length, err);
	if (rc == 0)
		rc = certificate == NULL ? -1 : check_names(certificate, domain, err);
	certificate_free(certificate);
	buffer_free(&pem);
	return rc;
}

static int does_not_take_it(struct error *err)
{
	return error_wrap(err, "the certificate cannot be put onto the volume");
}

int store_commit(struct certificate_store *store, const char *domain, const char *name,
		 const char *config_dir, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (check_made(config_dir, name, domain, err) != 0)
		return -1;
	if (commit_lineage(store->letsencrypt_dir, name, config_dir, err) == 0) {
		lineages_wrote(store->lineages, name);
		if (store->kept != NULL)
			kept_drop(store->kept, name);
		return 0;
	}
	does_not_take_it(err);
	if (store->kept == NULL || kept_add(store->kept, name, config_dir, &ignored) != 0)
		return -1;
	return 1;
}

int store_put_kept(struct certificate_store *store, const char *domain, struct error *err)
{
	const struct lineage *found;
	domain_name name;

	if (store->kept == NULL || store_find(store, domain, &found, err) <= 0 || !found->is_kept)
		return 0;
	snprintf(name, sizeof(name), "%s", found->name);
	if (commit_lineage(store->letsencrypt_dir, name, kept_folder(store->kept), err) != 0)
		return does_not_take_it(err);
	lineages_wrote(store->lineages, name);
	kept_drop(store->kept, name);
	log_info("[%s] the volume has taken the certificate", domain);
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

int store_has_room_for_account(struct certificate_store *store, struct error *err)
{
	if (accounts_have_room(store->accounts, err) != 0)
		return error_wrap(err, "an ACME account could not be put onto the volume");
	return 0;
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
