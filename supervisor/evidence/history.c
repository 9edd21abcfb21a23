#include "supervisor/evidence/history.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/utc.h"

#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 32 * 1024 * 1024 }; /* HISTORY_ENTRIES_MAX with names of the full length */

struct history {
	char *folder, *path;
	cJSON *file;  /* the object */
	cJSON *list;  /* its array, oldest first */
	int count;    /* of the list; counting takes as long as it is */
	void *tree;   /* its entries by name and serial (tsearch) */
	bool changed; /* since it was saved */
};

/* ---- by name and serial, since there may be thousands of each */

static int compare(const void *left, const void *right)
{
	const cJSON *a = left, *b = right;
	int by_name = strcmp(json_string(a, "name"), json_string(b, "name"));

	return by_name != 0 ? by_name : strcmp(json_string(a, "serial"), json_string(b, "serial"));
}

static bool is_entry(const cJSON *entry)
{
	return json_string(entry, "name") != NULL && json_string(entry, "serial") != NULL;
}

static void keep(void *entry)
{
	(void)entry; /* the list owns it */
}

static void forget_first(struct history *h)
{
	for (; h->count > HISTORY_ENTRIES_MAX; h->count--) {
		cJSON *oldest = h->list->child;
		cJSON **found = is_entry(oldest) ? tfind(oldest, &h->tree, compare) : NULL;
		if (found != NULL && *found == oldest)
			tdelete(oldest, &h->tree, compare);
		cJSON_DeleteItemFromArray(h->list, 0);
	}
}

/* What is no entry of ours stays in the list, where nobody looks for it. */
static int index_list(struct history *h, struct error *err)
{
	cJSON *entry;

	h->count = cJSON_GetArraySize(h->list);
	cJSON_ArrayForEach(entry, h->list)
	{
		if (is_entry(entry) && tsearch(entry, &h->tree, compare) == NULL)
			return error_no_memory(err);
	}
	forget_first(h);
	return 0;
}

/* ---- the file */

static int make_empty(struct history *h, struct error *err)
{
	tdestroy(h->tree, keep);
	h->tree = NULL;
	h->count = 0;
	cJSON_Delete(h->file);
	h->file = cJSON_CreateObject();
	h->list = cJSON_AddArrayToObject(h->file, "certificates");
	return h->list == NULL ? error_no_memory(err) : 0;
}

static bool load(struct history *h, struct error *err)
{
	h->file = json_read_file(h->path, FILE_MAX, err);
	h->list = cJSON_GetObjectItemCaseSensitive(h->file, "certificates");
	if (h->file != NULL && !cJSON_IsArray(h->list))
		error_set(err, EXIT_FAILED, "it has no list of certificates");
	return cJSON_IsArray(h->list) && index_list(h, err) == 0;
}

static void set_aside(const struct history *h, const char *why)
{
	char *kept;

	if (asprintf(&kept, "%s.broken", h->path) < 0)
		return;
	log_warn("%s cannot be read and is kept as %s; the history of certificates begins anew: %s",
		 h->path, kept, why);
	rename(h->path, kept);
	free(kept);
}

struct history *history_open(const char *letsencrypt_dir, struct error *err)
{
	struct history *h = calloc(1, sizeof(*h));
	struct error why = ERROR_INIT;

	if (h != NULL) {
		h->folder = file_join(letsencrypt_dir, "dstack-ingress");
		h->path = h->folder == NULL ? NULL : file_join(h->folder, "history.json");
	}
	if (h == NULL || h->path == NULL) {
		error_no_memory(err);
		goto fail;
	}
	if (file_exists(h->path) && load(h, &why))
		return h;
	if (file_exists(h->path))
		set_aside(h, why.text);
	if (make_empty(h, err) == 0)
		return h;
fail:
	history_free(h);
	return NULL;
}

void history_free(struct history *h)
{
	if (h == NULL)
		return;
	tdestroy(h->tree, keep);
	cJSON_Delete(h->file);
	free(h->folder);
	free(h->path);
	free(h);
}

int history_save(struct history *h, struct error *err)
{
	if (!h->changed)
		return 0;
	char *text = json_print(h->file, false, err);
	if (text == NULL)
		return -1;
	int rc = file_make_dirs(h->folder, 0700, err);
	if (rc == 0)
		rc = file_write(h->path, 0600, text, strlen(text), err);
	free(text);
	h->changed = rc != 0;
	return rc == 0 ? 0 : error_wrap(err, "the history of certificates");
}

int history_read_fd(const struct history *h)
{
	/* Opening a FIFO would wait for its writer. */
	AUTO_CLOSE int fd = open(h->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
		return -1;
	int opened = fd;
	fd = -1; /* the caller's now */
	return opened;
}

/* ---- entries */

static bool fill(cJSON *entry, const char *name, const struct served_pair *pair,
		 const char *account, const char *origin)
{
	char from[UTC_SIZE], until[UTC_SIZE];

	utc_write(pair->not_before, from);
	utc_write(pair->not_after, until);
	return cJSON_AddStringToObject(entry, "name", name) != NULL &&
	       cJSON_AddStringToObject(entry, "serial", pair->serial) != NULL &&
	       cJSON_AddStringToObject(entry, "spki_sha256", pair->spki) != NULL &&
	       cJSON_AddStringToObject(entry, "not_before", from) != NULL &&
	       cJSON_AddStringToObject(entry, "not_after", until) != NULL &&
	       (account == NULL ? cJSON_AddNullToObject(entry, "account")
				: cJSON_AddStringToObject(entry, "account", account)) != NULL &&
	       cJSON_AddStringToObject(entry, "origin", origin) != NULL;
}

static const char *origin_text(bool made_here)
{
	return made_here ? "made here" : "adopted";
}

static int mark(struct history *h, cJSON *entry, bool made_here, struct error *err)
{
	const char *origin = json_string(entry, "origin");

	if (origin != NULL && strcmp(origin, origin_text(made_here)) == 0)
		return 0;
	cJSON_DeleteItemFromObjectCaseSensitive(entry, "origin");
	if (cJSON_AddStringToObject(entry, "origin", origin_text(made_here)) == NULL)
		return error_no_memory(err);
	h->changed = true;
	return 0;
}

int history_note(struct history *h, const char *name, const struct served_pair *pair,
		 const char *account, bool made_here, struct error *err)
{
	cJSON *entry = cJSON_CreateObject();

	if (entry == NULL || !fill(entry, name, pair, account, origin_text(made_here)))
		goto no_memory;
	cJSON **found = tsearch(entry, &h->tree, compare);
	if (found == NULL)
		goto no_memory;
	if (*found != entry) {
		cJSON_Delete(entry);
		return mark(h, *found, made_here, err);
	}
	if (!cJSON_AddItemToArray(h->list, entry)) {
		tdelete(entry, &h->tree, compare);
		goto no_memory;
	}
	h->count++;
	forget_first(h);
	h->changed = true;
	return 0;
no_memory:
	cJSON_Delete(entry);
	return error_no_memory(err);
}
