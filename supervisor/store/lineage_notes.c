/* Notes in live/ of where the links led while they are being changed: see lineage_files.h. */
#include "supervisor/store/lineage_files.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char NOTE[] = "previous_";
/* Where there are no links to note. */
static const char UNDER_WAY[] = ".update-under-way";

/* 1 and where it leads, 0 when it is no link. */
static int read_link(const char *live, const char *before, int kind, char target[LINEAGE_PATH_MAX])
{
	char link[LINEAGE_PATH_MAX];
	struct error ignored = ERROR_INIT;

	if (lineage_path_of(link, live, before, kind, ".pem", &ignored) != 0)
		return 0;
	ssize_t length = readlink(link, target, LINEAGE_PATH_MAX - 1);
	if (length <= 0)
		return 0;
	target[length] = '\0';
	return 1;
}

static bool leads_somewhere(const char *live, int kind)
{
	char link[LINEAGE_PATH_MAX];
	struct error ignored = ERROR_INIT;

	return lineage_path_of(link, live, "", kind, ".pem", &ignored) == 0 && file_exists(link);
}

/* At once with its name: a temporary file beside it could be left without it. */
static int note_update(const char *live, struct error *err)
{
	AUTO_FREE char *path = file_join(live, UNDER_WAY);

	if (path == NULL)
		return error_no_memory(err);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", path);
	return file_sync_dir(live, err);
}

int lineage_note_links(const char *live, struct error *err)
{
	char targets[KINDS][LINEAGE_PATH_MAX], note[LINEAGE_PATH_MAX];

	for (int kind = 0; kind < KINDS; kind++)
		if (!leads_somewhere(live, kind) || !read_link(live, "", kind, targets[kind]))
			return note_update(live, err);
	for (int kind = 0; kind < KINDS; kind++) {
		if (lineage_path_of(note, live, NOTE, kind, ".pem", err) != 0)
			return -1;
		unlink(note);
		if (symlink(targets[kind], note) != 0)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot make %s", note);
	}
	return file_sync_dir(live, err);
}

static int count_notes(const char *live)
{
	char target[LINEAGE_PATH_MAX];
	int count = 0;

	for (int kind = 0; kind < KINDS; kind++)
		count += read_link(live, NOTE, kind, target);
	return count;
}

int lineage_noted_links(const char *live)
{
	AUTO_FREE char *path = file_join(live, UNDER_WAY);

	return path != NULL && file_exists(path) ? KINDS : count_notes(live);
}

bool lineage_can_go_back(const char *live)
{
	return count_notes(live) == KINDS;
}

int lineage_restore_links(const char *live, struct error *err)
{
	char target[LINEAGE_PATH_MAX], link[LINEAGE_PATH_MAX];

	for (int kind = 0; kind < KINDS; kind++)
		if (read_link(live, NOTE, kind, target) &&
		    (lineage_path_of(link, live, "", kind, ".pem", err) != 0 ||
		     file_swap_link(target, link, err) != 0))
			return -1;
	return 0;
}

int lineage_forget_links(const char *live, struct error *err)
{
	char note[LINEAGE_PATH_MAX];

	for (int kind = 0; kind < KINDS; kind++) {
		if (lineage_path_of(note, live, NOTE, kind, ".pem", err) != 0)
			return -1;
		if (unlink(note) != 0 && errno != ENOENT)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot remove %s", note);
	}
	AUTO_FREE char *path = file_join(live, UNDER_WAY);
	if (path == NULL)
		return error_no_memory(err);
	if (unlink(path) != 0 && errno != ENOENT)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot remove %s", path);
	return file_sync_dir(live, err);
}
