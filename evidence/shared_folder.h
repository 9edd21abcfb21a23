/*
 * A folder that other containers of the app may write to as well: EVIDENCE_DIR.
 *
 * Everything in it is reached by one name from its open descriptor, and no symbolic link in it
 * is followed.  So whatever others put there, and whenever, nothing outside of the folder is
 * written, read or removed.
 *
 * Errors: EXIT_TRY_LATER when an entry was not what it had been a moment ago (somebody else is
 * at work there), EXIT_FAILED for all others.
 */
#ifndef EVIDENCE_SHARED_FOLDER_H
#define EVIDENCE_SHARED_FOLDER_H

#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct shared_folder {
	int fd;
	const char *path; /* the caller's, for messages */
};

/* Makes the folder if it is missing (0755).  The caller closes `fd`. */
int shared_folder_open(const char *path, struct shared_folder *folder, struct error *err);

enum {
	SHARED_LINK_SIZE = 320, /* a link of ours is shorter */
	/* More entries than we make, of which each name may have a new one and one that is about to
	 * go; others may add any number. */
	SHARED_NAMES_MAX = 2 * SETTINGS_DOMAINS_MAX + 8192,
};

struct shared_names {
	char **list;
	size_t count;
};

#define AUTO_SHARED_NAMES __attribute__((cleanup(shared_names_free)))
void shared_names_free(struct shared_names *names);

/* The names in a folder but "." and "..": the first SHARED_NAMES_MAX that the file system
 * gives. */
int shared_folder_list(int fd, struct shared_names *names, struct error *err);

/* Where the link `name` points; false when there is none or it is longer than any of ours. */
bool shared_folder_read_link(const struct shared_folder *folder, const char *name,
			     char target[SHARED_LINK_SIZE]);

/* Makes `name` a link to `target` by one rename, which replaces anything but a folder. */
int shared_folder_put_link(const struct shared_folder *folder, const char *name, const char *target,
			   struct error *err);

/* Removes a file or a link; fine when it is gone, or a folder has taken its place. */
int shared_folder_remove_file(const struct shared_folder *folder, const char *name,
			      struct error *err);

/* Gives what others left at `name` another name in the folder, "..aside-" and a number, and
 * says so in the log. */
int shared_folder_move_aside(const struct shared_folder *folder, const char *name,
			     struct error *err);

int shared_folder_sync(const struct shared_folder *folder, struct error *err);

/* "cannot VERB PATH/NAME: ...", with the exit code that fits `cause`, an errno.  Returns -1. */
int shared_folder_error(const struct shared_folder *folder, const char *verb, const char *name,
			int cause, struct error *err);

/* A number that nobody can foresee, so that nobody can be there first.  -1 with err. */
int shared_folder_random(unsigned long long *number, struct error *err);

#endif
