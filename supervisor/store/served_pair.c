#include "supervisor/store/served_pair.h"

#include "common/buffer.h"
#include "common/chain_pem.h"
#include "common/file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { PATH_LENGTH_MAX = 4096 };

/* A lineage's two files in memory. */
struct pem_pair {
	struct buffer chain;
	struct buffer key;
};

static void pem_clear(struct pem_pair *pem)
{
	if (pem->key.data != NULL)
		OPENSSL_cleanse(pem->key.data, pem->key.length);
	buffer_free(&pem->key);
	buffer_free(&pem->chain);
}

static int pem_read(const struct lineage *lineage, struct pem_pair *pem, struct error *err)
{
	buffer_init(&pem->chain, CERTIFICATE_PEM_MAX);
	buffer_init(&pem->key, CERTIFICATE_PEM_MAX);
	if (file_read(lineage->fullchain_path, &pem->chain, err) != 0)
		return -1;
	return file_read(lineage->privkey_path, &pem->key, err);
}

static void show_day(time_t when, char text[32])
{
	struct tm parts;

	gmtime_r(&when, &parts);
	strftime(text, 32, "%Y-%m-%d %H:%M UTC", &parts);
}

/* One that has expired is better than none: it may be our clock that is wrong. */
static int check_certificate(const struct certificate *certificate, const char *domain,
			     const struct served_pair *there, time_t now, struct error *err)
{
	char day[32];

	if (!certificate_covers(certificate, domain))
		return error_set(err, EXIT_FAILED, "it is not for %s (its first name is %s)",
				 domain,
				 certificate->name_count > 0 ? certificate->names[0] : "none");
	if (now >= certificate->not_after && there->present &&
	    there->not_after > certificate->not_after) {
		show_day(certificate->not_after, day);
		return error_set(err, EXIT_FAILED, "it expired at %s", day);
	}
	return 0;
}

/* Judges what was read, not what the lineage was seen to hold earlier: certbot may have
 * replaced the files in between. */
static int pem_check(const struct pem_pair *pem, const struct lineage *lineage, const char *domain,
		     time_t now, const struct served_pair *there, struct served_pair *pair,
		     struct error *err)
{
	struct certificate *certificate = NULL;
	int rc = -1;

	if (lineage->is_refused) {
		error_set(err, EXIT_FAILED, "HAProxy does not start with it");
		goto out;
	}
	certificate = certificate_parse(pem->chain.data, pem->chain.length, err);
	if (certificate == NULL)
		goto out;
	if (check_certificate(certificate, domain, there, now, err) != 0)
		goto out;
	if (certificate_check_key(pem->chain.data, pem->chain.length, pem->key.data,
				  pem->key.length, err) != 0)
		goto out;
	pair->present = true;
	pair->not_before = certificate->not_before;
	pair->not_after = certificate->not_after;
	snprintf(pair->serial, sizeof(pair->serial), "%s", certificate->serial);
	memcpy(pair->spki, certificate->spki_sha256, sizeof(pair->spki));
	snprintf(pair->stand_in, sizeof(pair->stand_in), "%s",
		 lineage->is_stand_in ? lineage->name : "");
	rc = 0;
out:
	if (rc != 0)
		error_wrap(err, "the certificate of lineage %s is refused", lineage->name);
	certificate_free(certificate);
	return rc;
}

int served_pair_check(const struct lineage *lineage, const char *domain,
		      const struct served_pair *there, time_t now, struct error *err)
{
	struct served_pair ignored;
	struct pem_pair pem;
	int rc = pem_read(lineage, &pem, err);

	if (rc == 0)
		rc = pem_check(&pem, lineage, domain, now, there, &ignored, err);
	pem_clear(&pem);
	return rc;
}

void served_pair_file_name(const char *domain, char name[SERVED_PAIR_NAME_MAX])
{
	snprintf(name, SERVED_PAIR_NAME_MAX, "%s%s", domain_is_wildcard(domain) ? "_wildcard." : "",
		 domain_base(domain));
}

