#include "evidence/generation.h"

#include "common/file.h"
#include "common/log.h"
#include "evidence/generation_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What shared_folder_put_link() leaves when it is interrupted. */
#define TEMPORARY_PREFIX ".new-"

/* Others who are at work in the folder may spoil any of them. */
enum { ATTEMPTS_MAX = 10 };

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- names for readers */

static int make_link(const struct shared_folder *folder, const char *name, const char *generation,
		     struct error *err)
{
	char target[SHARED_LINK_SIZE];

	snprintf(target, sizeof(target), "%s/%s", generation, name);
	return shared_folder_put_link(folder, name, target, err);
}

/* Whether the entry is one of our links for readers: into a generation. */
static bool is_reader_link(const struct shared_folder *folder, const char *name)
{
	char target[SHARED_LINK_SIZE];

	return name[0] != '.' && shared_folder_read_link(folder, name, target) &&
	       (begins_with(target, GENERATION_LINK "/") || begins_with(target, GENERATION_PREFIX));
}

static bool leads_through_current(const struct shared_folder *folder, const char *name)
{
	char target[SHARED_LINK_SIZE];
	char wanted[SHARED_LINK_SIZE];

	snprintf(wanted, sizeof(wanted), GENERATION_LINK "/%s", name);
	return shared_folder_read_link(folder, name, target) && strcmp(target, wanted) == 0;
}

/* 0 when there is none. */
static mode_t type_of(const struct shared_folder *folder, const char *name)
{
	struct stat info;

	return fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_mode & S_IFMT
									  : 0;
}

/* ---- going through the folder */

/* What is done with each entry; `context` is the caller's. */
typedef int visit(const struct shared_folder *folder, const char *name, const void *context,
		  struct error *err);

static int for_each_entry(const struct shared_folder *folder, visit *action, const void *context,
			  struct error *err)
{
	AUTO_SHARED_NAMES struct shared_names names = {NULL, 0};

	if (shared_folder_list(folder->fd, &names, err) != 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (action(folder, names.list[i], context, err) != 0)
			return -1;
	return 0;
}

/* ---- readers' names follow the current generation */

/* Drops a link whose name the current generation does not have, and corrects one that leads
 * past `..data`. */
static int tidy_link(const struct shared_folder *folder, const char *name, const void *context,
		     struct error *err)
{
	const int *current = context;
	struct stat info;

