#include "supervisor/history.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/utc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 8 * 1024 * 1024 };

struct history {
	char *folder, *path;
	cJSON *file;  /* the object */
	cJSON *list;  /* its array */
	bool changed; /* since it was saved */
};

/* ---- the file */

static int make_empty(struct history *h, struct error *err)
{
	cJSON_Delete(h->file);
	h->file = cJSON_CreateObject();
	h->list = cJSON_AddArrayToObject(h->file, "certificates");
	return h->list == NULL ? error_no_memory(err) : 0;
}

/* Counted once: counting a list takes as long as it is. */
static void forget_first(cJSON *list)
{
	for (int extra = cJSON_GetArraySize(list) - HISTORY_ENTRIES_MAX; extra > 0; extra--)
		cJSON_DeleteItemFromArray(list, 0);
}

static bool load(struct history *h, struct error *err)
{
	h->file = json_read_file(h->path, FILE_MAX, err);
	h->list = cJSON_GetObjectItemCaseSensitive(h->file, "certificates");
	if (h->file != NULL && !cJSON_IsArray(h->list))
		error_set(err, EXIT_FAILED, "it has no list of certificates");
	if (!cJSON_IsArray(h->list))
		return false;
	forget_first(h->list);
	return true;
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

static cJSON *find(const struct history *h, const char *name, const char *serial)
{
	cJSON *entry;

	cJSON_ArrayForEach(entry, h->list)
	{
		const char *its_name = json_string(entry, "name");
		const char *its_serial = json_string(entry, "serial");
		if (its_name != NULL && its_serial != NULL && strcmp(its_name, name) == 0 &&
		    strcmp(its_serial, serial) == 0)
			return entry;
	}
	return NULL;
}

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
	cJSON *entry = find(h, name, pair->serial);

	if (entry != NULL)
		return mark(h, entry, made_here, err);
	entry = cJSON_CreateObject();
	if (entry == NULL || !fill(entry, name, pair, account, origin_text(made_here)) ||
	    !cJSON_AddItemToArray(h->list, entry)) {
		cJSON_Delete(entry);
		return error_no_memory(err);
	}
	forget_first(h->list);
	h->changed = true;
	return 0;
}
