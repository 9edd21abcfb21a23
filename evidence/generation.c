#include "evidence/generation.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything of ours that is not for readers begins with two dots. */
#define COMPLETE_PREFIX "..gen-"
#define UNFINISHED_PREFIX "..new-"
/* What file_swap_link() leaves in a folder when it is interrupted. */
#define TEMPORARY_PREFIX ".new-"

enum { GENERATION_NAME_MAX = 64, LINK_MAX_LENGTH = BUNDLE_NAME_MAX + 64, LOCK_POLL_MS = 50 };

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- lock */

static int wait_for_lock(int fd, const char *dir, unsigned wait_seconds, struct error *err)
{
	long long deadline = clock_now_ms() + wait_seconds * 1000LL;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set_errno(err, EXIT_FAILED, errno, "cannot lock %s", dir);
		if (clock_now_ms() >= deadline)
			return error_set(err, EXIT_TRY_LATER,
					 "%s has been locked by another program for %u seconds",
					 dir, wait_seconds);
		clock_sleep_ms(LOCK_POLL_MS);
	}
	return 0;
}

int generation_lock(const char *dir, unsigned wait_seconds, struct error *err)
{
	if (file_make_dirs(dir, 0755, err) != 0)
		return -1;
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot open %s", dir);
	if (wait_for_lock(fd, dir, wait_seconds, err) != 0)
		return -1;
	int locked = fd;
	fd = -1; /* the caller's now */
	return locked;
}

/* ---- symbolic links */

/* Where the link `name` in `dir` points; false when there is no such link or it is longer
 * than any of ours. */
static bool read_link(const char *dir, const char *name, char target[LINK_MAX_LENGTH])
{
	AUTO_FREE char *path = file_join(dir, name);
	ssize_t length = path == NULL ? -1 : readlink(path, target, LINK_MAX_LENGTH);

	if (length < 0 || length >= LINK_MAX_LENGTH)
		return false;
	target[length] = '\0';
	return true;
}

static int make_link(const char *dir, const char *name, const char *generation, struct error *err)
{
	char target[LINK_MAX_LENGTH];
	AUTO_FREE char *path = file_join(dir, name);

	if (path == NULL)
		return error_no_memory(err);
	snprintf(target, sizeof(target), "%s/%s", generation, name);
	return file_swap_link(target, path, err);
}

/* Whether the entry is one of our links for readers: into a generation. */
static bool is_reader_link(const char *dir, const char *name)
{
	char target[LINK_MAX_LENGTH];

	return name[0] != '.' && read_link(dir, name, target) &&
	       (begins_with(target, GENERATION_LINK "/") || begins_with(target, COMPLETE_PREFIX));
}

static bool leads_through_current(const char *dir, const char *name)
{
	char target[LINK_MAX_LENGTH];
	char wanted[LINK_MAX_LENGTH];

	snprintf(wanted, sizeof(wanted), GENERATION_LINK "/%s", name);
	return read_link(dir, name, target) && strcmp(target, wanted) == 0;
}

static bool path_exists(const char *dir, const char *name, struct stat *info)
{
	AUTO_FREE char *path = file_join(dir, name);

	return path != NULL && lstat(path, info) == 0;
}

static bool is_in_current(const char *dir, const char *name)
{
	char path[LINK_MAX_LENGTH];
	struct stat info;

	snprintf(path, sizeof(path), GENERATION_LINK "/%s", name);
	return path_exists(dir, path, &info);
}

/* ---- going through a folder */

/* What is done with each entry; `context` is the caller's. */
typedef int visit(const char *dir, const char *name, const void *context, struct error *err);

