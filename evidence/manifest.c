#include "evidence/manifest.h"

#include "common/attestation/event_log.h"
#include "common/certificate.h"
#include "common/hex.h"
#include "common/json.h"
#include "common/log.h"
#include "common/utc.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CERT_PREFIX "cert-"
#define CERT_SUFFIX ".pem"

/* ---- the certificates that are served */

/* The history's entries by their keys, since there may be thousands of each (tsearch); of several
 * with one key the oldest. */
struct keys {
	void *tree;
};

static int compare_keys(const void *left, const void *right)
{
	return strcasecmp(json_string(left, "spki_sha256"), json_string(right, "spki_sha256"));
}

static bool index_keys(struct keys *keys, const cJSON *history)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, history)
	{
		if (json_string(entry, "spki_sha256") != NULL &&
		    tsearch(entry, &keys->tree, compare_keys) == NULL)
			return false;
	}
	return true;
}

static void keep(void *entry)
{
	(void)entry; /* the history's */
}

static bool add_time(cJSON *object, const char *name, time_t time)
{
	char text[UTC_SIZE];

	utc_write(time, text);
	return cJSON_AddStringToObject(object, name, text) != NULL;
}

/* What the history says of its key. */
static bool add_origin(cJSON *entry, const struct keys *keys)
{
	cJSON *const *known = tfind(entry, &keys->tree, compare_keys);
	const char *origin = known == NULL ? NULL : json_string(*known, "origin");

	return cJSON_AddStringToObject(entry, "origin", origin == NULL ? "adopted" : origin) !=
	       NULL;
}

static bool describe_certificate(cJSON *names, const char *name, const struct certificate *c,
				 const struct keys *keys)
{
	cJSON *entry = cJSON_CreateObject();

	if (entry == NULL || !cJSON_AddItemToArray(names, entry)) {
		cJSON_Delete(entry);
		return false;
	}
	return cJSON_AddStringToObject(entry, "name", name) != NULL &&
	       cJSON_AddStringToObject(entry, "serial", c->serial) != NULL &&
	       cJSON_AddStringToObject(entry, "issuer", c->issuer) != NULL &&
	       add_time(entry, "not_before", c->not_before) &&
	       add_time(entry, "not_after", c->not_after) &&
	       cJSON_AddStringToObject(entry, "certificate_sha256", c->sha256) != NULL &&
	       cJSON_AddStringToObject(entry, "spki_sha256", c->spki_sha256) != NULL &&
	       add_origin(entry, keys);
}

/* "cert-NAME.pem" -> NAME; false for other files. */
static bool name_of(const char *file, domain_name name)
{
	size_t length = strlen(file), around = strlen(CERT_PREFIX) + strlen(CERT_SUFFIX);

	if (strncmp(file, CERT_PREFIX, strlen(CERT_PREFIX)) != 0 || length <= around ||
	    length - around > DOMAIN_MAX)
		return false;
	snprintf(name, sizeof(domain_name), "%.*s", (int)(length - around),
		 file + strlen(CERT_PREFIX));
	return true;
}

static bool add_names(cJSON *manifest, const struct file_set *files, const struct keys *keys)
{
	cJSON *names = cJSON_AddArrayToObject(manifest, "names");
	bool made = names != NULL;

	for (size_t i = 0; made && i < files->count; i++) {
		const struct evidence_file *file = &files->files[i];
		struct error err = ERROR_INIT;
		domain_name name;
		if (!name_of(file->name, name))
			continue;
		struct certificate *c = certificate_parse(file->data, file->length, &err);
		if (c == NULL)
			log_warn("%s is left out of the manifest: %s", file->name, err.text);
		else
			made = describe_certificate(names, name, c, keys);
		certificate_free(c);
	}
	return made;
}

/* ---- the app, by the quote's own event log */

/* The quote's bytes; free() by the caller, NULL when there are none. */
static unsigned char *decode_quote(const char *hex, size_t *length)
{
	unsigned char *bytes = hex == NULL ? NULL : malloc(strlen(hex) / 2 + 1);

	if (bytes == NULL || hex_decode(hex, strlen(hex), bytes) != 0) {
		free(bytes);
		return NULL;
	}
	*length = strlen(hex) / 2;
	return bytes;
}

static void read_identity(const struct evidence_file *file, struct app_identity *identity)
{
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *answer = json_parse(file->data, file->length, "quote.json", &err);
	const char *log = json_string(answer, "event_log");
	size_t length = 0;
	unsigned char *bytes = decode_quote(json_string(answer, "quote"), &length);
	struct td_report report;
	struct quote quote;

	*identity = (struct app_identity){0};
	if (bytes != NULL && log != NULL && quote_parse(bytes, length, &quote, &err) == 0) {
		td_report_read(&quote, &report);
		if (event_log_verify(log, strlen(log), &report, identity, &err) != 0) {
			log_warn("the manifest does not name the app: %s", err.text);
			*identity = (struct app_identity){0};
		}
	}
	free(bytes);
}