/* The chain goes first: HAProxy reads only the file with the key, so a crash in between leaves the
 * evidence one certificate ahead at worst, and the next start writes both again. */
static int pem_write(const struct pem_pair *pem, const char *domain, const char *folder,
		     struct error *err)
{
	char name[SERVED_PAIR_NAME_MAX];
	char path[PATH_LENGTH_MAX];
	struct buffer both;
	int rc;

	served_pair_file_name(domain, name);
	snprintf(path, sizeof(path), "%s/%s.chain.pem", folder, name);
	if (file_write_volatile(path, 0644, pem->chain.data, pem->chain.length, err) != 0)
		return -1;
	buffer_init(&both, (size_t)2 * CERTIFICATE_PEM_MAX + 1);
	buffer_append(&both, pem->chain.data, pem->chain.length);
	buffer_puts(&both, "\n"); /* a chain without a final newline must not join the key */
	buffer_append(&both, pem->key.data, pem->key.length);
	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	rc = buffer_check(&both, path, err);
	if (rc == 0) {
		rc = file_write_volatile(path, 0600, both.data, both.length, err);
		OPENSSL_cleanse(both.data, both.length);
	}
	buffer_free(&both);
	return rc;
}

int served_pair_install(const struct lineage *lineage, const char *domain, const char *folder,
			time_t now, struct served_pair *pair, struct error *err)
{
	struct served_pair fresh = {0};
	struct pem_pair pem;
	int rc = pem_read(lineage, &pem, err);

	if (rc == 0)
		rc = pem_check(&pem, lineage, domain, now, pair, &fresh, err);
	if (rc == 0)
		rc = chain_tidy(&pem.chain, &pem.key, err);
	if (rc == 0)
		rc = pem_write(&pem, domain, folder, err);
	if (rc == 0)
		*pair = fresh;
	pem_clear(&pem);
	return rc;
}

/* ---- back to one that is served */

/* Where the private key begins in a file of both; NULL: nowhere. */
static const char *find_key(const char *text)
{
	static const char begin[] = "-----BEGIN ", certificate[] = "CERTIFICATE-----";

	while ((text = strstr(text, begin)) != NULL) {
		if (strncmp(text + strlen(begin), certificate, strlen(certificate)) != 0)
			return text;
		text += strlen(begin);
	}
	return NULL;
}

static int pem_read_both(const char *path, struct pem_pair *pem, struct error *err)
{
	struct buffer both;
	int rc = -1;

	buffer_init(&both, (size_t)2 * CERTIFICATE_PEM_MAX + 1);
	buffer_init(&pem->chain, CERTIFICATE_PEM_MAX);
	buffer_init(&pem->key, CERTIFICATE_PEM_MAX);
	if (file_read(path, &both, err) != 0)
		goto out;
	const char *text = buffer_text(&both), *key = find_key(text);
	if (key == NULL) {
		error_set(err, EXIT_FAILED, "there is no private key in %s", path);
		goto out;
	}
	if (key > text) /* between them pem_write() puts a line end */
		buffer_append(&pem->chain, text, (size_t)(key - text) - 1);
	buffer_puts(&pem->key, key);
	rc = buffer_check(&pem->chain, path, err) == 0 ? buffer_check(&pem->key, path, err) : -1;
out:
	if (both.data != NULL)
		OPENSSL_cleanse(both.data, both.length);
	buffer_free(&both);
	return rc;
}

/* As if it came from the lineage that it did come from, as far as the certificate tells. */
static int take_back(const struct pem_pair *pem, const char *domain, const char *folder, time_t now,
		     struct served_pair *pair, struct error *err)
{
	struct served_pair nothing = {0}, fresh = {0};
	struct certificate *certificate =
	    certificate_parse(pem->chain.data, pem->chain.length, err);
	int rc = -1;

