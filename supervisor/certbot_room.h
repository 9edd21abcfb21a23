/*
 * A clean room for one run of certbot: RUN_DIR/certbot/NUMBER/, with
 *
 *   config/    what it makes; before the run nothing but an account is in it
 *   work/, logs/, tmp/
 *   home/      its HOME and XDG_CONFIG_HOME
 *   python/    what keeps it from reading /etc/letsencrypt/cli.ini
 *   secrets/   its configuration file, and credentials for its hooks
 *
 * Nothing that lies on the certificate volume or in a home folder acts on a run, and runs have no
 * file in common.
 */
#ifndef SUPERVISOR_CERTBOT_ROOM_H
#define SUPERVISOR_CERTBOT_ROOM_H

#include "common/error.h"

struct certbot_room {
	unsigned number;
	char *path; /* of the room; the folders of the same names in it: */
	char *config, *logs, *home, *python, *secrets, *tmp, *work;
	char *ini; /* secrets/cli.ini */
};

/* Makes the room anew; `folder` is RUN_DIR/certbot. */
int certbot_room_open(struct certbot_room *room, const char *folder, unsigned number,
		      struct error *err);

/* Removes all of it; with `keep_logs` all but certbot's log, for people. */
void certbot_room_close(struct certbot_room *room, int keep_logs);

#endif
