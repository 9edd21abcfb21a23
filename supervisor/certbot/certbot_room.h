/*
 * A clean room for one run of certbot: RUN_DIR/certbot/NUMBER/, with
 *
 *   config/    what it makes; before the run nothing but an account is in it
 *   work/, logs/, tmp/
 *   home/      its HOME and XDG_CONFIG_HOME
 *   python/    what keeps it from reading /etc/letsencrypt/cli.ini
 *   secrets/   its configuration file
 *   ask, answer    see certbot_hook.h
 *
 * Nothing that lies on the certificate volume or in a home folder acts on a run, and runs have no
 * file in common.  A room has a user of its own (certbot_user.h), whom all in it belongs to while
 * certbot runs.  What certbot has made is copied to RUN_DIR/certbot/made-NUMBER/ (0700), which no
 * certbot gets into, before anything goes by it.
 */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_ROOM_H
#define SUPERVISOR_CERTBOT_CERTBOT_ROOM_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct certbot_room {
	unsigned number;
	uid_t user; /* 0: as ingressd */
	char *path; /* of the room; the folders of the same names in it: */
	char *config, *logs, *home, *python, *secrets, *tmp, *work;
	char *ini;  /* secrets/cli.ini */
	char *made; /* RUN_DIR/certbot/made-NUMBER */
};

/* Removes what an earlier run has left in RUN_DIR/certbot, as far as that can be. */
void certbot_rooms_remove(const char *folder);

/* Makes the room anew; `folder` is RUN_DIR/certbot.  EXIT_TRY_LATER where somebody else's processes
 * have its user. */
int certbot_room_open(struct certbot_room *room, const char *folder, unsigned number, uid_t user,
		      struct error *err);

/* All in it is there: it becomes its user's. */
int certbot_room_hand_over(const struct certbot_room *room, struct error *err);

/* certbot has ended: nothing that it has started runs on. */
int certbot_room_end_processes(const struct certbot_room *room, struct error *err);

/* After that: config/ is copied to `made`. */
int certbot_room_take(const struct certbot_room *room, struct error *err);

/* After that: certbot's log, as far as `log` takes it.  Whether all that there is was read. */
bool certbot_room_read_log(const struct certbot_room *room, struct buffer *log);

/* Removes all of it; `log` (NULL: none) is put where certbot's log was, for people. */
void certbot_room_close(struct certbot_room *room, const struct buffer *log);

#endif
