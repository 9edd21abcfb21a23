#include "supervisor/store/store_lineages.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/hex.h"
#include "supervisor/store/file_print.h"
#include "supervisor/store/lineage_entry.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* A domain without a lineage has all of them looked at, but no more often than this. */
	LOOK_AGAIN_MS = 10 * 1000,
};

struct store_lineages {
	struct entry_folder folder;
	struct entry **list; /* by name */
	size_t count;
	struct entry **by_key; /* as many; by the key of their names */
	bool is_sorted;
	uint64_t folder_print;	 /* of live/ when its entries were read */
	long long looked_at_all; /* clock_now_ms(); 0: never */
	struct lineage found;
	char fullchain_path[ENTRY_PATH_MAX], privkey_path[ENTRY_PATH_MAX];
	char shown_name[LINEAGE_SHOWN_MAX]; /* of one of lego's */
};

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
		entry = entry_new(name);
		if (entry == NULL)
			return error_no_memory(err);
	}
	if (add(listing, entry, err) != 0) {
		if (is_new)
			entry_free(entry);
		return -1;
	}
	entry->is_there = true;
	return 0;
}

/* The name of the lineage that an entry of the folder is about; false: of none. */
static bool name_of(const struct store_lineages *l, const struct dirent *found,
		    char name[sizeof(found->d_name)])
{
	static const char suffix[] = ".crt", issuer[] = ".issuer";
	size_t length = strlen(found->d_name);

	snprintf(name, sizeof(found->d_name), "%s", found->d_name);
	if (name[0] == '.')
		return false;
	if (l->folder.layout == LAYOUT_CERTBOT)
		return found->d_type != DT_REG;
	if (length < sizeof(suffix) || strcmp(name + length - sizeof(suffix) + 1, suffix) != 0)
		return false;
	name[length -= sizeof(suffix) - 1] = '\0';
	return length < sizeof(issuer) || strcmp(name + length - sizeof(issuer) + 1, issuer) != 0;
}

static int list_folder(struct store_lineages *l, struct listing *listing, struct error *err)
{
	const struct dirent *found;
	char name[sizeof(found->d_name)];
	int rc = 0;
	DIR *folder = opendir(l->folder.path);

	if (folder == NULL)
		return errno == ENOENT ? 0
				       : error_set_errno(err, EXIT_FAILED, errno, "cannot read %s",
							 l->folder.path);
	while (rc == 0 && (errno = 0, found = readdir(folder)) != NULL)
		if (name_of(l, found, name))
			rc = add_name(l, listing, name, err);
	if (rc == 0 && errno != 0)
		rc = error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", l->folder.path);
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
			entry_read(&l->folder, l->list[i]);
	return 0;
}

static bool look_again(struct store_lineages *l, struct entry *entry)
{
	bool changed = entry_look_again(&l->folder, entry);

	l->is_sorted = l->is_sorted && !changed;
	return changed;
}

/* Takes note of lineages that came or went. */
static int look_at_folder(struct store_lineages *l, struct error *err)
{
	struct file_print print = file_print_begin();
	struct listing listing = {0};

	file_print_add(&print, l->folder.path);
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
	if (entry_is_fit(&l->folder, candidate) != entry_is_fit(&l->folder, best))
		return entry_is_fit(&l->folder, candidate);
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
	entry_chain_path(&l->folder, entry, l->fullchain_path);
	entry_key_path(&l->folder, entry, l->privkey_path);
	l->found = (struct lineage){
	    .name = entry->name,
	    .fullchain_path = l->fullchain_path,
	    .privkey_path = l->privkey_path,
	    .serial = entry->serial,
	    .not_before = entry->not_before,
	    .not_after = entry->not_after,
	    .is_refused = entry->is_refused,
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
	if (entry_names_key(&name, 1, key, err) != 0 || look_at_folder(l, err) != 0)
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

/* ---- one that stands in */

/* lego's are never a domain's own lineage. */
static bool can_stand_in(const struct store_lineages *l, const struct entry *entry,
			 const char *domain, const unsigned char *key)
{
	bool is_exact = entry->serial != NULL && !entry->has_other_names &&
			memcmp(entry->names_key, key, NAMES_KEY_SIZE) == 0;

	if (is_exact)
		return l->folder.layout == LAYOUT_LEGO;
	return entry_covers(entry, domain);
}

static bool holds_at(const struct entry *entry, time_t now)
{
	return entry->not_before <= now && now < entry->not_after;
}

static bool is_longer(const struct entry *candidate, const struct entry *best, time_t now)
{
	if (best == NULL || holds_at(candidate, now) != holds_at(best, now))
		return best == NULL || holds_at(candidate, now);
	return candidate->not_after > best->not_after;
}

static struct entry *best_stand_in(struct store_lineages *l, const char *domain,
				   const unsigned char *key, time_t now)
{
	struct entry *best = NULL;

	for (size_t i = 0; i < l->count; i++) {
		struct entry *entry = l->list[i];
		if (can_stand_in(l, entry, domain, key) && is_longer(entry, best, now) &&
		    entry_is_fit(&l->folder, entry))
			best = entry;
	}
	return best;
}

const struct lineage *lineages_stand_in(struct store_lineages *l, const char *domain, time_t now)
{
	struct error ignored = ERROR_INIT; /* told by who looks for the domain's own */
	unsigned char key[NAMES_KEY_SIZE];
	struct entry *best;
	domain_name name;

	snprintf(name, sizeof(name), "%s", domain);
	if (entry_names_key(&name, 1, key, &ignored) != 0 || look_at_folder(l, &ignored) != 0)
		return NULL;
	best = best_stand_in(l, domain, key, now);
	if (best != NULL && look_again(l, best))
		best = best_stand_in(l, domain, key, now);
	if (best == NULL)
		return NULL;
	show(l, best);
	l->found.is_stand_in = true;
	if (l->folder.layout == LAYOUT_LEGO) {
		snprintf(l->shown_name, sizeof(l->shown_name), "lego/certificates/%s.crt",
			 best->name);
		l->found.name = l->shown_name;
	}
	return &l->found;
}

void lineages_refuse(struct store_lineages *l, const char *serial, const char *spki_sha256)
{
	unsigned char spki[SHA256_SIZE];

	if (hex_decode(spki_sha256, 2 * SHA256_SIZE, spki) != 0)
		return;
	for (size_t i = 0; i < l->count; i++) {
		struct entry *entry = l->list[i];
		if (entry->serial != NULL && strcmp(entry->serial, serial) == 0 &&
		    memcmp(entry->spki, spki, SHA256_SIZE) == 0)
			entry->is_refused = true;
	}
}

/* One that could not be read is found by no names until then. */
void lineages_wrote(struct store_lineages *l, const char *name)
{
	struct entry *entry = entry_named(l, name);

	if (entry != NULL)
		look_again(l, entry);
}

bool lineages_is_unreadable(const struct store_lineages *l, const char *name)
{
	const struct entry *entry = entry_named(l, name);

	return entry != NULL && entry->serial == NULL;
}

/* ---- the object */

struct store_lineages *lineages_new(const char *letsencrypt_dir, enum entry_layout layout,
				    struct error *err)
{
	struct store_lineages *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->folder.layout = layout;
		l->folder.path = file_join(letsencrypt_dir,
					   layout == LAYOUT_LEGO ? "lego/certificates" : "live");
	}
	if (l == NULL || l->folder.path == NULL) {
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
	free(l->folder.path);
	free(l);
}
