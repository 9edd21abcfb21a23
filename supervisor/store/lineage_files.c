#include "supervisor/store/lineage_files.h"

#include "common/certificate.h"
#include "common/file.h"
#include "common/log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VERSION_MAX = 1000000000,
	/* What certbot keeps of a key's mode: the group's bits, and reading by all. */
	KEY_MODE_KEPT = 0074,
};

const char *const kind_names[KINDS] = {"cert", "privkey", "chain", "fullchain"};

static int too_long(struct error *err)
{
	return error_set(err, EXIT_BAD_CONFIG, "LETSENCRYPT_DIR or RUN_DIR is too long a path");
}

int lineage_path_of(char path[LINEAGE_PATH_MAX], const char *folder, const char *before, int kind,
		    const char *behind, struct error *err)
{
	int length =
	    snprintf(path, LINEAGE_PATH_MAX, "%s/%s%s%s", folder, before, kind_names[kind], behind);

	return length < LINEAGE_PATH_MAX ? 0 : too_long(err);
}

static int version_path(char path[LINEAGE_PATH_MAX], const char *folder, int kind, unsigned version,
			struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%u.pem", version);
	return lineage_path_of(path, folder, "", kind, number, err);
}

/* ---- contents */

void lineage_content_clear(struct lineage_content *content)
{
	struct buffer *key = &content->files[KIND_PRIVKEY];

	if (key->data != NULL)
		OPENSSL_cleanse(key->data, key->length);
	for (int kind = 0; kind < KINDS; kind++)
		buffer_free(&content->files[kind]);
}

static int check_content(const struct lineage_content *content, struct error *err)
{
	const struct buffer *chain = &content->files[KIND_FULLCHAIN];
	const struct buffer *key = &content->files[KIND_PRIVKEY];

	if (content->files[KIND_CERT].length == 0)
		return error_set(err, EXIT_FAILED, "cert.pem is empty");
	return certificate_check_key(buffer_text(chain), chain->length, buffer_text(key),
				     key->length, err);
}

int lineage_content_read(struct lineage_content *content, const char *config_dir, const char *name,
			 struct error *err)
{
	char live[LINEAGE_PATH_MAX], path[LINEAGE_PATH_MAX];

	for (int kind = 0; kind < KINDS; kind++)
		buffer_init(&content->files[kind], CERTIFICATE_PEM_MAX);
	if (snprintf(live, sizeof(live), "%s/live/%s", config_dir, name) >= (int)sizeof(live))
		return too_long(err);
	for (int kind = 0; kind < KINDS; kind++)
		if (lineage_path_of(path, live, "", kind, ".pem", err) != 0 ||
		    file_read(path, &content->files[kind], err) != 0)
			return -1;
	return check_content(content, err);
}

