#include "dns-hooks/challenge/journal.h"

#include "common/deadline.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "dns-hooks/challenge/journal_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	FILE_MODE = 0600,
	NOTE_FILE_MAX = 8192,
	HASH_BYTES = 16,	  /* of SHA-256: names are made by us, and only have to differ */
	LOCK_TIMEOUT_MS = 180000, /* more than one turn takes, API retries included */
	LOCK_POLL_MS = 100,
	TTL_MAX = 86400,
	WRITTEN_FRESH_S = 3600,
	REPLACED_FRESH_S = 86400,
};

static const char SUFFIX[] = ".json";

int journal_open(struct journal *journal, const char *letsencrypt_dir, struct error *err)
{
	*journal = (struct journal){0};
	journal->notes_dir = journal_folder_open(letsencrypt_dir, "dns", err);
	if (journal->notes_dir != NULL)
		journal->served_dir = journal_folder_open(letsencrypt_dir, "dns-served", err);
	if (journal->served_dir != NULL)
		journal->written_dir = journal_folder_open(letsencrypt_dir, "dns-written", err);
	return journal->written_dir == NULL ? -1 : 0;
}

void journal_close(struct journal *journal)
{
	free(journal->notes_dir);
	free(journal->served_dir);
	free(journal->written_dir);
	*journal = (struct journal){0};
}

int journal_lock(const struct journal *journal, struct error *err)
{
	deadline limit = deadline_in(LOCK_TIMEOUT_MS);
	int fd = open(journal->notes_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open %s",
				       journal->notes_dir);
	/* The folder itself is locked: no file that a crash could leave behind. */
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			error_set_errno(err, EXIT_FAILED, errno, "cannot lock %s",
					journal->notes_dir);
			close(fd);
			return -1;
		}
		if (deadline_left(limit) == 0) {
			close(fd);
			return error_set(err, EXIT_TRY_LATER,
					 "another ingress-dns has been writing records for %d "
					 "seconds",
					 LOCK_TIMEOUT_MS / 1000);
		}
		deadline_sleep(LOCK_POLL_MS, limit);
	}
	return fd;
}

/* ---- files */

/* The path of the file for a text and its second part (may be ""); the caller frees. */
static char *path_of(const char *folder, const char *text, const char *more)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char key[sizeof(domain_name) + CHALLENGE_VALUE_MAX + 1];
	char name[HASH_BYTES * 2 + sizeof(SUFFIX)];
	int length = snprintf(key, sizeof(key), "%s\n%s", text, more);

	if (length < 0 || (size_t)length >= sizeof(key) ||
	    EVP_Digest(key, (size_t)length, hash, NULL, EVP_sha256(), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(name + i * 2, 3, "%02x", hash[i]);
	memcpy(name + (size_t)HASH_BYTES * 2, SUFFIX, sizeof(SUFFIX));
	return file_join(folder, name);
}

static int write_json(const char *path, const cJSON *value, struct error *err)
{
	AUTO_FREE char *text = json_print(value, true, err);

	return text == NULL ? -1 : file_write(path, FILE_MODE, text, strlen(text), err);
}

static int remove_file(const char *folder, const char *path, struct error *err)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot remove %s", path);
	return file_sync_dir(folder, err);
}

