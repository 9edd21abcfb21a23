#include "supervisor/store_lineages.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/log.h"
#include "supervisor/file_print.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PATH_LENGTH_MAX = 4096,
	NAMES_KEY_SIZE = 16,
	NAMES_MAX = 1024 * 1024,
	/* A domain without a lineage has all of them looked at, but no more often than this. */
	LOOK_AGAIN_MS = 10 * 1000,
};

/* Thousands of these stay in memory: neither the certificate nor its PEM does. */
struct entry {
	char *name;
	char *serial;	/* NULL: the certificate cannot be read */
	uint64_t print; /* of its files when they were read */
	uint64_t told;	/* of what was told about it; 0: nothing */
	time_t not_before, not_after;
	unsigned char names_key[NAMES_KEY_SIZE]; /* of the exact set of names */
	unsigned char spki[SHA256_SIZE];
	bool has_other_names; /* that no domain can be: it is never found */
	bool is_there;
	enum { KEY_UNKNOWN, KEY_FITS, KEY_DOES_NOT_FIT } key;
};

struct store_lineages {
	char *live;
	struct entry **list; /* by name */
	size_t count;
	struct entry **by_key; /* as many; by the key of their names */
	bool is_sorted;
	uint64_t folder_print;	 /* of live/ when its entries were read */
	long long looked_at_all; /* clock_now_ms(); 0: never */
	struct lineage found;
	char fullchain_path[PATH_LENGTH_MAX], privkey_path[PATH_LENGTH_MAX];
};

/* ---- one lineage */

static void entry_free(struct entry *entry)
{
	if (entry == NULL)
		return;
	free(entry->name);
	free(entry->serial);
	free(entry);
}

static int path_of(const struct store_lineages *l, const struct entry *entry, const char *file,
		   char path[PATH_LENGTH_MAX])
{
	int length = snprintf(path, PATH_LENGTH_MAX, "%s/%s/%s", l->live, entry->name, file);

	return length < PATH_LENGTH_MAX ? 0 : -1;
}

static uint64_t print_of(const struct store_lineages *l, const struct entry *entry)
{
	char path[PATH_LENGTH_MAX];
	struct file_print print = file_print_begin();

	if (path_of(l, entry, "fullchain.pem", path) == 0)
		file_print_add(&print, path);
	if (path_of(l, entry, "privkey.pem", path) == 0)
		file_print_add(&print, path);
	return file_print_end(&print);
}

static int key_of_names(const domain_name *names, size_t count, unsigned char key[NAMES_KEY_SIZE],
			struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct buffer text;

	buffer_init(&text, NAMES_MAX);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&text, "%s\n", names[i]);
	int rc = buffer_check(&text, "the names of the certificate", err);
	if (rc == 0)
		rc = digest_sha256(buffer_text(&text), text.length, digest, err);
	if (rc == 0)
		memcpy(key, digest, NAMES_KEY_SIZE);
	buffer_free(&text);
	return rc;
}

static int take(struct entry *entry, const struct certificate *certificate, struct error *err)
{
	if (key_of_names(certificate->names, certificate->name_count, entry->names_key, err) != 0)
		return -1;
	if (hex_decode(certificate->spki_sha256, 2 * SHA256_SIZE, entry->spki) != 0)
		return error_set(err, EXIT_FAILED, "its key has no digest");
	entry->has_other_names = certificate->has_other_names || certificate->name_count == 0;
	entry->not_before = certificate->not_before;
	entry->not_after = certificate->not_after;
	entry->serial = strdup(certificate->serial);
	return entry->serial == NULL ? error_no_memory(err) : 0;
}

