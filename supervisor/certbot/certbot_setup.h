/* What certbot is told: its configuration file and its environment. */
#ifndef SUPERVISOR_CERTBOT_CERTBOT_SETUP_H
#define SUPERVISOR_CERTBOT_CERTBOT_SETUP_H

#include "common/error.h"
#include "common/settings.h"

struct certbot_room;

/* Writes into the room: cli.ini, with the key of an external account binding in it, and a copy of
 * ACME_CA_BUNDLE, which the room's user might not be able to read. */
int certbot_setup_write(const struct certbot_room *room, const struct settings *settings,
			struct error *err);

/* As settings_child_environment(): nothing of the settings but what all programs get. */
char **certbot_setup_environment(const struct certbot_room *room, const struct settings *settings,
				 struct error *err);

#endif