static int copy_text(const cJSON *json, const char *member, char *out, size_t size)
{
	const char *text = json_string(json, member);

	if (text == NULL || *text == '\0' || strlen(text) >= size)
		return -1;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int read_note(const char *path, struct challenge_note *note, struct error *err)
{
	AUTO_JSON cJSON *json = json_read_file(path, NOTE_FILE_MAX, err);

	if (json == NULL)
		return -1;
	*note = (struct challenge_note){0};
	long long ttl = json_integer(json, "ttl", -1);
	if (copy_text(json, "domain", note->domain, sizeof(note->domain)) != 0 ||
	    copy_text(json, "value", note->value, sizeof(note->value)) != 0 ||
	    copy_text(json, "name", note->name, sizeof(note->name)) != 0 ||
	    copy_text(json, "zone", note->zone, sizeof(note->zone)) != 0 ||
	    copy_text(json, "provider", note->provider, sizeof(note->provider)) != 0 || ttl < 0 ||
	    ttl > TTL_MAX)
		return error_set(err, EXIT_FAILED, "%s is not a note of a challenge value", path);
	note->ttl = (unsigned)ttl;
	return 0;
}

/* ---- notes */

int journal_note(const struct journal *journal, const struct challenge_note *note,
		 struct error *err)
{
	AUTO_FREE char *path = path_of(journal->notes_dir, note->domain, note->value);
	AUTO_JSON cJSON *json = cJSON_CreateObject();

	if (path == NULL || cJSON_AddStringToObject(json, "domain", note->domain) == NULL ||
	    cJSON_AddStringToObject(json, "value", note->value) == NULL ||
	    cJSON_AddStringToObject(json, "name", note->name) == NULL ||
	    cJSON_AddStringToObject(json, "zone", note->zone) == NULL ||
	    cJSON_AddStringToObject(json, "provider", note->provider) == NULL ||
	    cJSON_AddNumberToObject(json, "ttl", note->ttl) == NULL)
		return error_no_memory(err);
	return write_json(path, json, err);
}

int journal_find(const struct journal *journal, const char *domain, const char *value,
		 struct challenge_note *note, struct error *err)
{
	AUTO_FREE char *path = path_of(journal->notes_dir, domain, value);

	if (path == NULL)
		return error_no_memory(err);
	if (!file_exists(path))
		return 0;
	return read_note(path, note, err) == 0 ? 1 : -1;
}

int journal_forget(const struct journal *journal, const struct challenge_note *note,
		   struct error *err)
{
	AUTO_FREE char *path = path_of(journal->notes_dir, note->domain, note->value);

	return path == NULL ? error_no_memory(err) : remove_file(journal->notes_dir, path, err);
}

/* What is being written has another name until it is whole. */
static bool is_note_name(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > strlen(SUFFIX) &&
	       strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static int add_note(const char *folder, const char *name, struct challenge_note **notes,
		    size_t *count, size_t *unreadable, struct error *err)
{
	AUTO_FREE char *path = file_join(folder, name);
	struct challenge_note note;

	if (path == NULL)
		return error_no_memory(err);
	if (read_note(path, &note, err) != 0) {
		log_warn("%s", err->text);
		(*unreadable)++;
		return 0;
	}
	if (*count == JOURNAL_NOTES_MAX)
		return error_set(err, EXIT_FAILED, "%s has more than %d notes", folder,
				 JOURNAL_NOTES_MAX);
	struct challenge_note *longer = reallocarray(*notes, *count + 1, sizeof(note));
	if (longer == NULL)
		return error_no_memory(err);
	*notes = longer;
	longer[(*count)++] = note;
	return 0;
}

int journal_list(const struct journal *journal, struct challenge_note **notes, size_t *count,
		 size_t *unreadable, struct error *err)
{
	DIR *folder = opendir(journal->notes_dir);
	const struct dirent *entry = NULL;
	int result = 0;

	*notes = NULL;
	*count = *unreadable = 0;
	if (folder == NULL)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open %s",
				       journal->notes_dir);
	while (result == 0 && (errno = 0, entry = readdir(folder)) != NULL)
		if (is_note_name(entry->d_name))
			result = add_note(journal->notes_dir, entry->d_name, notes, count,
					  unreadable, err);
	if (result == 0 && errno != 0)
		result =
		    error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", journal->notes_dir);
	closedir(folder);
	return result;
}

/* ---- what caches may still hold */

/* A small file with one time in it. */
static int write_time(const char *path, const char *name, const char *member, long long when,
		      struct error *err)
{
	AUTO_JSON cJSON *json = cJSON_CreateObject();

	if (path == NULL || cJSON_AddStringToObject(json, "name", name) == NULL ||
	    cJSON_AddNumberToObject(json, member, (double)when) == NULL)
		return error_no_memory(err);
	return write_json(path, json, err);
}

/* 0 when there is none. */
static long long read_time(const char *path, const char *member)
{
	struct error err = ERROR_INIT;

	if (path == NULL || !file_exists(path))
		return 0;
	AUTO_JSON cJSON *json = json_read_file(path, NOTE_FILE_MAX, &err);
	return json_integer(json, member, 0);
}

int journal_note_gone(const struct journal *journal, const char *name, unsigned ttl,
		      struct error *err)
{
	AUTO_FREE char *path = path_of(journal->served_dir, name, "");

	return write_time(path, name, "cached_until", time(NULL) + ttl, err);
}

unsigned journal_seconds_cached(const struct journal *journal, const char *name)
{
	AUTO_FREE char *path = path_of(journal->served_dir, name, "");
	struct error err = ERROR_INIT;
	long long now = time(NULL), until = read_time(path, "cached_until");

	/* A time further ahead than any TTL was noted before the clock was set back. */
	if (until > now && until <= now + TTL_MAX)
		return (unsigned)(until - now);
	if (path != NULL && file_exists(path) && remove_file(journal->served_dir, path, &err) != 0)
		log_debug("%s", err.text);
	return 0;
}

/* ---- where writing works */

void journal_note_write(const struct journal *journal, const char *provider, const char *zone,
			bool has_worked)
{
	AUTO_FREE char *path = path_of(journal->written_dir, zone, provider);
	struct error err = ERROR_INIT;

	/* Without this note a write to the zone is only tried once more. */
	if (path == NULL || (has_worked ? write_time(path, zone, "written_at", time(NULL), &err)
					: remove_file(journal->written_dir, path, &err)) != 0)
		log_debug("%s", err.text);
}

bool journal_was_written(const struct journal *journal, const char *provider, const char *zone)
{
	AUTO_FREE char *path = path_of(journal->written_dir, zone, provider);
	long long now = time(NULL), written = read_time(path, "written_at");

	return written <= now && now - written < WRITTEN_FRESH_S;
}

void journal_note_replaced(const struct journal *journal, const char *name, const char *value)
{
	AUTO_FREE char *path = path_of(journal->written_dir, name, value);
	struct error err = ERROR_INIT;

	if (write_time(path, name, "replaced_at", time(NULL), &err) != 0)
		log_debug("%s", err.text);
}

bool journal_was_replaced(const struct journal *journal, const char *name, const char *value)
{
	AUTO_FREE char *path = path_of(journal->written_dir, name, value);
	long long now = time(NULL), replaced = read_time(path, "replaced_at");

	return replaced <= now && now - replaced < REPLACED_FRESH_S;
}

/* The folder stays: another ingress-dns may just have made it, and go on to use it. */
int journal_forget_writes(const struct journal *journal, struct error *err)
{
	return file_empty_dir(journal->written_dir, err);
}
