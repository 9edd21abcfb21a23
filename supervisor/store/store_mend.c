#include "supervisor/store/store_mend.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/store/lineage_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BEGINNING = 4096 }; /* of a file, with room for comments */

/* A look that is cheap: thousands of lineages are whole. */
static bool has_pem(const char *path)
{
	static const char marker[] = "-----BEGIN ";
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char beginning[BEGINNING];
	ssize_t length = fd < 0 ? -1 : read(fd, beginning, sizeof(beginning));

	bool has =
	    length > 0 && memmem(beginning, (size_t)length, marker, sizeof(marker) - 1) != NULL;
	explicit_bzero(beginning, sizeof(beginning)); /* it may be of a key */
	return has;
}

static bool is_whole(const char *live)
{
	static const int kinds[] = {KIND_FULLCHAIN, KIND_PRIVKEY};
	char path[LINEAGE_PATH_MAX];
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (lineage_path_of(path, live, "", kinds[i], ".pem", &ignored) != 0 ||
		    !has_pem(path))
			return false;
	return true;
}

/* A file of its own, which may be the only one of its kind. */
static bool has_copy(const char *live)
{
	char path[LINEAGE_PATH_MAX];
	struct stat info;
	struct error ignored = ERROR_INIT;

	for (int kind = 0; kind < KINDS; kind++)
		if (lineage_path_of(path, live, "", kind, ".pem", &ignored) == 0 &&
		    lstat(path, &info) == 0 && !S_ISLNK(info.st_mode) &&
		    (!S_ISREG(info.st_mode) || has_pem(path)))
			return true;
	return false;
}

static void mend(const char *letsencrypt_dir, const char *name)
{
	struct lineage_place place = {.live = ""};
	struct error err = ERROR_INIT;

	if (lineage_place_find(&place, letsencrypt_dir, name, &err) != 0 || is_whole(place.live) ||
	    has_copy(place.live))
		return;
	unsigned version = lineage_newest_whole(&place);
	if (version == 0)
		return;
	if (file_make_dirs(place.live, 0755, &err) != 0 ||
	    lineage_link_version(place.live, place.archive, place.target, version, &err) != 0)
		log_warn("%s leads to no certificate, and cannot be mended: %s", place.live,
			 err.text);
	else
		log_warn("%s led to no certificate; it leads to version %u of the archive now",
			 place.live, version);
}

void mend_links(const char *letsencrypt_dir)
{
	const struct dirent *entry;
	char path[LINEAGE_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/archive", letsencrypt_dir) >= (int)sizeof(path))
		return;
	DIR *archive = opendir(path);
	while (archive != NULL && (entry = readdir(archive)) != NULL)
		if (entry->d_name[0] != '.')
			mend(letsencrypt_dir, entry->d_name);
	if (archive != NULL)
		closedir(archive);
}
