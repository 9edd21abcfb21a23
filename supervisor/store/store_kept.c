#include "supervisor/store/store_kept.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/store/store_commit.h"
#include "supervisor/store/store_lineages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LENGTH_MAX = 4096 };

struct store_kept {
	char *folder;
	struct store_lineages *lineages;
	struct lineage found;
};

struct store_kept *kept_new(const char *folder, struct error *err)
{
	struct store_kept *kept = calloc(1, sizeof(*kept));

	if (kept != NULL)
		kept->folder = strdup(folder);
	if (kept == NULL || kept->folder == NULL) {
		kept_free(kept);
		error_no_memory(err);
		return NULL;
	}
	if (file_make_dirs(folder, 0700, err) == 0 && commit_recover(folder, err) == 0)
		kept->lineages = lineages_new(folder, LAYOUT_CERTBOT, err);
	if (kept->lineages != NULL && lineages_refresh(kept->lineages, err) == 0)
		return kept;
	kept_free(kept);
	return NULL;
}

void kept_free(struct store_kept *kept)
{
	if (kept == NULL)
		return;
	lineages_free(kept->lineages);
	free(kept->folder);
	free(kept);
}

const char *kept_folder(const struct store_kept *kept)
{
	return kept->folder;
}

int kept_add(struct store_kept *kept, const char *name, const char *config_dir, struct error *err)
{
	return commit_lineage(kept->folder, name, config_dir, err) != 0
		   ? -1
		   : lineages_refresh(kept->lineages, err);
}

const struct lineage *kept_find(struct store_kept *kept, const char *domain)
{
	const struct lineage *found;
	struct error ignored = ERROR_INIT;

	if (lineages_find(kept->lineages, domain, &found, &ignored) <= 0)
		return NULL;
	kept->found = *found;
	kept->found.is_kept = true;
	return &kept->found;
}

void kept_refuse(struct store_kept *kept, const char *serial, const char *spki_sha256)
{
	lineages_refuse(kept->lineages, serial, spki_sha256);
}

bool kept_has(const struct store_kept *kept, const char *name)
{
	char path[PATH_LENGTH_MAX];

	snprintf(path, sizeof(path), "%s/live/%s", kept->folder, name);
	return file_exists(path);
}

void kept_drop(struct store_kept *kept, const char *name)
{
	/* What makes it a lineage goes first. */
	static const struct {
		const char *folder, *suffix;
	} places[] = {{"live", ""}, {"renewal", ".conf"}, {"archive", ""}};
	char path[PATH_LENGTH_MAX];
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s%s", kept->folder, places[i].folder, name,
			 places[i].suffix);
		if (file_remove_tree(path, &err) != 0)
			log_warn("%s", err.text);
	}
}
