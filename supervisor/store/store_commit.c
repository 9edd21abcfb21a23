#include "supervisor/store/store_commit.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/store/lineage_files.h"
#include "supervisor/store/renewal_conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char STAGED[] = ".commit-";
/* What file.h writes beside a file before it takes its place. */
static const char TEMPORARY[] = ".new-";

static const char README[] =
    "This directory contains your keys and certificates.\n\n"
    "`privkey.pem`  : the private key for your certificate.\n"
    "`fullchain.pem`: the certificate file used in most server software.\n"
    "`chain.pem`    : used for OCSP stapling in Nginx >=1.3.7.\n"
    "`cert.pem`     : will break many server configurations, and should not be used\n"
    "                 without reading further documentation (see link below).\n\n"
    "WARNING: DO NOT MOVE OR RENAME THESE FILES!\n"
    "         Certbot expects these files to remain in this location in order\n"
    "         to function properly!\n\n"
    "We recommend not moving these files. For more information, see the Certbot\n"
    "User Guide at https://certbot.eff.org/docs/using.html#where-are-my-certificates.\n";

/* ---- paths */

static int join(char path[LINEAGE_PATH_MAX], struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int join(char path[LINEAGE_PATH_MAX], struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(path, LINEAGE_PATH_MAX, format, arguments);
	va_end(arguments);
	return length < LINEAGE_PATH_MAX
		   ? 0
		   : error_set(err, EXIT_BAD_CONFIG, "LETSENCRYPT_DIR is too long a path");
}

static bool is_there(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

static int move(const char *from, const char *to, const char *folder, struct error *err)
{
	if (rename(from, to) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", to);
	return file_sync_dir(folder, err);
}

/* ---- renewal/NAME.conf */

static void read_text(const char *path, struct buffer *text)
{
	struct error ignored = ERROR_INIT;

	buffer_init(text, RENEWAL_CONF_MAX);
	file_read(path, text, &ignored);
}

static mode_t mode_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_mode & 0777 : 0644;
}

static int write_conf(const char *letsencrypt_dir, const char *name, const char *archive_dir,
		      const char *config_dir, const char *to, struct error *err)
{
	const struct renewal_place place = {letsencrypt_dir, name, archive_dir};
	char old_path[LINEAGE_PATH_MAX], made_path[LINEAGE_PATH_MAX];
	struct buffer old, made, conf;

	if (join(old_path, err, "%s/renewal/%s.conf", letsencrypt_dir, name) != 0 ||
	    join(made_path, err, "%s/renewal/%s.conf", config_dir, name) != 0)
		return -1;
	read_text(old_path, &old);
	read_text(made_path, &made);
	buffer_init(&conf, RENEWAL_CONF_MAX);
	int rc = renewal_conf_make(&place, buffer_text(&old), buffer_text(&made), &conf, err);
	if (rc == 0)
		rc = file_write(to, mode_of(old_path), buffer_text(&conf), conf.length, err);
	buffer_free(&old);
	buffer_free(&made);
	buffer_free(&conf);
	return rc;
}

/* ---- places */

/* The places of a lineage, under its own name and under the hidden one. */
struct staging {
	char folders[3][LINEAGE_PATH_MAX]; /* archive/, live/, renewal/ */
	char staged[3][LINEAGE_PATH_MAX], final[3][LINEAGE_PATH_MAX];
};

enum { ARCHIVE, LIVE, RENEWAL };

static int staging_of(struct staging *s, const char *letsencrypt_dir, const char *name,
		      struct error *err)
{
	static const char *const folders[3] = {"archive", "live", "renewal"};

	for (int i = 0; i < 3; i++) {
		const char *suffix = i == RENEWAL ? ".conf" : "";
		if (join(s->folders[i], err, "%s/%s", letsencrypt_dir, folders[i]) != 0 ||
		    join(s->staged[i], err, "%s/%s%s%s", s->folders[i], STAGED, name, suffix) !=
			0 ||
		    join(s->final[i], err, "%s/%s%s", s->folders[i], name, suffix) != 0)
			return -1;
	}
	return 0;
}

/* ---- the next version of a lineage */

/* The links lead where they did, and the room that the version takes is free again. */
static void undo(const struct lineage_place *place, unsigned version)
{
	struct error ignored = ERROR_INIT;

	if (lineage_noted_links(place->live) == KINDS &&
	    lineage_restore_links(place->live, &ignored) != 0)
		return;
	lineage_remove_version(place->archive, version);
	lineage_forget_links(place->live, &ignored);
}

static int add_version(const struct lineage_place *place, const struct lineage_content *content,
		       struct error *err)
{
	unsigned version = lineage_next_version(place);
	char key[LINEAGE_PATH_MAX];

	if (join(key, err, "%s/privkey.pem", place->live) != 0)
		return -1;
	if (lineage_note_links(place->live, err) != 0 ||
	    lineage_write_version(content, place->archive, version, key, err) != 0) {
		undo(place, version);
		return -1;
	}
	/* Where there were no links the next start goes on to the version: it is whole. */
	if (lineage_link_version(place->live, place->archive, place->target, version, err) != 0) {
		if (lineage_can_go_back(place->live))
			undo(place, version);
		return -1;
	}
	return lineage_forget_links(place->live, err);
}

static int commit_successor(const char *letsencrypt_dir, const char *name, const char *config_dir,
			    const struct lineage_content *content, struct error *err)
{
	struct lineage_place place = {.live = ""};
	struct error ignored = ERROR_INIT;
	struct staging s = {.folders = {""}};

	if (lineage_place_find(&place, letsencrypt_dir, name, err) != 0 ||
	    staging_of(&s, letsencrypt_dir, name, err) != 0 ||
	    file_make_dirs(place.archive, 0700, err) != 0 ||
	    file_make_dirs(s.folders[RENEWAL], 0755, err) != 0)
		return -1;
	if (write_conf(letsencrypt_dir, name, place.archive, config_dir, s.staged[RENEWAL], err) !=
		0 ||
	    add_version(&place, content, err) != 0) {
		file_remove_tree(s.staged[RENEWAL], &ignored);
		return -1;
	}
	return move(s.staged[RENEWAL], s.final[RENEWAL], s.folders[RENEWAL], err);
}

/* ---- a new lineage */

/* The archive goes last: as long as it is there the lineage is not decided upon. */
static int take_back(const struct staging *s, struct error *err)
{
	for (int i = RENEWAL; i >= ARCHIVE; i--)
		if (file_remove_tree(s->staged[i], err) != 0)
			return -1;
	return 0;
}

static int prepare(const struct staging *s, const char *letsencrypt_dir, const char *name,
		   const char *config_dir, const struct lineage_content *content, struct error *err)
{
	char target[LINEAGE_PATH_MAX], readme[LINEAGE_PATH_MAX];

	if (join(target, err, "../../archive/%s", name) != 0 ||
	    join(readme, err, "%s/README", s->staged[LIVE]) != 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (file_make_dirs(s->folders[i], i == RENEWAL ? 0755 : 0700, err) != 0)
			return -1;
	if (file_make_dirs(s->staged[ARCHIVE], 0755, err) != 0 ||
	    lineage_write_version(content, s->staged[ARCHIVE], 1, NULL, err) != 0)
		return -1;
	if (file_make_dirs(s->staged[LIVE], 0755, err) != 0 ||
	    lineage_link_version(s->staged[LIVE], s->staged[ARCHIVE], target, 1, err) != 0 ||
	    file_write(readme, 0644, README, sizeof(README) - 1, err) != 0)
		return -1;
	return write_conf(letsencrypt_dir, name, s->final[ARCHIVE], config_dir, s->staged[RENEWAL],
			  err);
}

/* What is left to be done once archive/NAME has its name. */
static int end(const struct staging *s, struct error *err)
{
	for (int i = LIVE; i <= RENEWAL; i++)
		if (is_there(s->staged[i]) &&
		    move(s->staged[i], s->final[i], s->folders[i], err) != 0)
			return -1;
	return 0;
}

static int commit_new(const char *letsencrypt_dir, const char *name, const char *config_dir,
		      const struct lineage_content *content, struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct staging s = {.folders = {""}};

	if (staging_of(&s, letsencrypt_dir, name, err) != 0 || take_back(&s, err) != 0)
		return -1;
	if (is_there(s.final[ARCHIVE]))
		return error_set(err, EXIT_FAILED, "%s is there already", s.final[ARCHIVE]);
	if (prepare(&s, letsencrypt_dir, name, config_dir, content, err) != 0 ||
	    move(s.staged[ARCHIVE], s.final[ARCHIVE], s.folders[ARCHIVE], err) != 0) {
		take_back(&s, &ignored);
		return -1;
	}
	return end(&s, err);
}

int commit_lineage(const char *letsencrypt_dir, const char *name, const char *config_dir,
		   struct error *err)
{
	struct lineage_content content;
	char live[LINEAGE_PATH_MAX];
	int rc = lineage_content_read(&content, config_dir, name, err);

	if (rc == 0)
		rc = join(live, err, "%s/live/%s", letsencrypt_dir, name);
	if (rc == 0)
		rc = is_there(live)
			 ? commit_successor(letsencrypt_dir, name, config_dir, &content, err)
			 : commit_new(letsencrypt_dir, name, config_dir, &content, err);
	lineage_content_clear(&content);
	return rc;
}

/* ---- after a kill */

/* Calls `each` for every entry of LETSENCRYPT_DIR/FOLDER whose name begins with `beginning`, as
 * far as there are any. */
static int for_each(const char *letsencrypt_dir, const char *folder, const char *beginning,
		    int (*each)(const char *letsencrypt_dir, const char *entry, struct error *err),
		    struct error *err)
{
	char path[LINEAGE_PATH_MAX];
	const struct dirent *entry;
	int rc = 0;

	if (join(path, err, "%s/%s", letsencrypt_dir, folder) != 0)
		return -1;
	DIR *entries = opendir(path);
	if (entries == NULL)
		return errno == ENOENT || errno == ENOTDIR
			   ? 0
			   : error_set_errno(err, EXIT_FAILED, errno, "cannot read %s", path);
	while (rc == 0 && (entry = readdir(entries)) != NULL) {
		if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0 ||
		    strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = each(letsencrypt_dir, entry->d_name, err);
	}
	closedir(entries);
	return rc;
}

/* Files that were being written when the process was ended. */
static int remove_temporary(const char *folder, const char *entry, struct error *err)
{
	char path[LINEAGE_PATH_MAX];

	return join(path, err, "%s/%s", folder, entry) != 0 ? -1 : file_remove_tree(path, err);
}

static int repair_links(const char *letsencrypt_dir, const char *name, struct error *err)
{
	char live[LINEAGE_PATH_MAX];
	struct lineage_place place = {.live = ""};

	if (name[0] == '.')
		return 0;
	if (join(live, err, "%s/live/%s", letsencrypt_dir, name) != 0)
		return -1;
	int noted = lineage_noted_links(live);
	if (noted == 0)
		return 0;
	log_info("the update of lineage %s was interrupted; it is ended now", name);
	if (noted == KINDS) {
		if (lineage_place_find(&place, letsencrypt_dir, name, err) != 0)
			return -1;
		unsigned version = lineage_newest_whole(&place);
		if (version == 0 ? lineage_restore_links(live, err) != 0
				 : lineage_link_version(live, place.archive, place.target, version,
							err) != 0)
			return -1;
		if (for_each(place.archive, ".", TEMPORARY, remove_temporary, err) != 0)
			return -1;
	}
	if (for_each(live, ".", TEMPORARY, remove_temporary, err) != 0)
		return -1;
	return lineage_forget_links(live, err);
}

static int take_back_staged(const char *letsencrypt_dir, const char *entry, struct error *err)
{
	struct staging s = {.folders = {""}};

	if (staging_of(&s, letsencrypt_dir, entry + strlen(STAGED), err) != 0)
		return -1;
	return take_back(&s, err);
}

static int end_staged(const char *letsencrypt_dir, const char *entry, struct error *err)
{
	struct staging s = {.folders = {""}};

	if (staging_of(&s, letsencrypt_dir, entry + strlen(STAGED), err) != 0)
		return -1;
	if (!is_there(s.final[ARCHIVE]) || is_there(s.final[LIVE]))
		return take_back(&s, err);
	return end(&s, err);
}

/* live/NAME has its name already. */
static int end_staged_conf(const char *letsencrypt_dir, const char *entry, struct error *err)
{
	struct staging s = {.folders = {""}};
	char name[LINEAGE_PATH_MAX];
	size_t length = strlen(entry) - strlen(STAGED);

	if (length <= strlen(".conf"))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(length - strlen(".conf")),
		 entry + strlen(STAGED));
	if (staging_of(&s, letsencrypt_dir, name, err) != 0)
		return -1;
	if (!is_there(s.final[LIVE]) || is_there(s.final[RENEWAL]))
		return file_remove_tree(s.staged[RENEWAL], err);
	return end(&s, err);
}

static int remove_conf(const char *letsencrypt_dir, const char *entry, struct error *err)
{
	char path[LINEAGE_PATH_MAX];

	return join(path, err, "%s/renewal/%s", letsencrypt_dir, entry) != 0
		   ? -1
		   : file_remove_tree(path, err);
}

static int remove_account(const char *letsencrypt_dir, const char *entry, struct error *err)
{
	char path[LINEAGE_PATH_MAX];

	return join(path, err, "%s/accounts/%s", letsencrypt_dir, entry) != 0
		   ? -1
		   : file_remove_tree(path, err);
}

int commit_recover(const char *letsencrypt_dir, struct error *err)
{
	if (for_each(letsencrypt_dir, "archive", STAGED, take_back_staged, err) != 0 ||
	    for_each(letsencrypt_dir, "live", STAGED, end_staged, err) != 0 ||
	    for_each(letsencrypt_dir, "renewal", STAGED, end_staged_conf, err) != 0 ||
	    for_each(letsencrypt_dir, "renewal", TEMPORARY, remove_conf, err) != 0 ||
	    for_each(letsencrypt_dir, "accounts", ".commit", remove_account, err) != 0)
		return error_wrap(err, "what an earlier run left half done cannot be ended");
	return for_each(letsencrypt_dir, "live", "", repair_links, err);
}