static int read_certificate(const struct store_lineages *l, struct entry *entry, struct error *err)
{
	struct certificate *certificate;
	char path[PATH_LENGTH_MAX];
	struct buffer pem;
	int rc = -1;

	buffer_init(&pem, CERTIFICATE_PEM_MAX);
	if (path_of(l, entry, "fullchain.pem", path) != 0) {
		error_set(err, EXIT_FAILED, "its path is too long");
	} else if (file_read(path, &pem, err) != 0) {
		/* err says why */
	} else if (pem.length == 0) {
		error_set(err, EXIT_FAILED, "%s is empty", path);
	} else {
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
static void tell(struct entry *entry, const struct error *err)
{
	uint64_t text = file_print_of_text(err->text);

	if (entry->told != text)
		log_warn("lineage %s is passed over: %s", entry->name, err->text);
	entry->told = text;
}

static void read_entry(struct store_lineages *l, struct entry *entry)
{
	struct error err = ERROR_INIT;

	/* The print comes first: what changes while it is read is read again. */
	entry->print = print_of(l, entry);
	free(entry->serial);
	entry->serial = NULL;
	entry->key = KEY_UNKNOWN;
	l->is_sorted = false;
	if (read_certificate(l, entry, &err) != 0)
		tell(entry, &err);
	else
		entry->told = 0;
}

/* Whether it had to be read again. */
static bool look_again(struct store_lineages *l, struct entry *entry)
{
	if (entry->print != 0 && print_of(l, entry) == entry->print)
		return false;
	read_entry(l, entry);
	return true;
}

static bool has_its_key(const struct store_lineages *l, struct entry *entry)
{
	struct error ignored = ERROR_INIT; /* told by who installs it */
	char fullchain[PATH_LENGTH_MAX], privkey[PATH_LENGTH_MAX];
	struct buffer chain, key;

	if (entry->key != KEY_UNKNOWN)
		return entry->key == KEY_FITS;
	buffer_init(&chain, CERTIFICATE_PEM_MAX);
	buffer_init(&key, CERTIFICATE_PEM_MAX);
	bool fits =
	    path_of(l, entry, "fullchain.pem", fullchain) == 0 &&
	    path_of(l, entry, "privkey.pem", privkey) == 0 &&
	    file_read(fullchain, &chain, &ignored) == 0 &&
	    file_read(privkey, &key, &ignored) == 0 &&
	    certificate_check_key(chain.data, chain.length, key.data, key.length, &ignored) == 0;
	entry->key = fits ? KEY_FITS : KEY_DOES_NOT_FIT;
	if (key.data != NULL)
		OPENSSL_cleanse(key.data, key.length);
	buffer_free(&key);
	buffer_free(&chain);
	return fits;
}

/* ---- all of them */

static int compare_names(const void *left, const void *right)
{
	return strcmp((*(struct entry *const *)left)->name, (*(struct entry *const *)right)->name);
}

static int compare_keys(const void *left, const void *right)
{
	const struct entry *a = *(struct entry *const *)left, *b = *(struct entry *const *)right;
	int order = memcmp(a->names_key, b->names_key, NAMES_KEY_SIZE);

	return order != 0 ? order : strcmp(a->name, b->name);
}

static struct entry *entry_named(const struct store_lineages *l, const char *name)
{
	struct entry wanted = {.name = (char *)name}, *key = &wanted; /* not written to */
	struct entry **found =
	    l->count == 0 ? NULL
			  : bsearch(&key, l->list, l->count, sizeof(*l->list), compare_names);

	return found == NULL ? NULL : *found;
}

static void sort_by_key(struct store_lineages *l)
{
	if (l->is_sorted || l->count == 0)
		return;
	memcpy(l->by_key, l->list, l->count * sizeof(*l->list));
	qsort(l->by_key, l->count, sizeof(*l->by_key), compare_keys);
	l->is_sorted = true;
}

/* What readdir() gave; those that were there before are among it. */
struct listing {
	struct entry **entries;
	size_t count, room;
};

static int add(struct listing *listing, struct entry *entry, struct error *err)
{
	if (listing->count == listing->room) {
		size_t room = listing->room == 0 ? 64 : 2 * listing->room;
		struct entry **larger = realloc(listing->entries, room * sizeof(*larger));
		if (larger == NULL)
			return error_no_memory(err);
		listing->entries = larger;
		listing->room = room;
	}
	listing->entries[listing->count++] = entry;
	return 0;
}

static int add_name(struct store_lineages *l, struct listing *listing, const char *name,
		    struct error *err)
{
	struct entry *entry = entry_named(l, name);
	bool is_new = entry == NULL;

	if (is_new) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL || (entry->name = strdup(name)) == NULL) {
			free(entry);
			return error_no_memory(err);
		}
	}
	if (add(listing, entry, err) != 0) {
		if (is_new)
			entry_free(entry);
		return -1;
	}
	entry->is_there = true;
	return 0;
}

static int list_folder(struct store_lineages *l, struct listing *listing, struct error *err)
{
	const struct dirent *found;
	int rc = 0;
	DIR *folder = opendir(l->live);

	if (folder == NULL)
		return errno == ENOENT
			   ? 0
			   : error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", l->live);
	while (rc == 0 && (errno = 0, found = readdir(folder)) != NULL)
		if (found->d_name[0] != '.' && found->d_type != DT_REG)
			rc = add_name(l, listing, found->d_name, err);
	if (rc == 0 && errno != 0)
		rc = error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", l->live);
	closedir(folder);
	return rc;
}

static void drop_listing(const struct store_lineages *l, struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		if (entry_named(l, listing->entries[i]->name) == NULL)
			entry_free(listing->entries[i]);
	free(listing->entries);
}

static int exchange(struct store_lineages *l, struct listing *listing, struct error *err)
{
	struct entry **by_key = calloc(listing->count + 1, sizeof(*by_key));

	if (by_key == NULL) {
		drop_listing(l, listing);
		return error_no_memory(err);
	}
	for (size_t i = 0; i < l->count; i++)
		if (!l->list[i]->is_there)
			entry_free(l->list[i]);
	free(l->list);
	free(l->by_key);
	l->list = listing->entries; /* the store's now, with all in it */
	l->count = listing->count;
	l->by_key = by_key;
	l->is_sorted = false;
	if (l->count > 0)
		qsort(l->list, l->count, sizeof(*l->list), compare_names);
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i]->print == 0 && l->list[i]->serial == NULL)
			read_entry(l, l->list[i]);
	return 0;
}

