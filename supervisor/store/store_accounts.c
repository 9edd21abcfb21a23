#include "supervisor/store/store_accounts.h"

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/utc.h"
#include "supervisor/store/account_key.h"
#include "supervisor/store/file_print.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FILE_MAX = 64 * 1024,
	PATH_LENGTH_MAX = 4096,
	URI_MAX = 1024,
	TOLD_MAX = 32, /* messages; after that the oldest may be told again */
	LOST_AGAIN_SECONDS = 3600,
	ROOM = 16 * 1024, /* more than an account takes */
};

static const char KEY[] = "private_key.json", REGR[] = "regr.json", META[] = "meta.json";
/* In the folder of an account, made by us: the CA does not know it any more. */
static const char LOST[] = "lost-at-the-ca";

struct store_accounts {
	char *letsencrypt_dir;
	char *place;		    /* HOST/PATH: the CA's directory without its scheme */
	char *folder;		    /* LETSENCRYPT_DIR/accounts/HOST/PATH */
	uint64_t print;		    /* of the folder and all in it when it was read */
	char *id, *uri, *regr_path; /* of the account in use, or NULL */
	struct acme_account found;
	uint64_t told[TOLD_MAX];
	size_t told_count;
};

/* ---- telling once */

static void tell(struct store_accounts *a, const char *id, const char *what)
{
	struct error line = ERROR_INIT;

	error_set(&line, EXIT_FAILED, "ACME account %s %s", id, what);
	uint64_t print = file_print_of_text(line.text);
	for (size_t i = 0; i < a->told_count && i < TOLD_MAX; i++)
		if (a->told[i] == print)
			return;
	a->told[a->told_count++ % TOLD_MAX] = print;
	log_warn("%s", line.text);
}

/* ---- one account */

struct candidate {
	const char *id;
	char regr_path[PATH_LENGTH_MAX];
	char uri[URI_MAX];
	time_t registered_at;
};

static int path_of(const struct store_accounts *a, const char *id, const char *file,
		   char path[PATH_LENGTH_MAX])
{
	int length = snprintf(path, PATH_LENGTH_MAX, "%s/%s/%s", a->folder, id, file);

	return length < PATH_LENGTH_MAX ? 0 : -1;
}

static bool is_uri(const char *text)
{
	if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
		return false;
	for (const char *at = text; *at != '\0'; at++)
		if (!isgraph((unsigned char)*at) || *at == '"' || at - text >= URI_MAX - 1)
			return false;
	return true;
}

static int read_uri(struct candidate *candidate, struct error *err)
{
	AUTO_JSON cJSON *json = json_read_file(candidate->regr_path, FILE_MAX, err);

	if (json == NULL)
		return -1;
	const char *uri = json_string(json, "uri");
	if (uri == NULL || !is_uri(uri))
		return error_set(err, EXIT_FAILED, "%s has no uri", candidate->regr_path);
	snprintf(candidate->uri, sizeof(candidate->uri), "%s", uri);
	return 0;
}

static int look_at(const struct store_accounts *a, struct candidate *candidate, struct error *err)
{
	char path[PATH_LENGTH_MAX];
	struct stat info;

	if (path_of(a, candidate->id, REGR, candidate->regr_path) != 0 ||
	    path_of(a, candidate->id, KEY, path) != 0)
		return error_set(err, EXIT_FAILED, "its path is too long");
	if (account_key_check(path, err) != 0 || read_uri(candidate, err) != 0)
		return -1;
	if (stat(candidate->regr_path, &info) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "%s", candidate->regr_path);
	candidate->registered_at = info.st_mtime;
	if (path_of(a, candidate->id, LOST, path) == 0 && file_exists(path))
		return error_set(err, EXIT_FAILED,
				 "the CA does not know it any more (if it does again, remove %s)",
				 path);
	return 0;
}

