#include "supervisor/certbot_room.h"

#include "common/file.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * certbot reads /etc/letsencrypt/cli.ini, which is the volume's own where that is mounted there,
 * whatever its configuration folder is, and an option in it that it does not know ends it.  The
 * list of these files is a table of defaults inside certbot (so in 2.1, 4.0 and 5.5), and Python
 * runs a module of this name before anything else.  Should certbot be made otherwise one day, its
 * command line still wins over such a file in what matters (certbot.c).
 */
static const char SITECUSTOMIZE[] =
    "import os\n"
    "\n"
    "os.environ.pop(\"PYTHONPATH\", None)  # nothing that certbot starts needs it\n"
    "try:\n"
    "    from certbot._internal import constants\n"
    "\n"
    "    constants.CLI_DEFAULTS[\"config_files\"] = []\n"
    "except Exception:\n"
    "    pass\n";

static void clear(struct certbot_room *room)
{
	char *const paths[] = {room->path,    room->config, room->logs, room->home, room->python,
			       room->secrets, room->tmp,    room->work, room->ini};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		free(paths[i]);
	*room = (struct certbot_room){0};
}

static int name_folders(struct certbot_room *room, const char *folder, struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", room->number);
	room->path = file_join(folder, number);
	if (room->path == NULL)
		return error_no_memory(err);
	room->config = file_join(room->path, "config");
	room->logs = file_join(room->path, "logs");
	room->home = file_join(room->path, "home");
	room->python = file_join(room->path, "python");
	room->secrets = file_join(room->path, "secrets");
	room->tmp = file_join(room->path, "tmp");
	room->work = file_join(room->path, "work");
	room->ini = file_join(room->path, "secrets/cli.ini");
	return room->config && room->logs && room->home && room->python && room->secrets &&
		       room->tmp && room->work && room->ini
		   ? 0
		   : error_no_memory(err);
}

static int fill(const struct certbot_room *room, struct error *err)
{
	const char *const folders[] = {room->config,  room->logs, room->home, room->python,
				       room->secrets, room->tmp,  room->work};

	/* Anew for each run: a full RUN_DIR would keep the next certificate from being installed.
	 */
	if (file_remove_tree(room->path, err) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (file_make_dirs(folders[i], 0700, err) != 0)
			return -1;
	AUTO_FREE char *module = file_join(room->python, "sitecustomize.py");
	if (module == NULL)
		return error_no_memory(err);
	return file_write(module, 0600, SITECUSTOMIZE, sizeof(SITECUSTOMIZE) - 1, err);
}

int certbot_room_open(struct certbot_room *room, const char *folder, unsigned number,
		      struct error *err)
{
	*room = (struct certbot_room){.number = number};
	if (name_folders(room, folder, err) == 0 && fill(room, err) == 0)
		return 0;
	certbot_room_close(room, 0);
	return -1;
}

void certbot_room_close(struct certbot_room *room, int keep_logs)
{
	const char *const secret[] = {room->secrets, room->config, room->home,
				      room->python,  room->tmp,	   room->work};
	struct error err = ERROR_INIT;

	if (room->path != NULL && !keep_logs) {
		if (file_remove_tree(room->path, &err) != 0)
			log_warn("%s", err.text);
	} else if (room->path != NULL) {
		for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
			if (file_remove_tree(secret[i], &err) != 0)
				log_warn("%s", err.text);
	}
	clear(room);
}
