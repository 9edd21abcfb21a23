/*
 * Giving up root for good, in the order that works: look up the user, confine to a folder,
 * drop.  A program that was not started as root keeps its user and is merely kept from
 * gaining more.
 */
#ifndef COMMON_PRIVILEGES_H
#define COMMON_PRIVILEGES_H

#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct privileges_user {
	uid_t uid;
	gid_t gid;
};

bool privileges_is_root(void);

/* Reads the user database, which is out of reach once confined.  The superuser is refused. */
int privileges_find_user(const char *name, struct privileges_user *user, struct error *err);

/* Makes the folder behind `dir` the root of all paths.  Needs root. */
int privileges_confine(int dir, struct error *err);

/*
 * Becomes `user` (if root now) with no supplementary groups, checks that there is no way
 * back, and sets no_new_privs.  The parent-death signal, which the kernel takes away from a
 * process that changes its user (prctl(2)), is kept; -1 if the parent has died meanwhile.
 */
int privileges_drop(const struct privileges_user *user, struct error *err);

#endif