	if (certificate != NULL && certificate->name_count > 0) {
		const struct lineage lineage = {
		    .name = certificate->names[0],
		    .is_stand_in =
			certificate->name_count > 1 || strcmp(certificate->names[0], domain) != 0,
		};
		rc = pem_check(pem, &lineage, domain, now, &nothing, &fresh, err);
	}
	if (rc == 0)
		rc = pem_write(pem, domain, folder, err);
	if (rc == 0)
		*pair = fresh;
	certificate_free(certificate);
	return rc;
}

static bool has_same_content(const char *one, const char *other)
{
	struct error ignored = ERROR_INIT;
	struct buffer texts[2];
	bool read = true;

	for (int i = 0; i < 2; i++) {
		buffer_init(&texts[i], (size_t)2 * CERTIFICATE_PEM_MAX + 1);
		read = file_read(i == 0 ? one : other, &texts[i], &ignored) == 0 && read;
	}
	bool same = read && texts[0].length == texts[1].length &&
		    memcmp(texts[0].data, texts[1].data, texts[0].length) == 0;
	for (int i = 0; i < 2; i++) {
		if (texts[i].data != NULL)
			OPENSSL_cleanse(texts[i].data, texts[i].length);
		buffer_free(&texts[i]);
	}
	return same;
}

int served_pair_take_back(const char *served, const char *domain, const char *folder, time_t now,
			  struct served_pair *pair, struct error *err)
{
	char name[SERVED_PAIR_NAME_MAX], path[PATH_LENGTH_MAX], installed[PATH_LENGTH_MAX];
	struct pem_pair pem;

	served_pair_file_name(domain, name);
	snprintf(path, sizeof(path), "%s/%s.pem", served, name);
	snprintf(installed, sizeof(installed), "%s/%s.pem", folder, name);
	if (has_same_content(path, installed))
		return error_set(err, EXIT_FAILED, "%s is what is installed", path);
	int rc = pem_read_both(path, &pem, err);
	if (rc == 0)
		rc = take_back(&pem, domain, folder, now, pair, err);
	pem_clear(&pem);
	return rc;
}

bool served_pair_holds(const struct served_pair *pair, time_t now)
{
	return pair->present && pair->stand_in[0] == '\0' && now < pair->not_after;
}

static bool holds_at(const struct lineage *lineage, time_t now)
{
	return lineage->not_before <= now && now < lineage->not_after;
}

/* In place of a domain's own one that is missing, broken or not of this time. */
static bool install_stand_in(struct certificate_store *store, const char *domain,
			     const char *folder, time_t now, bool may_be_expired,
			     struct served_pair *pair)
{
	const struct lineage *lineage = store_stand_in(store, domain, now);
	struct error ignored = ERROR_INIT;

	return lineage != NULL && (may_be_expired || holds_at(lineage, now)) &&
	       served_pair_install(lineage, domain, folder, now, pair, &ignored) == 0;
}

/* 1 installed, 0 there is none, or it is not of this time and only that is wanted, -1. */
static int install_own(struct certificate_store *store, const char *domain, const char *folder,
		       time_t now, bool may_be_expired, struct served_pair *pair, struct error *err)
{
	const struct lineage *lineage;
	int found = store_find(store, domain, &lineage, err);

	if (found <= 0 || (!may_be_expired && !holds_at(lineage, now)))
		return found < 0 ? -1 : 0;
	return served_pair_install(lineage, domain, folder, now, pair, err) == 0 ? 1 : -1;
}

int served_pair_install_from(struct certificate_store *store, const char *domain,
			     const char *folder, time_t now, struct served_pair *pair,
			     struct error *err)
{
	int own = install_own(store, domain, folder, now, false, pair, err);

	if (own > 0 || install_stand_in(store, domain, folder, now, false, pair))
		return 1;
	if (own == 0)
		own = install_own(store, domain, folder, now, true, pair, err);
	if (own > 0 || install_stand_in(store, domain, folder, now, true, pair))
		return 1;
	return own;
}
