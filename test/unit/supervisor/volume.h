/* A certificate volume, and folders in which certbot has made a certificate: written quickly, by
 * hand. */
#ifndef TEST_UNIT_SUPERVISOR_VOLUME_H
#define TEST_UNIT_SUPERVISOR_VOLUME_H

#include "test/unit/common/certificates.h"

#include "common/certificate.h"

#include <unistd.h>

static const char *const volume_kinds[4] = {"cert", "privkey", "chain", "fullchain"};

static inline void write_text(const char *folder, const char *name, const char *text)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void make_folder(const char *path)
{
	struct error err = ERROR_INIT;

	if (file_make_dirs(path, 0700, &err) != 0)
		fail_msg("%s", err.text);
}

/* A certificate and its key, made once for each test program and pair of arguments. */
struct made_pair {
	char *chain, *key;
	char serial[CERTIFICATE_SERIAL_MAX];
};

static inline struct made_pair make_pair_of(const char *const *names, long serial, bool matching)
{
	EVP_PKEY *key = make_key(), *other = matching ? key : make_key();
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *general = GENERAL_NAMES_new();
	struct error err = ERROR_INIT;
	struct made_pair made;

	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
	for (; *names != NULL; names++)
		add_name(general, *names, strlen(*names));
	set_names(x509, general);
	made.chain = sign(x509, key);
	made.key = key_to_pem(other, NULL);
	struct certificate *certificate = certificate_parse(made.chain, strlen(made.chain), &err);
	assert_non_null(certificate);
	snprintf(made.serial, sizeof(made.serial), "%s", certificate->serial);
	certificate_free(certificate);
	if (!matching)
		EVP_PKEY_free(other);
	EVP_PKEY_free(key);
	return made;
}

static inline struct made_pair make_pair(const char *name, long serial, bool matching)
{
	const char *const names[] = {name, NULL};

	return make_pair_of(names, serial, matching);
}

static inline void free_pair(struct made_pair *pair)
{
	free(pair->chain);
	free(pair->key);
}

static inline void write_twice(const char *folder, const char *file, const char *text)
{
	char *both = NULL;

	assert_true(asprintf(&both, "%s%s", text, text) > 0);
	write_text(folder, file, both);
	free(both);
}

/*
 * archive/LINEAGE with a version and live/LINEAGE leading there, as certbot has them.  The
 * certificate is signed by itself, so it is its chain as well; certbot wants fullchain to be both,
 * one behind the other.
 */
static inline void put_version(const char *volume, const char *lineage, unsigned version,
			       const struct made_pair *pair)
{
	char live[512], archive[512], file[64], target[600], link_path[600];

	snprintf(live, sizeof(live), "%s/live/%s", volume, lineage);
	snprintf(archive, sizeof(archive), "%s/archive/%s", volume, lineage);
	make_folder(live);
	make_folder(archive);
	for (int i = 0; i < 4; i++) {
		snprintf(file, sizeof(file), "%s%u.pem", volume_kinds[i], version);
		if (i == 3)
			write_twice(archive, file, pair->chain);
		else
			write_text(archive, file, i == 1 ? pair->key : pair->chain);
		snprintf(target, sizeof(target), "../../archive/%s/%s", lineage, file);
		snprintf(link_path, sizeof(link_path), "%s/%s.pem", live, volume_kinds[i]);
		unlink(link_path);
		assert_int_equal(symlink(target, link_path), 0);
	}
}

/* renewal/LINEAGE.conf as certbot writes it. */
static inline void put_conf(const char *volume, const char *lineage, const char *parameters)
{
	char folder[512], name[300], text[8192];
	int length = snprintf(text, sizeof(text),
			      "# renew_before_expiry = 30 days\nversion = 2.1.0\n"
			      "archive_dir = %s/archive/%s\n",
			      volume, lineage);

	for (int i = 0; i < 4; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "%s = %s/live/%s/%s.pem\n", volume_kinds[i], volume, lineage,
				   volume_kinds[i]);
	snprintf(text + length, sizeof(text) - (size_t)length,
		 "\n# Options used in the renewal process\n[renewalparams]\n%s", parameters);
	snprintf(folder, sizeof(folder), "%s/renewal", volume);
	make_folder(folder);
	snprintf(name, sizeof(name), "%s.conf", lineage);
	write_text(folder, name, text);
}

#endif