/* Orders here need nothing of it, but plain certbot does. */
static void check_meta(struct store_accounts *a, const char *id)
{
	struct error err = ERROR_INIT;
	char path[PATH_LENGTH_MAX], text[ERROR_TEXT_MAX];

	if (path_of(a, id, META, path) != 0)
		return;
	AUTO_JSON cJSON *meta = json_read_file(path, FILE_MAX, &err);
	if (meta != NULL && json_string(meta, "creation_dt") != NULL &&
	    json_string(meta, "creation_host") != NULL)
		return;
	snprintf(text, sizeof(text),
		 "is used, but its %s is broken: plain certbot could not use the account", META);
	tell(a, id, text);
}

/* ---- all of them */

static void forget(struct store_accounts *a)
{
	free(a->id);
	free(a->uri);
	free(a->regr_path);
	a->id = a->uri = a->regr_path = NULL;
}

static int keep(struct store_accounts *a, const struct candidate *best, struct error *err)
{
	forget(a);
	a->id = strdup(best->id);
	a->uri = strdup(best->uri);
	a->regr_path = strdup(best->regr_path);
	if (a->id == NULL || a->uri == NULL || a->regr_path == NULL) {
		forget(a);
		return error_no_memory(err);
	}
	a->found = (struct acme_account){a->id, a->uri, a->regr_path};
	check_meta(a, a->id);
	return 0;
}

