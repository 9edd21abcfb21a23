#include "supervisor/store/lineage_entry.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/log.h"
#include "supervisor/store/file_print.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1024 * 1024 };

struct entry *entry_new(const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry != NULL)
		entry->name = strdup(name);
	if (entry != NULL && entry->name != NULL)
		return entry;
	entry_free(entry);
	return NULL;
}

void entry_free(struct entry *entry)
{
	if (entry == NULL)
		return;
	free(entry->name);
	free(entry->serial);
	free(entry->covering);
	free(entry);
}

/* ---- where it lies */

static int path_of(const struct entry_folder *folder, const struct entry *entry,
		   const char *in_folder, const char *as_suffix, char path[ENTRY_PATH_MAX])
{
	bool is_lego = folder->layout == LAYOUT_LEGO;
	int length = snprintf(path, ENTRY_PATH_MAX, "%s/%s%s", folder->path, entry->name,
			      is_lego ? as_suffix : in_folder);

	return length < ENTRY_PATH_MAX ? 0 : -1;
}

int entry_chain_path(const struct entry_folder *folder, const struct entry *entry,
		     char path[ENTRY_PATH_MAX])
{
	return path_of(folder, entry, "/fullchain.pem", ".crt", path);
}

int entry_key_path(const struct entry_folder *folder, const struct entry *entry,
		   char path[ENTRY_PATH_MAX])
{
	return path_of(folder, entry, "/privkey.pem", ".key", path);
}

static uint64_t print_of(const struct entry_folder *folder, const struct entry *entry)
{
	char path[ENTRY_PATH_MAX];
	struct file_print print = file_print_begin();

	if (entry_chain_path(folder, entry, path) == 0)
		file_print_add(&print, path);
	if (entry_key_path(folder, entry, path) == 0)
		file_print_add(&print, path);
	return file_print_end(&print);
}

/* ---- what is read */

static int join_names(struct buffer *text, const domain_name *names, size_t count,
		      struct error *err)
{
	for (size_t i = 0; i < count; i++)
		buffer_printf(text, "%s\n", names[i]);
	return buffer_check(text, "the names of the certificate", err);
}

int entry_names_key(const domain_name *names, size_t count, unsigned char key[NAMES_KEY_SIZE],
		    struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct buffer text;

	buffer_init(&text, NAMES_MAX);
	int rc = join_names(&text, names, count, err);
	if (rc == 0)
		rc = digest_sha256(buffer_text(&text), text.length, digest, err);
	if (rc == 0)
		memcpy(key, digest, NAMES_KEY_SIZE);
	buffer_free(&text);
	return rc;
}

/* Most are for one name alone, which says all of them. */
static int take_covering(struct entry *entry, const struct certificate *certificate,
			 struct error *err)
{
	bool is_plain = certificate->name_count == 1 && !certificate->has_other_names &&
			!domain_is_wildcard(certificate->names[0]);
	struct buffer text;

	if (is_plain || certificate->name_count == 0)
		return 0;
	buffer_init(&text, NAMES_MAX);
	buffer_puts(&text, "\n");
	int rc = join_names(&text, certificate->names, certificate->name_count, err);
	if (rc == 0)
		entry->covering = strdup(buffer_text(&text));
	if (rc == 0 && entry->covering == NULL)
		rc = error_no_memory(err);
	buffer_free(&text);
	return rc;
}

static int take(struct entry *entry, const struct certificate *certificate, struct error *err)
{
	if (entry_names_key(certificate->names, certificate->name_count, entry->names_key, err) !=
	    0)
		return -1;
	if (hex_decode(certificate->spki_sha256, 2 * SHA256_SIZE, entry->spki) != 0)
		return error_set(err, EXIT_FAILED, "its key has no digest");
	if (take_covering(entry, certificate, err) != 0)
		return -1;
	entry->has_other_names = certificate->has_other_names || certificate->name_count == 0;
	entry->not_before = certificate->not_before;
	entry->not_after = certificate->not_after;
	entry->serial = strdup(certificate->serial);
	return entry->serial == NULL ? error_no_memory(err) : 0;
}

