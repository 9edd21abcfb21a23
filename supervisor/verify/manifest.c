#include "supervisor/verify/manifest.h"

#include "common/digest.h"
#include "common/domain.h"
#include "common/json.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

cJSON *manifest_parse(const char *text, size_t length, struct error *err)
{
	cJSON *manifest = json_parse(text, length, "the manifest", err);
	const char *schema = manifest == NULL ? NULL : json_string(manifest, "schema");

	if (manifest == NULL)
		return NULL;
	if (schema != NULL && strcmp(schema, "dstack-ingress/manifest/v1") == 0)
		return manifest;
	error_set(err, EXIT_FAILED,
		  "the manifest's schema is \"%.60s\"; only "
		  "dstack-ingress/manifest/v1 is known",
		  schema == NULL ? "" : schema);
	cJSON_Delete(manifest);
	return NULL;
}

/* ---- the live certificate */

/* sha256 of the first certificate's DER; false when it cannot be had. */
static bool leaf_digest(const struct buffer *chain_pem, char digest[SHA256_HEX_SIZE])
{
	BIO *text = BIO_new_mem_buf(buffer_text(chain_pem), (int)chain_pem->length);
	X509 *leaf = text == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);
	unsigned char *der = NULL;
	int length = leaf == NULL ? 0 : i2d_X509(leaf, &der);
	struct error ignored = ERROR_INIT;
	bool made = length > 0 && digest_sha256_hex(der, (size_t)length, digest, &ignored) == 0;

	OPENSSL_free(der);
	X509_free(leaf);
	BIO_free(text);
	ERR_clear_error();
	return made;
}

static const cJSON *find_name(const cJSON *manifest, const char *host)
{
	const cJSON *entry, *wildcard = NULL;

	cJSON_ArrayForEach(entry, json_array(manifest, "names"))
	{
		const char *name = json_string(entry, "name");
		if (name != NULL && strcmp(name, host) == 0)
			return entry;
		if (name != NULL && domain_covers(name, host))
			wildcard = entry;
	}
	return wildcard;
}

void manifest_judge_certificate(const cJSON *manifest, const char *host,
				const struct buffer *chain_pem, struct findings *findings)
{
	const cJSON *entry = find_name(manifest, host);
	const char *listed = entry == NULL ? NULL : json_string(entry, "certificate_sha256");
	const char *origin = entry == NULL ? NULL : json_string(entry, "origin");
	char digest[SHA256_HEX_SIZE];

	if (chain_pem->length == 0)
		findings_skip(findings, CHECK_MANIFEST, "nobody was dialled");
	else if (listed == NULL)
		findings_fail(findings, CHECK_MANIFEST, "the manifest does not name %s", host);
	else if (!leaf_digest(chain_pem, digest) || strcasecmp(digest, listed) != 0)
		findings_fail(findings, CHECK_MANIFEST,
			      "the manifest has another certificate for %s than the one that "
			      "answered",
			      host);
	else
		findings_pass(findings, CHECK_MANIFEST, "%s; its key: %s", host,
			      origin == NULL ? "of unknown origin" : origin);
}

/* ---- a CT log's list */

/* Without zeros in front, which some leave out. */
static const char *significant(const char *serial)
{
	while (serial[0] == '0' && serial[1] != '\0')
		serial++;
	return serial;
}

static bool is_in_history(const cJSON *manifest, const char *serial)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, json_array(manifest, "history"))
	{
		const char *known = json_string(entry, "serial");
		if (known != NULL && strcasecmp(significant(known), significant(serial)) == 0)
			return true;
	}
	return false;
}

/* `names`: one per line. */
static bool any_covers(const char *names, const char *host)
{
	for (;;) {
		char name[DOMAIN_MAX + 1];
		size_t length = strcspn(names, "\n");
		if (length < sizeof(name)) {
			for (size_t i = 0; i < length; i++)
				name[i] = (char)tolower((unsigned char)names[i]);
			name[length] = '\0';
			if (strcmp(name, host) == 0 || domain_covers(name, host))
				return true;
		}
		if (names[length] == '\0')
			return false;
		names += length + 1;
	}
}

static bool is_for(const cJSON *entry, const char *host)
{
	const char *names = json_string(entry, "name_value");
	const char *common = json_string(entry, "common_name");

	return (names != NULL && any_covers(names, host)) ||
	       (common != NULL && any_covers(common, host));
}

static const char *shown(const cJSON *entry, const char *member)
{
	const char *text = json_string(entry, member);

	return text == NULL ? "?" : text;
}

int manifest_judge_ct(const cJSON *manifest, const char *host, const struct buffer *list,
		      struct findings *findings, struct error *err)
{
	AUTO_JSON cJSON *log = json_parse(buffer_text(list), list->length, "the CT list", err);
	const cJSON *entry;
	size_t explained = 0;

	if (log == NULL)
		return -1;
	if (!cJSON_IsArray(log))
		return error_set(err, EXIT_BAD_CONFIG,
				 "the CT list is no JSON array, as crt.sh's output=json is");
	cJSON_ArrayForEach(entry, log)
	{
		const char *serial = json_string(entry, "serial_number");
		if (!is_for(entry, host))
			continue;
		if (serial == NULL || !is_in_history(manifest, serial)) {
			findings_fail(findings, CHECK_CT,
				      "a certificate that was not made here: serial %.60s, by "
				      "%.200s, from %.30s",
				      shown(entry, "serial_number"), shown(entry, "issuer_name"),
				      shown(entry, "not_before"));
			return 0;
		}
		explained++;
	}
	findings_pass(findings, CHECK_CT, "%zu certificate%s, all in the site's history", explained,
		      explained == 1 ? "" : "s");
	return 0;
}