static void add_to_print(const struct store_accounts *a, const char *id, struct file_print *print)
{
	const char *const files[] = {KEY, REGR, META, LOST};
	char path[PATH_LENGTH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (path_of(a, id, files[i], path) == 0)
			file_print_add(print, path);
}

static int cannot_read(const struct store_accounts *a, struct error *err)
{
	return error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", a->folder);
}

/* Calls `each` for every entry.  1 there is a folder, 0 there is none, -1. */
static int list(struct store_accounts *a,
		void (*each)(struct store_accounts *, const char *, void *), void *arg,
		struct error *err)
{
	const struct dirent *entry;
	DIR *folder = opendir(a->folder);

	if (folder == NULL)
		return errno == ENOENT ? 0 : cannot_read(a, err);
	while ((errno = 0, entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			each(a, entry->d_name, arg);
	int rc = errno == 0 ? 1 : cannot_read(a, err);
	closedir(folder);
	return rc;
}

static void print_each(struct store_accounts *a, const char *id, void *print)
{
	add_to_print(a, id, print);
}

static void consider_each(struct store_accounts *a, const char *id, void *arg)
{
	struct candidate candidate = {.id = id}, *best = arg;
	struct error err = ERROR_INIT;

	if (look_at(a, &candidate, &err) != 0) {
		error_wrap(&err, "is passed over");
		tell(a, id, err.text);
		return;
	}
	if (best->id != NULL && best->registered_at >= candidate.registered_at)
		return;
	free((char *)best->id);
	*best = candidate;
	best->id = strdup(id);
}

int accounts_find(struct store_accounts *a, const struct acme_account **found, struct error *err)
{
	struct file_print look = file_print_begin();
	struct candidate best = {0};

	*found = NULL;
	file_print_add(&look, a->folder);
	int rc = list(a, print_each, &look, err);
	if (rc < 0)
		return -1;
	uint64_t print = file_print_end(&look);
	if (print == 0 || print != a->print) {
		a->print = 0;
		if (list(a, consider_each, &best, err) < 0)
			return -1;
		forget(a);
		rc = best.id == NULL ? 0 : keep(a, &best, err);
		free((char *)best.id);
		if (rc != 0)
			return -1;
		a->print = print;
	}
	if (a->id == NULL)
		return 0;
	*found = &a->found;
	return 1;
}

/* ---- to certbot and back */

static int copy_file(const char *from, const char *to, mode_t mode, struct error *err)
{
	struct buffer content;

	buffer_init(&content, FILE_MAX);
	int rc = file_read(from, &content, err);
	if (rc == 0)
		rc = file_write(to, mode, buffer_text(&content), content.length, err);
	if (content.data != NULL)
		OPENSSL_cleanse(content.data, content.length);
	buffer_free(&content);
	return rc;
}

static int write_json(const char *folder, const char *file, cJSON *json, struct error *err)
{
	AUTO_FREE char *text = json_print(json, false, err);
	AUTO_FREE char *path = text == NULL ? NULL : file_join(folder, file);

	cJSON_Delete(json);
	if (path == NULL)
		return text == NULL ? -1 : error_no_memory(err);
	return file_write(path, 0600, text, strlen(text), err);
}

static int write_regr(const char *folder, const char *uri, struct error *err)
{
	cJSON *regr = cJSON_CreateObject();

	if (cJSON_AddObjectToObject(regr, "body") == NULL ||
	    cJSON_AddStringToObject(regr, "uri", uri) == NULL) {
		cJSON_Delete(regr);
		return error_no_memory(err);
	}
	return write_json(folder, REGR, regr, err);
}

static int write_meta(const char *folder, struct error *err)
{
	cJSON *meta = cJSON_CreateObject();
	char now[UTC_SIZE];

	utc_write(time(NULL), now);
	if (cJSON_AddStringToObject(meta, "creation_dt", now) == NULL ||
	    cJSON_AddStringToObject(meta, "creation_host", "dstack-ingress") == NULL) {
		cJSON_Delete(meta);
		return error_no_memory(err);
	}
	return write_json(folder, META, meta, err);
}

int accounts_lend(const struct store_accounts *a, const char *id, const char *config_dir,
		  struct error *err)
{
	char from[PATH_LENGTH_MAX], folder[PATH_LENGTH_MAX];

	if (a->id == NULL || strcmp(a->id, id) != 0)
		return error_set(err, EXIT_TRY_LATER, "the ACME account %s is not in use any more",
				 id);
	if (path_of(a, id, KEY, from) != 0 ||
	    snprintf(folder, sizeof(folder), "%s/accounts/%s/%s", config_dir, a->place, id) >=
		(int)sizeof(folder))
		return error_set(err, EXIT_BAD_CONFIG, "the path of the ACME account is too long");
	AUTO_FREE char *to = file_join(folder, KEY);
	if (to == NULL)
		return error_no_memory(err);
	if (file_make_dirs(folder, 0700, err) != 0 || copy_file(from, to, 0400, err) != 0 ||
	    write_regr(folder, a->uri, err) != 0)
		return -1;
	return write_meta(folder, err);
}

/* The one account in a configuration folder of certbot: its id, to be free()d. */
static char *only_entry(const char *path, struct error *err)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char *found = NULL;
	size_t count = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		free(found);
		found = strdup(entry->d_name);
		count++;
	}
	if (folder != NULL)
		closedir(folder);
	if (count == 1 && found != NULL)
		return found;
	free(found);
	error_set(err, EXIT_FAILED, "certbot has made %zu accounts instead of one", count);
	return NULL;
}

static int stage(const char *from, const char *staged, struct error *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {{KEY, 0400}, {REGR, 0644}, {META, 0644}};

	if (file_remove_tree(staged, err) != 0 || file_make_dirs(staged, 0700, err) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		AUTO_FREE char *source = file_join(from, files[i].name);
		AUTO_FREE char *target = file_join(staged, files[i].name);
		if (source == NULL || target == NULL)
			return error_no_memory(err);
		if (copy_file(source, target, files[i].mode, err) != 0)
			return -1;
	}
	return 0;
}

/* Where an account is put together; commit_recover() knows it too. */
static int staged_path(const struct store_accounts *a, char staged[PATH_LENGTH_MAX],
		       struct error *err)
{
	if (snprintf(staged, PATH_LENGTH_MAX, "%s/accounts/.commit", a->letsencrypt_dir) <
	    PATH_LENGTH_MAX)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG, "LETSENCRYPT_DIR is too long a path");
}