/* Takes note of lineages that came or went. */
static int look_at_folder(struct store_lineages *l, struct error *err)
{
	struct file_print print = file_print_begin();
	struct listing listing = {0};

	file_print_add(&print, l->live);
	uint64_t now = file_print_end(&print);
	if (now != 0 && now == l->folder_print)
		return 0;
	for (size_t i = 0; i < l->count; i++)
		l->list[i]->is_there = false;
	if (list_folder(l, &listing, err) != 0) {
		drop_listing(l, &listing);
		return -1;
	}
	if (exchange(l, &listing, err) != 0)
		return -1;
	l->folder_print = now;
	return 0;
}

int lineages_refresh(struct store_lineages *l, struct error *err)
{
	if (look_at_folder(l, err) != 0)
		return -1;
	for (size_t i = 0; i < l->count; i++)
		look_again(l, l->list[i]);
	l->looked_at_all = clock_now_ms();
	return 0;
}

/* ---- finding one */

/* The first of those with the key in by_key; `count` receives how many there are. */
static struct entry **with_key(struct store_lineages *l, const unsigned char *key, size_t *count)
{
	size_t low = 0, high = l->count;

	sort_by_key(l);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(l->by_key[middle]->names_key, key, NAMES_KEY_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < l->count &&
	       memcmp(l->by_key[low + *count]->names_key, key, NAMES_KEY_SIZE) == 0)
		++*count;
	return l->by_key == NULL ? NULL : l->by_key + low;
}

/* What cannot be served must not keep from being served what can. */
static bool is_better(const struct store_lineages *l, struct entry *candidate, struct entry *best)
{
	if (candidate->serial == NULL || candidate->has_other_names)
		return false;
	if (best == NULL)
		return true;
	if (has_its_key(l, candidate) != has_its_key(l, best))
		return has_its_key(l, candidate);
	return candidate->not_after > best->not_after;
}

static struct entry *best_with_key(struct store_lineages *l, const unsigned char *key)
{
	struct entry *best = NULL;
	size_t count;
	struct entry **candidates = with_key(l, key, &count);

	for (size_t i = 0; i < count; i++)
		if (is_better(l, candidates[i], best))
			best = candidates[i];
	return best;
}

static bool look_at_those_with_key(struct store_lineages *l, const unsigned char *key)
{
	bool changed = false;
	size_t count;
	struct entry **candidates = with_key(l, key, &count);

	for (size_t i = 0; i < count; i++)
		changed = look_again(l, candidates[i]) || changed;
	return changed;
}

static void show(struct store_lineages *l, const struct entry *entry)
{
	path_of(l, entry, "fullchain.pem", l->fullchain_path);
	path_of(l, entry, "privkey.pem", l->privkey_path);
	l->found = (struct lineage){
	    .name = entry->name,
	    .fullchain_path = l->fullchain_path,
	    .privkey_path = l->privkey_path,
	    .serial = entry->serial,
	    .not_before = entry->not_before,
	    .not_after = entry->not_after,
	};
	hex_encode(entry->spki, sizeof(entry->spki), l->found.spki_sha256);
}

int lineages_find(struct store_lineages *l, const char *domain, const struct lineage **found,
		  struct error *err)
{
	unsigned char key[NAMES_KEY_SIZE];
	domain_name name;

	*found = NULL;
	snprintf(name, sizeof(name), "%s", domain);
	if (key_of_names(&name, 1, key, err) != 0 || look_at_folder(l, err) != 0)
		return -1;
	look_at_those_with_key(l, key);
	struct entry *best = best_with_key(l, key);
	if (best == NULL && clock_now_ms() - l->looked_at_all > LOOK_AGAIN_MS) {
		if (lineages_refresh(l, err) != 0)
			return -1;
		best = best_with_key(l, key);
	}
	if (best == NULL)
		return 0;
	show(l, best);
	*found = &l->found;
	return 1;
}

bool lineages_is_unreadable(const struct store_lineages *l, const char *name)
{
	const struct entry *entry = entry_named(l, name);

	return entry != NULL && entry->serial == NULL;
}

/* ---- the object */

struct store_lineages *lineages_new(const char *letsencrypt_dir, struct error *err)
{
	struct store_lineages *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->live = file_join(letsencrypt_dir, "live");
	if (l == NULL || l->live == NULL) {
		lineages_free(l);
		error_no_memory(err);
		return NULL;
	}
	return l;
}

void lineages_free(struct store_lineages *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++)
		entry_free(l->list[i]);
	free(l->list);
	free(l->by_key);
	free(l->live);
	free(l);
}