/* ---- where they lie */

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* What the link has in front of the file's name; false if it is none, or leads nowhere. */
static bool target_of(const char *live, char target[LINEAGE_PATH_MAX],
		      char folder[LINEAGE_PATH_MAX])
{
	char link[LINEAGE_PATH_MAX];
	struct error ignored = ERROR_INIT;

	if (lineage_path_of(link, live, "", KIND_FULLCHAIN, ".pem", &ignored) != 0)
		return false;
	ssize_t length = readlink(link, target, LINEAGE_PATH_MAX - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	char *slash = strrchr(target, '/');
	if (slash == NULL || slash == target)
		return false;
	*slash = '\0';
	int written = target[0] == '/' ? snprintf(folder, LINEAGE_PATH_MAX, "%s", target)
				       : snprintf(folder, LINEAGE_PATH_MAX, "%s/%s", live, target);
	return written < LINEAGE_PATH_MAX && is_folder(folder);
}

int lineage_place_find(struct lineage_place *place, const char *letsencrypt_dir, const char *name,
		       struct error *err)
{
	static const char usual[] = "../../archive/";
	char folder[LINEAGE_PATH_MAX];
	const char *archive_name = name;

	if (snprintf(place->live, LINEAGE_PATH_MAX, "%s/live/%s", letsencrypt_dir, name) >=
	    LINEAGE_PATH_MAX)
		return too_long(err);
	bool has_target = target_of(place->live, place->target, folder);
	if (has_target && strncmp(place->target, usual, strlen(usual)) != 0) {
		AUTO_FREE char *absolute = realpath(folder, NULL);
		if (absolute == NULL)
			return error_set_errno(err, EXIT_FAILED, errno, "%s", folder);
		snprintf(place->archive, LINEAGE_PATH_MAX, "%s", absolute);
		return 0;
	}
	if (has_target)
		archive_name = place->target + strlen(usual);
	if (snprintf(place->archive, LINEAGE_PATH_MAX, "%s/archive/%s", letsencrypt_dir,
		     archive_name) >= LINEAGE_PATH_MAX)
		return too_long(err);
	if (!has_target)
		snprintf(place->target, LINEAGE_PATH_MAX, "%s%s", usual, name);
	return 0;
}

/* ---- versions */

/* The number in KIND<number>.pem, or 0. */
static unsigned version_in(const char *file, int kind)
{
	size_t length = strlen(kind_names[kind]);

	if (strncmp(file, kind_names[kind], length) != 0 || !isdigit((unsigned char)file[length]))
		return 0;
	char *end;
	unsigned long version = strtoul(file + length, &end, 10);
	return strcmp(end, ".pem") == 0 && version < VERSION_MAX ? (unsigned)version : 0;
}

static unsigned newest_below(const struct lineage_place *place, unsigned limit)
{
	const struct dirent *entry;
	unsigned newest = 0;
	DIR *folder = opendir(place->archive);

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		for (int kind = 0; kind < KINDS; kind++) {
			unsigned version = version_in(entry->d_name, kind);
			if (version > newest && version < limit)
				newest = version;
		}
	if (folder != NULL)
		closedir(folder);
	return newest;
}

unsigned lineage_next_version(const struct lineage_place *place)
{
	return newest_below(place, VERSION_MAX) + 1;
}

static bool is_whole(const struct lineage_place *place, unsigned version)
{
	struct lineage_content content;
	struct error ignored = ERROR_INIT;
	char path[LINEAGE_PATH_MAX];
	bool is = true;

	for (int kind = 0; kind < KINDS; kind++)
		buffer_init(&content.files[kind], CERTIFICATE_PEM_MAX);
	for (int kind = 0; is && kind < KINDS; kind++)
		is = version_path(path, place->archive, kind, version, &ignored) == 0 &&
		     file_read(path, &content.files[kind], &ignored) == 0;
	is = is && check_content(&content, &ignored) == 0;
	lineage_content_clear(&content);
	return is;
}

unsigned lineage_newest_whole(const struct lineage_place *place)
{
	unsigned version = newest_below(place, VERSION_MAX);

	while (version > 0 && !is_whole(place, version))
		version = newest_below(place, version);
	return version;
}

/* ---- writing */

/* As far as this process may: a volume that does not know owners is no reason to do without. */
static void dress_key(const char *path, const char *like)
{
	struct stat info, own;

	if (stat(like, &info) != 0 || stat(path, &own) != 0)
		return;
	if ((own.st_uid != info.st_uid || own.st_gid != info.st_gid) &&
	    chown(path, info.st_uid, info.st_gid) != 0)
		log_warn("%s cannot be given to user %u and group %u, as the key before: %s", path,
			 (unsigned)info.st_uid, (unsigned)info.st_gid, strerror(errno));
	else if (chmod(path, 0600 | (info.st_mode & KEY_MODE_KEPT)) != 0)
		log_warn("%s cannot get the mode of the key before: %s", path, strerror(errno));
}

int lineage_write_version(const struct lineage_content *content, const char *folder,
			  unsigned version, const char *like_key, struct error *err)
{
	/* The certificate that certbot looks at comes last. */
	static const int order[KINDS] = {KIND_PRIVKEY, KIND_CHAIN, KIND_FULLCHAIN, KIND_CERT};
	char path[LINEAGE_PATH_MAX];

	for (int i = 0; i < KINDS; i++) {
		int kind = order[i];
		const struct buffer *file = &content->files[kind];
		if (version_path(path, folder, kind, version, err) != 0 ||
		    file_write(path, kind == KIND_PRIVKEY ? 0600 : 0644, buffer_text(file),
			       file->length, err) != 0)
			return -1;
		if (kind == KIND_PRIVKEY && like_key != NULL)
			dress_key(path, like_key);
	}
	return 0;
}

void lineage_remove_version(const char *folder, unsigned version)
{
	char path[LINEAGE_PATH_MAX];
	struct error ignored = ERROR_INIT;

	for (int kind = 0; kind < KINDS; kind++)
		if (version_path(path, folder, kind, version, &ignored) == 0)
			unlink(path);
}

static int copy_version(const char *live, const char *archive, unsigned version, struct error *err)
{
	char from[LINEAGE_PATH_MAX], to[LINEAGE_PATH_MAX];
	int rc = 0;

	for (int kind = 0; kind < KINDS && rc == 0; kind++) {
		struct buffer content;
		buffer_init(&content, CERTIFICATE_PEM_MAX);
		if (lineage_path_of(to, live, "", kind, ".pem", err) != 0 ||
		    version_path(from, archive, kind, version, err) != 0 ||
		    file_read(from, &content, err) != 0 ||
		    file_write(to, kind == KIND_PRIVKEY ? 0600 : 0644, buffer_text(&content),
			       content.length, err) != 0)
			rc = -1;
		if (rc == 0 && kind == KIND_PRIVKEY)
			dress_key(to, from);
		buffer_free(&content);
	}
	return rc;
}

int lineage_link_version(const char *live, const char *archive, const char *target,
			 unsigned version, struct error *err)
{
	char link[LINEAGE_PATH_MAX], leads_to[LINEAGE_PATH_MAX];

	if (!file_knows_links(live))
		return copy_version(live, archive, version, err);
	for (int kind = 0; kind < KINDS; kind++)
		if (lineage_path_of(link, live, "", kind, ".pem", err) != 0 ||
		    version_path(leads_to, target, kind, version, err) != 0 ||
		    file_swap_link(leads_to, link, err) != 0)
			return -1;
	return 0;
}