int accounts_have_room(const struct store_accounts *a, struct error *err)
{
	static const char room[ROOM];
	char staged[PATH_LENGTH_MAX];
	struct error ignored = ERROR_INIT;

	if (staged_path(a, staged, err) != 0)
		return -1;
	AUTO_FREE char *file = file_join(staged, "room");
	if (file == NULL)
		return error_no_memory(err);
	int rc = file_make_dirs(a->folder, 0700, err);
	if (rc == 0)
		rc = file_make_dirs(staged, 0700, err);
	if (rc == 0)
		rc = file_write(file, 0600, room, sizeof(room), err);
	file_remove_tree(staged, &ignored);
	return rc;
}

int accounts_commit(struct store_accounts *a, const char *config_dir, struct error *err)
{
	char made[PATH_LENGTH_MAX], staged[PATH_LENGTH_MAX], place[PATH_LENGTH_MAX];

	snprintf(place, sizeof(place), "%s/accounts/%s", config_dir, a->place);
	AUTO_FREE char *id = only_entry(place, err);
	if (id == NULL)
		return -1;
	if (staged_path(a, staged, err) != 0)
		return -1;
	if (snprintf(made, sizeof(made), "%s/%s", place, id) >= (int)sizeof(made) ||
	    snprintf(place, sizeof(place), "%s/%s", a->folder, id) >= (int)sizeof(place))
		return error_set(err, EXIT_BAD_CONFIG, "the path of the ACME account is too long");
	a->print = 0;
	if (file_make_dirs(a->folder, 0700, err) != 0 || stage(made, staged, err) != 0)
		return -1;
	if (rename(staged, place) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", place);
	return file_sync_dir(a->folder, err);
}

/* ---- accounts that the CA has lost */

struct latest {
	const char *except;
	time_t at;
};

static void latest_loss(struct store_accounts *a, const char *id, void *arg)
{
	struct latest *latest = arg;
	char path[PATH_LENGTH_MAX];
	struct stat info;

	if (strcmp(id, latest->except) != 0 && path_of(a, id, LOST, path) == 0 &&
	    stat(path, &info) == 0 && info.st_mtime > latest->at)
		latest->at = info.st_mtime;
}

int accounts_set_lost(struct store_accounts *a, const char *id, struct error *err)
{
	static const char text[] =
	    "The CA does not know this account any more, so dstack-ingress does not use it.\n"
	    "If it does again, remove this file.\n";
	struct latest latest = {.except = id};
	char path[PATH_LENGTH_MAX];
	time_t now = time(NULL);

	if (list(a, latest_loss, &latest, err) < 0)
		return -1;
	if (latest.at <= now && now - latest.at < LOST_AGAIN_SECONDS)
		return error_set(err, EXIT_TRY_LATER,
				 "the CA does not know the ACME account %s, nor the one before; "
				 "another one is registered in an hour at the earliest",
				 id);
	if (path_of(a, id, LOST, path) != 0)
		return error_set(err, EXIT_BAD_CONFIG, "the path of the ACME account is too long");
	a->print = 0;
	return file_write(path, 0644, text, sizeof(text) - 1, err);
}

/* ---- the object */

struct store_accounts *accounts_new(const char *letsencrypt_dir, const char *server,
				    struct error *err)
{
	struct store_accounts *a = calloc(1, sizeof(*a));
	const char *host = strstr(server, "://");

	if (a == NULL)
		goto no_memory;
	a->letsencrypt_dir = strdup(letsencrypt_dir);
	a->place = strdup(host == NULL ? server : host + 3);
	if (a->letsencrypt_dir == NULL || a->place == NULL)
		goto no_memory;
	if (asprintf(&a->folder, "%s/accounts/%s", letsencrypt_dir, a->place) < 0) {
		a->folder = NULL;
		goto no_memory;
	}
	return a;
no_memory:
	accounts_free(a);
	error_no_memory(err);
	return NULL;
}

void accounts_free(struct store_accounts *a)
{
	if (a == NULL)
		return;
	forget(a);
	free(a->letsencrypt_dir);
	free(a->place);
	free(a->folder);
	free(a);
}
