/*
 * The users that certbot runs as, one for each of its rooms: USER_CERTBOT and the numbers behind
 * it.  What such a user has made is looked at with his rights, so that nothing leads root
 * elsewhere, and nothing of his runs on when it is looked at.
 *
 * User 0 stands for none: certbot runs as ingressd does, and these do nothing special.
 */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_USER_H
#define SUPERVISOR_CERTBOT_CERTBOT_USER_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Whether certbot can run as `user`: `program` (found in PATH) and the folder of the rooms must be
 * his to reach, and root must have the rights for all this.  false: `why` says what is missing.
 */
bool certbot_user_can_run(uid_t user, const char *program, const char *folder, char *why,
			  size_t size);

/* Files are opened, listed and removed with the rights of `user` from here on, until ..._end().
 * Nothing that waits may stand between the two.  -1 if that cannot be. */
int certbot_user_begin(uid_t user, struct error *err);
void certbot_user_end(uid_t user);

/* openat() with the rights of `user`; O_NOFOLLOW, and nothing that it finds makes it wait. */
int certbot_user_open(uid_t user, int folder, const char *name, int flags);

/* Sees to it that nothing runs as `user`.  EXIT_TRY_LATER where there is something that ingressd
 * has not started: another ingressd's certbot, say. */
int certbot_user_claim(uid_t user, struct error *err);

/* Ends what runs as `user` among ingressd's descendants, which none of them can leave: it is their
 * subreaper.  0 once there is nothing left that could do anything. */
int certbot_user_end_processes(uid_t user, struct error *err);

#endif
