/*
 * Giving up root for good, in the order that works: open what takes root, confine to a folder,
 * drop.  A program that was not started as root keeps its user and is merely kept from
 * gaining more.
 */
#ifndef COMMON_PRIVILEGES_H
#define COMMON_PRIVILEGES_H

#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Who the programs become, so that none of them can touch another's files or memory.  Numbers and
 * not names: a container's image has its own list of users, and what lies on a volume must have
 * the same owner whoever made it.  Debian's policy keeps this range free (section 9.2.2).
 */
enum {
	USER_DNS = 59301,      /* ingress-dns: the journal */
	USER_EVIDENCE = 59302, /* ingress-evidence publish, identity, origin: EVIDENCE_DIR */
	USER_SERVER = 59303,   /* ingress-evidence serve: nothing */
	USER_PROBE = 59304,    /* ingressctl probe: nothing */
	USER_RESOLVE = 59305,  /* ingress-resolve: nothing */
	USER_ENDER = 59309,    /* who ends what certbot has left running: see certbot_user.c */
	/* The first of those that certbot runs as, one for each of its rooms: see certbot_user.h.
	 */
	USER_CERTBOT = 59310,
};

bool privileges_is_root(void);

/* Makes the folder behind `dir` the root of all paths.  Needs root. */
int privileges_confine(int dir, struct error *err);

/*
 * Becomes `user`, and the group of the same number (if root now), with no supplementary groups
 * and no capabilities, checks that there is no way back, and sets no_new_privs.  The parent-death
 * signal, which the kernel takes away from a process that changes its user (prctl(2)), is kept; -1
 * if the parent has died meanwhile.
 *
 * Where the user namespace has no such user, as that of a rootless container may not, root stays
 * root, without any capability.
 */
int privileges_drop(uid_t user, struct error *err);

/*
 * The same for what has to be done in any case: where root cannot become `user`, its capabilities
 * go, and the log says so.
 */
void privileges_drop_as_far_as_can_be(uid_t user);

#endif
