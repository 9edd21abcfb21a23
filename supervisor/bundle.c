#include "supervisor/bundle.h"

#include "common/buffer.h"
#include "common/file.h"
#include "supervisor/lineage.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { PATH_LENGTH_MAX = 4096 };

/* A lineage's two files in memory. */
struct pair {
	struct buffer chain;
	struct buffer key;
};

static void pair_clear(struct pair *pair)
{
	if (pair->key.data != NULL)
		OPENSSL_cleanse(pair->key.data, pair->key.length);
	buffer_free(&pair->key);
	buffer_free(&pair->chain);
}

static int pair_read(const struct lineage *lineage, struct pair *pair, struct error *err)
{
	buffer_init(&pair->chain, CERTIFICATE_PEM_MAX);
	buffer_init(&pair->key, CERTIFICATE_PEM_MAX);
	if (file_read(lineage->fullchain_path, &pair->chain, err) != 0)
		return -1;
	return file_read(lineage->privkey_path, &pair->key, err);
}

static void show_day(time_t when, char text[32])
{
	struct tm parts;

	gmtime_r(&when, &parts);
	strftime(text, 32, "%Y-%m-%d %H:%M UTC", &parts);
}

static int check_certificate(const struct certificate *certificate, const char *domain, time_t now,
			     struct error *err)
{
	char day[32];

	if (!certificate_is_exactly_for(certificate, domain))
		return error_set(err, EXIT_FAILED,
				 "it is not for exactly %s (its first name is %s)", domain,
				 certificate->name_count > 0 ? certificate->names[0] : "none");
	if (now >= certificate->not_after) {
		show_day(certificate->not_after, day);
		return error_set(err, EXIT_FAILED, "it expired at %s", day);
	}
	return 0;
}

/* Judges what was read, not what the lineage was seen to hold earlier: certbot may have
 * replaced the files in between. */
static int pair_check(const struct pair *pair, const struct lineage *lineage, const char *domain,
		      time_t now, struct bundle *bundle, struct error *err)
{
	struct certificate *certificate =
	    certificate_parse(pair->chain.data, pair->chain.length, err);
	int rc = -1;

	if (certificate == NULL)
		goto out;
	if (check_certificate(certificate, domain, now, err) != 0)
		goto out;
	if (certificate_check_key(pair->chain.data, pair->chain.length, pair->key.data,
				  pair->key.length, err) != 0)
		goto out;
	bundle->present = true;
	bundle->not_before = certificate->not_before;
	bundle->not_after = certificate->not_after;
	snprintf(bundle->serial, sizeof(bundle->serial), "%s", certificate->serial);
	memcpy(bundle->spki, certificate->spki_sha256, sizeof(bundle->spki));
	rc = 0;
out:
	if (rc != 0)
		error_wrap(err, "the certificate of lineage %s is refused", lineage->name);
	certificate_free(certificate);
	return rc;
}

int bundle_check(const struct lineage *lineage, const char *domain, time_t now, struct error *err)
{
	struct bundle ignored;
	struct pair pair;
	int rc = pair_read(lineage, &pair, err);

	if (rc == 0)
		rc = pair_check(&pair, lineage, domain, now, &ignored, err);
	pair_clear(&pair);
	return rc;
}

void bundle_file_name(const char *domain, char name[BUNDLE_NAME_MAX])
{
	snprintf(name, BUNDLE_NAME_MAX, "%s%s", domain_is_wildcard(domain) ? "_wildcard." : "",
		 domain_base(domain));
}

/* The chain goes first: HAProxy reads only the bundle, so a crash in between leaves the
 * evidence one certificate ahead at worst, and the next start writes both again. */
static int pair_write(const struct pair *pair, const char *domain, const char *folder,
		      struct error *err)
{
	char name[BUNDLE_NAME_MAX];
	char path[PATH_LENGTH_MAX];
	struct buffer both;
	int rc;

	bundle_file_name(domain, name);
	snprintf(path, sizeof(path), "%s/%s.chain.pem", folder, name);
	if (file_write(path, 0644, pair->chain.data, pair->chain.length, err) != 0)
		return -1;
	buffer_init(&both, (size_t)2 * CERTIFICATE_PEM_MAX + 1);
	buffer_append(&both, pair->chain.data, pair->chain.length);
	buffer_puts(&both, "\n"); /* a chain without a final newline must not join the key */
	buffer_append(&both, pair->key.data, pair->key.length);
	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	rc = buffer_check(&both, path, err);
	if (rc == 0) {
		rc = file_write(path, 0600, both.data, both.length, err);
		OPENSSL_cleanse(both.data, both.length);
	}
	buffer_free(&both);
	return rc;
}

int bundle_install(const struct lineage *lineage, const char *domain, const char *folder,
		   time_t now, struct bundle *bundle, struct error *err)
{
	struct bundle fresh = {0};
	struct pair pair;
	int rc = pair_read(lineage, &pair, err);

	if (rc == 0)
		rc = pair_check(&pair, lineage, domain, now, &fresh, err);
	if (rc == 0)
		rc = pair_write(&pair, domain, folder, err);
	if (rc == 0)
		*bundle = fresh;
	pair_clear(&pair);
	return rc;
}