	if (!is_reader_link(folder, name))
		return 0;
	if (*current < 0 || fstatat(*current, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return shared_folder_remove_file(folder, name, err);
	return leads_through_current(folder, name) ? 0
						   : make_link(folder, name, GENERATION_LINK, err);
}

static int tidy_links(const struct shared_folder *folder, struct error *err)
{
	AUTO_CLOSE int current = generation_open_current(folder->fd);

	return for_each_entry(folder, tidy_link, &current, err);
}

/* A new name can be put there before the switch: it leads nowhere until then, but nobody can
 * have read it before.  A plain file has to wait, or its readers would miss it. */
static int announce_name(const struct shared_folder *folder, const char *name, struct error *err)
{
	mode_t type = type_of(folder, name);

	if (type == S_IFREG || is_reader_link(folder, name))
		return 0;
	if (type != 0 && shared_folder_move_aside(folder, name, err) != 0)
		return -1;
	return make_link(folder, name, GENERATION_LINK, err);
}

static int announce_new_names(const struct shared_folder *folder, const struct file_set *set,
			      struct error *err)
{
	for (size_t i = 0; i < set->count; i++)
		if (announce_name(folder, set->files[i].name, err) != 0)
			return -1;
	return 0;
}

struct leaving {
	const struct file_set *set;
	const char *current;
};

/* A link whose file is not in the next generation is pointed at the present generation itself,
 * so that it never leads nowhere: between the switch and its removal it reads as before. */
static int pin_leaving_name(const struct shared_folder *folder, const char *name,
			    const void *context, struct error *err)
{
	const struct leaving *leaving = context;

	if (!is_reader_link(folder, name) || file_set_find(leaving->set, name) != NULL)
		return 0;
	return make_link(folder, name, leaving->current, err);
}

static int replace_plain_files(const struct shared_folder *folder, const struct file_set *set,
			       struct error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *name = set->files[i].name;
		if (!leads_through_current(folder, name) &&
		    make_link(folder, name, GENERATION_LINK, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- generations */

/* What an interrupted publication may have left; the lock says that none is under way. */
static int remove_leftover(const struct shared_folder *folder, const char *name,
			   const void *context, struct error *err)
{
	(void)context;
	if (begins_with(name, GENERATION_UNFINISHED_PREFIX))
		return generation_remove(folder, name, err);
	if (begins_with(name, TEMPORARY_PREFIX) && type_of(folder, name) == S_IFLNK)
		return shared_folder_remove_file(folder, name, err);
	return 0;
}

struct kept {
	const char *current;
	const char *previous;
};

static int remove_older(const struct shared_folder *folder, const char *name, const void *context,
			struct error *err)
{
	const struct kept *kept = context;

	if (!begins_with(name, GENERATION_PREFIX) || strcmp(name, kept->current) == 0 ||
	    strcmp(name, kept->previous) == 0)
		return 0;
	return generation_remove(folder, name, err);
}

static bool is_current(const struct shared_folder *folder, const char *name)
{
	char target[SHARED_LINK_SIZE];

	return shared_folder_read_link(folder, GENERATION_LINK, target) &&
	       strcmp(target, name) == 0;
}

/* The generation that `..data` names, whether it is there or not; "" when `..data` names none. */
static void read_current(const struct shared_folder *folder, char name[SHARED_LINK_SIZE])
{
	if (!shared_folder_read_link(folder, GENERATION_LINK, name) || !generation_is_name(name))
		name[0] = '\0';
}

/* The one step that readers see.  When it fails only in reaching the disk, it has been taken
 * all the same: after a crash one generation or the other is there, and both are whole. */
static int move_link(const struct shared_folder *folder, const char *name, const char *current,
		     struct error *err)
{
	struct error unsynced = ERROR_INIT;

	if (current[0] == '\0' && type_of(folder, GENERATION_LINK) != 0 &&
	    shared_folder_move_aside(folder, GENERATION_LINK, err) != 0)
		return -1;
	if (shared_folder_put_link(folder, GENERATION_LINK, name, err) != 0)
		return -1;
	if (shared_folder_sync(folder, &unsynced) != 0)
		log_warn("the new evidence may not survive a crash: %s", unsynced.text);
	return 0;
}

static int switch_to(const struct shared_folder *folder, const struct file_set *set,
		     const char *name, const char *current, struct error *err)
{
	const struct leaving leaving = {set, current};

	if (announce_new_names(folder, set, err) != 0 ||
	    (current[0] != '\0' && for_each_entry(folder, pin_leaving_name, &leaving, err) != 0) ||
	    shared_folder_sync(folder, err) != 0)
		return -1;
	return move_link(folder, name, current, err);
}

/* Once readers have the new generation, a failure of the clearing up is only told: the next
 * publication repeats it. */
static void settle(const struct shared_folder *folder, const struct file_set *set, const char *name,
		   const char *previous)
{
	const struct kept kept = {name, previous};
	struct error err = ERROR_INIT;

	if (replace_plain_files(folder, set, &err) != 0 || tidy_links(folder, &err) != 0 ||
	    for_each_entry(folder, remove_older, &kept, &err) != 0 ||
	    shared_folder_sync(folder, &err) != 0)
		log_warn("the new evidence is in place, but not all of the old could be removed: "
			 "%s",
			 err.text);
}

static void take_back(const struct shared_folder *folder, const char *name)
{
	struct error ignored = ERROR_INIT;

	tidy_links(folder, &ignored);
	generation_remove(folder, name, &ignored);
}

/* Whether readers get the very folder that was filled. */
static int check_current(const struct shared_folder *folder, int written, struct error *err)
{
	AUTO_CLOSE int current = generation_open_current(folder->fd);
	struct stat wanted, seen;

	if (current >= 0 && fstat(written, &wanted) == 0 && fstat(current, &seen) == 0 &&
	    wanted.st_dev == seen.st_dev && wanted.st_ino == seen.st_ino)
		return 0;
	return error_set(err, EXIT_TRY_LATER, "%s/%s was changed at once", folder->path,
			 GENERATION_LINK);
}

static int publish_once(const struct shared_folder *folder, const struct file_set *set,
			struct error *err)
{
	char name[GENERATION_NAME_SIZE];
	char current[SHARED_LINK_SIZE];
	struct error left = ERROR_INIT;

	read_current(folder, current);
	/* Files that cannot be removed take room, but do not keep a generation from being
	 * published. */
	if (for_each_entry(folder, remove_leftover, NULL, &left) != 0)
		log_warn("not all that is left of an earlier publication could be removed: %s",
			 left.text);
	if (tidy_links(folder, err) != 0)
		return -1;
	AUTO_CLOSE int written = generation_write(folder, set, name, err);
	if (written < 0)
		return -1;
	if (switch_to(folder, set, name, current, err) != 0 ||
	    check_current(folder, written, err) != 0) {
		if (!is_current(folder, name))
			take_back(folder, name);
		return -1;
	}
	settle(folder, set, name, current);
	return 0;
}

int generation_publish(const struct shared_folder *folder, const struct file_set *set,
		       struct error *err)
{
	int result = -1;

	for (int i = 0; i < ATTEMPTS_MAX && result != 0; i++) {
		result = publish_once(folder, set, err);
		if (result != 0 && err->code != EXIT_TRY_LATER)
			return error_wrap(err, "cannot publish the evidence");
	}
	if (result != 0)
		return error_wrap(err,
				  "cannot publish the evidence: somebody else keeps changing what "
				  "is in %s",
				  folder->path);
	return 0;
}