static bool add_known(cJSON *object, const char *name, const char *value)
{
	return value[0] == '\0' || cJSON_AddStringToObject(object, name, value) != NULL;
}

static bool add_app(cJSON *manifest, const struct file_set *files)
{
	const struct evidence_file *quote = file_set_find(files, "quote.json");
	cJSON *app = cJSON_AddObjectToObject(manifest, "app");
	struct app_identity identity = {0};

	if (quote != NULL)
		read_identity(quote, &identity);
	return app != NULL && add_known(app, "app_id", identity.app_id) &&
	       add_known(app, "instance_id", identity.instance_id) &&
	       add_known(app, "compose_hash", identity.compose_hash) &&
	       add_known(app, "os_image_hash", identity.os_image_hash);
}

/* ---- the rest */

static bool add_acme(cJSON *manifest, const struct manifest_input *input)
{
	const struct evidence_file *account = file_set_find(input->files, "acme-account.json");
	struct error ignored = ERROR_INIT;
	AUTO_JSON cJSON *regr =
	    account == NULL ? NULL
			    : json_parse(account->data, account->length, account->name, &ignored);
	const char *uri = json_string(regr, "uri");
	cJSON *acme = cJSON_AddObjectToObject(manifest, "acme");

	return acme != NULL &&
	       (input->directory == NULL ||
		cJSON_AddStringToObject(acme, "directory", input->directory) != NULL) &&
	       (uri == NULL ? cJSON_AddNullToObject(acme, "account")
			    : cJSON_AddStringToObject(acme, "account", uri)) != NULL;
}

static bool add_head(cJSON *manifest, const struct manifest_input *input)
{
	const struct evidence_file *sums = file_set_find(input->files, "sha256sum.txt");
	cJSON *product, *agent, *attestation;

	if (cJSON_AddStringToObject(manifest, "schema", "dstack-ingress/manifest/v1") == NULL ||
	    !add_time(manifest, "generated_at", input->now) ||
	    cJSON_AddStringToObject(manifest, "generation", sums == NULL ? "" : sums->sha256) ==
		NULL)
		return false;
	product = cJSON_AddObjectToObject(manifest, "product");
	agent = cJSON_AddObjectToObject(manifest, "guest_agent");
	attestation = input->platform_kind[0] == '\0'
			  ? NULL
			  : cJSON_AddObjectToObject(manifest, "attestation");
	return cJSON_AddStringToObject(product, "name", "dstack-ingress") != NULL &&
	       cJSON_AddStringToObject(product, "version", VERSION) != NULL &&
	       add_known(product, "revision", input->revision) &&
	       cJSON_AddStringToObject(agent, "kind", input->agent_kind) != NULL &&
	       add_known(agent, "version", input->agent_version) &&
	       add_known(attestation, "kind", input->platform_kind);
}

/* The supervisor's list, taken out of its file; an empty one when that cannot be read. */
static cJSON *read_history(const struct buffer *text)
{
	struct error err = ERROR_INIT;
	cJSON *file = text->length == 0
			  ? NULL
			  : json_parse(buffer_text(text), text->length, "the history", &err);
	cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(file, "certificates");

	if (text->length > 0 && !cJSON_IsArray(list))
		log_warn("the manifest has no history: %s",
			 file == NULL ? err.text : "it has no list of certificates");
	cJSON_Delete(file);
	if (cJSON_IsArray(list))
		return list;
	cJSON_Delete(list);
	return cJSON_CreateArray();
}

int manifest_write(const struct manifest_input *input, struct buffer *text, struct error *err)
{
	AUTO_JSON cJSON *manifest = cJSON_CreateObject();
	cJSON *history = read_history(input->history);
	struct keys keys = {NULL};
	bool made = manifest != NULL && history != NULL && index_keys(&keys, history) &&
		    add_head(manifest, input) && add_app(manifest, input->files) &&
		    add_acme(manifest, input) && add_names(manifest, input->files, &keys);

	tdestroy(keys.tree, keep);
	if (!made || !cJSON_AddItemToObject(manifest, "history", history)) {
		cJSON_Delete(history);
		return error_no_memory(err);
	}
	char *json = json_print(manifest, true, err);
	if (json == NULL)
		return -1;
	buffer_puts(text, json);
	buffer_puts(text, "\n");
	free(json);
	return buffer_check(text, "the manifest", err);
}