/* What was refused stays so until there is something else in its place. */
static void note_content(struct entry *entry, const char *chain)
{
	uint64_t content = file_print_of_text(chain);

	entry->is_refused = entry->is_refused && content == entry->content;
	entry->content = content;
}

static int read_certificate(const struct entry_folder *folder, struct entry *entry,
			    struct error *err)
{
	struct certificate *certificate;
	char path[ENTRY_PATH_MAX];
	struct buffer pem;
	int rc = -1;

	buffer_init(&pem, CERTIFICATE_PEM_MAX);
	if (entry_chain_path(folder, entry, path) != 0) {
		error_set(err, EXIT_FAILED, "its path is too long");
	} else if (file_read(path, &pem, err) != 0) {
		/* err says why */
	} else if (pem.length == 0) {
		error_set(err, EXIT_FAILED, "%s is empty", path);
	} else {
		note_content(entry, buffer_text(&pem));
		certificate = certificate_parse(pem.data, pem.length, err);
		if (certificate == NULL)
			error_wrap(err, "%s", path);
		else
			rc = take(entry, certificate, err);
		certificate_free(certificate);
	}
	buffer_free(&pem);
	return rc;
}

/* Once for each thing there is to tell of it. */
static void tell(const struct entry_folder *folder, struct entry *entry, const struct error *err)
{
	uint64_t text = file_print_of_text(err->text);

	if (entry->told != text)
		log_warn("%s %s is passed over: %s",
			 folder->layout == LAYOUT_LEGO ? "lego's certificate" : "lineage",
			 entry->name, err->text);
	entry->told = text;
}

void entry_read(const struct entry_folder *folder, struct entry *entry)
{
	struct error err = ERROR_INIT;

	/* The print comes first: what changes while it is read is read again. */
	entry->print = print_of(folder, entry);
	free(entry->serial);
	free(entry->covering);
	entry->serial = entry->covering = NULL;
	entry->key = KEY_UNKNOWN;
	if (read_certificate(folder, entry, &err) != 0)
		tell(folder, entry, &err);
	else
		entry->told = 0;
}

bool entry_look_again(const struct entry_folder *folder, struct entry *entry)
{
	if (entry->print != 0 && print_of(folder, entry) == entry->print)
		return false;
	entry_read(folder, entry);
	return true;
}

bool entry_is_fit(const struct entry_folder *folder, struct entry *entry)
{
	struct error ignored = ERROR_INIT; /* told by who installs it */
	char chain_path[ENTRY_PATH_MAX], key_path[ENTRY_PATH_MAX];
	struct buffer chain, key;

	if (entry->is_refused || entry->key != KEY_UNKNOWN)
		return !entry->is_refused && entry->key == KEY_FITS;
	buffer_init(&chain, CERTIFICATE_PEM_MAX);
	buffer_init(&key, CERTIFICATE_PEM_MAX);
	bool fits =
	    entry_chain_path(folder, entry, chain_path) == 0 &&
	    entry_key_path(folder, entry, key_path) == 0 &&
	    file_read(chain_path, &chain, &ignored) == 0 &&
	    file_read(key_path, &key, &ignored) == 0 &&
	    certificate_check_key(chain.data, chain.length, key.data, key.length, &ignored) == 0;
	entry->key = fits ? KEY_FITS : KEY_DOES_NOT_FIT;
	if (key.data != NULL)
		OPENSSL_cleanse(key.data, key.length);
	buffer_free(&key);
	buffer_free(&chain);
	return fits;
}

/* ---- names */

static bool has_name(const struct entry *entry, const char *before, const char *name)
{
	char line[DOMAIN_MAX + 8];

	snprintf(line, sizeof(line), "\n%s%s\n", before, name);
	return strstr(entry->covering, line) != NULL;
}

bool entry_covers(const struct entry *entry, const char *domain)
{
	const char *parent = strchr(domain, '.');

	if (entry->serial == NULL || entry->covering == NULL)
		return false;
	return has_name(entry, "", domain) ||
	       (!domain_is_wildcard(domain) && parent != NULL && has_name(entry, "*", parent));
}