static int for_each_entry(const char *dir, visit *action, const void *context, struct error *err)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, NULL);
	int result = 0;

	if (count < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot list %s", dir);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = action(dir, entries[i]->d_name, context, err);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int remove_entry(const char *dir, const char *name, struct error *err)
{
	AUTO_FREE char *path = file_join(dir, name);

	return path == NULL ? error_no_memory(err) : file_remove_tree(path, err);
}

/* ---- readers' names follow the current generation */

/* Drops a link whose name the current generation does not have, and corrects one that leads
 * past `..data`. */
static int tidy_link(const char *dir, const char *name, const void *context, struct error *err)
{
	(void)context;
	if (!is_reader_link(dir, name))
		return 0;
	if (!is_in_current(dir, name))
		return remove_entry(dir, name, err);
	return leads_through_current(dir, name) ? 0 : make_link(dir, name, GENERATION_LINK, err);
}

static int tidy_links(const char *dir, struct error *err)
{
	return for_each_entry(dir, tidy_link, NULL, err);
}

/* A new name can be put there before the switch: it leads nowhere until then, but nobody can
 * have read it before.  A plain file has to wait, or its readers would miss it. */
static int announce_new_names(const char *dir, const struct bundle *bundle, struct error *err)
{
	struct stat info;

	for (size_t i = 0; i < bundle->count; i++) {
		const char *name = bundle->files[i].name;
		if (path_exists(dir, name, &info)) {
			if (S_ISDIR(info.st_mode))
				return error_set(err, EXIT_FAILED,
						 "%s/%s is a folder where a file has to go; "
						 "remove it",
						 dir, name);
			continue;
		}
		if (make_link(dir, name, GENERATION_LINK, err) != 0)
			return -1;
	}
	return 0;
}

struct leaving {
	const struct bundle *bundle;
	const char *current;
};

/* A name that is about to go holds on to the generation it is in, so that it never leads
 * nowhere: between the switch and its removal it still reads as before. */
static int pin_leaving_name(const char *dir, const char *name, const void *context,
			    struct error *err)
{
	const struct leaving *leaving = context;

	if (!is_reader_link(dir, name) || bundle_find(leaving->bundle, name) != NULL)
		return 0;
	return make_link(dir, name, leaving->current, err);
}

static int replace_plain_files(const char *dir, const struct bundle *bundle, struct error *err)
{
	for (size_t i = 0; i < bundle->count; i++) {
		const char *name = bundle->files[i].name;
		if (!leads_through_current(dir, name) &&
		    make_link(dir, name, GENERATION_LINK, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- generations */

/* What an interrupted publication may have left; the lock says that none is under way. */
static int remove_leftover(const char *dir, const char *name, const void *context,
			   struct error *err)
{
	(void)context;
	if (!begins_with(name, UNFINISHED_PREFIX) && !begins_with(name, TEMPORARY_PREFIX))
		return 0;
	return remove_entry(dir, name, err);
}

struct kept {
	const char *current;
	const char *previous;
};

static int remove_older(const char *dir, const char *name, const void *context, struct error *err)
{
	const struct kept *kept = context;

	if (!begins_with(name, COMPLETE_PREFIX) || strcmp(name, kept->current) == 0 ||
	    strcmp(name, kept->previous) == 0)
		return 0;
	return remove_entry(dir, name, err);
}

/* Time and pid, so that no two are alike and a listing shows them in order. */
static void name_generation(const char *prefix, char out[GENERATION_NAME_MAX])
{
	struct timespec now;
	struct tm parts;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(seconds, sizeof(seconds), "%Y%m%dT%H%M%S", &parts);
	snprintf(out, GENERATION_NAME_MAX, "%s%s.%09ldZ-%ld", prefix, seconds, now.tv_nsec,
		 (long)getpid());
}

static int fill_folder(const char *folder, const struct bundle *bundle, struct error *err)
{
	if (file_make_dirs(folder, 0755, err) != 0)
		return -1;
	for (size_t i = 0; i < bundle->count; i++) {
		const struct bundle_file *file = &bundle->files[i];
		AUTO_FREE char *path = file_join(folder, file->name);
		if (path == NULL)
			return error_no_memory(err);
		if (file_write(path, 0644, file->data, file->length, err) != 0)
			return -1;
	}
	return 0;
}

/* Only a complete generation gets a name that stays. */
static int write_generation(const char *dir, const struct bundle *bundle,
			    char name[GENERATION_NAME_MAX], struct error *err)
{
	char unfinished_name[GENERATION_NAME_MAX];
	struct error ignored = ERROR_INIT;

	name_generation(COMPLETE_PREFIX, name);
	snprintf(unfinished_name, sizeof(unfinished_name), UNFINISHED_PREFIX "%s",
		 name + strlen(COMPLETE_PREFIX));
	AUTO_FREE char *unfinished = file_join(dir, unfinished_name);
	AUTO_FREE char *complete = file_join(dir, name);
	if (unfinished == NULL || complete == NULL)
		return error_no_memory(err);
	int result = fill_folder(unfinished, bundle, err);
	if (result == 0 && rename(unfinished, complete) != 0)
		result = error_set_errno(err, EXIT_FAILED, errno, "cannot rename %s", unfinished);
	if (result == 0)
		result = file_sync_dir(dir, err);
	if (result != 0) {
		file_remove_tree(unfinished, &ignored);
		file_remove_tree(complete, &ignored);
	}
	return result;
}

/* The generation that `..data` names; "" when there is none. */
static void read_current(const char *dir, char name[LINK_MAX_LENGTH])
{
	if (!read_link(dir, GENERATION_LINK, name) || !begins_with(name, COMPLETE_PREFIX))
		name[0] = '\0';
}

/* The one step that readers see.  When it fails only in reaching the disk, it has been taken
 * all the same: after a crash one generation or the other is there, and both are whole. */
static int move_link(const char *dir, const char *name, struct error *err)
{
	char current[LINK_MAX_LENGTH];
	AUTO_FREE char *link = file_join(dir, GENERATION_LINK);

	if (link == NULL)
		return error_no_memory(err);
	if (file_swap_link(name, link, err) == 0)
		return 0;
	read_current(dir, current);
	if (strcmp(current, name) != 0)
		return -1;
	log_warn("the new evidence may not survive a crash: %s", err->text);
	return 0;
}

static int switch_to(const char *dir, const struct bundle *bundle, const char *name,
		     const char *current, struct error *err)
{
	const struct leaving leaving = {bundle, current};

	if (announce_new_names(dir, bundle, err) != 0 ||
	    (current[0] != '\0' && for_each_entry(dir, pin_leaving_name, &leaving, err) != 0))
		return -1;
	return move_link(dir, name, err);
}

/* What is left to do once readers have the new generation cannot make that undone: it is
 * tried again by the next publication. */
static void settle(const char *dir, const struct bundle *bundle, const char *name,
		   const char *previous)
{
	const struct kept kept = {name, previous};
	struct error err = ERROR_INIT;

	if (replace_plain_files(dir, bundle, &err) != 0 || tidy_links(dir, &err) != 0 ||
	    for_each_entry(dir, remove_older, &kept, &err) != 0)
		log_warn("the new evidence is in place, but not all of the old could be removed: "
			 "%s",
			 err.text);
}

static void take_back(const char *dir, const char *name)
{
	struct error ignored = ERROR_INIT;

	tidy_links(dir, &ignored);
	remove_entry(dir, name, &ignored);
}

int generation_publish(const char *dir, const struct bundle *bundle, struct error *err)
{
	char name[GENERATION_NAME_MAX];
	char current[LINK_MAX_LENGTH];

	read_current(dir, current);
	if (for_each_entry(dir, remove_leftover, NULL, err) != 0 || tidy_links(dir, err) != 0 ||
	    write_generation(dir, bundle, name, err) != 0)
		return error_wrap(err, "cannot publish the evidence");
	if (switch_to(dir, bundle, name, current, err) != 0) {
		take_back(dir, name);
		return error_wrap(err, "cannot publish the evidence");
	}
	settle(dir, bundle, name, current);
	return 0;
}
