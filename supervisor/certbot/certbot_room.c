#include "supervisor/certbot/certbot_room.h"

#include "common/file.h"
#include "common/log.h"
#include "supervisor/certbot/certbot_user.h"
#include "supervisor/certbot/made_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

#define LOG_FILE "letsencrypt.log"

static void clear(struct certbot_room *room)
{
	char *const paths[] = {room->path,    room->config, room->logs, room->home, room->python,
			       room->secrets, room->tmp,    room->work, room->ini,  room->made};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		free(paths[i]);
	*room = (struct certbot_room){0};
}

static int name_folders(struct certbot_room *room, const char *folder, struct error *err)
{
	if (asprintf(&room->path, "%s/%u", folder, room->number) < 0)
		room->path = NULL;
	if (asprintf(&room->made, "%s/made-%u", folder, room->number) < 0)
		room->made = NULL;
	if (room->path == NULL || room->made == NULL)
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

/* ---- emptying */

/* Its user has filled and closed it as he liked; the folder itself is in one of root's. */
static int empty(const char *path, struct error *err)
{
	struct stat info;
	uid_t owner = 0;

	if (lstat(path, &info) != 0)
		return 0;
	if (geteuid() == 0 && S_ISDIR(info.st_mode))
		owner = info.st_uid;
	if (owner != 0) {
		if (certbot_user_begin(owner, err) != 0)
			return -1;
		int rc = file_empty_dir(path, err);
		certbot_user_end(owner);
		if (rc != 0)
			return -1;
		/* It is empty, and root may have no right to look into it. */
		if (rmdir(path) == 0)
			return 0;
	}
	return file_remove_tree(path, err);
}

void certbot_rooms_remove(const char *folder)
{
	DIR *entries = opendir(folder);
	struct error err = ERROR_INIT;
	const struct dirent *entry;

	while (entries != NULL && (entry = readdir(entries)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		AUTO_FREE char *path = file_join(folder, entry->d_name);
		if (path != NULL && empty(path, &err) != 0)
			log_warn("%s", err.text);
	}
	if (entries != NULL)
		closedir(entries);
}

int certbot_room_end_processes(const struct certbot_room *room, struct error *err)
{
	return certbot_user_end_processes(room->user, err);
}

/* ---- before the run */

static int fill(const struct certbot_room *room, struct error *err)
{
	const char *const folders[] = {room->config,  room->logs, room->home, room->python,
				       room->secrets, room->tmp,  room->work};

	/* Anew for each run: a full RUN_DIR would keep the next certificate from being installed.
	 */
	if (empty(room->path, err) != 0 || file_remove_tree(room->made, err) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (file_make_dirs(folders[i], 0700, err) != 0)
			return -1;
	AUTO_FREE char *module = file_join(room->python, "sitecustomize.py");
	if (module == NULL)
		return error_no_memory(err);
	return file_write_volatile(module, 0600, SITECUSTOMIZE, sizeof(SITECUSTOMIZE) - 1, err);
}

int certbot_room_open(struct certbot_room *room, const char *folder, unsigned number, uid_t user,
		      struct error *err)
{
	*room = (struct certbot_room){.number = number, .user = user};
	if (certbot_user_claim(user, err) != 0)
		return -1;
	if (name_folders(room, folder, err) == 0 && fill(room, err) == 0)
		return 0;
	certbot_room_close(room, NULL);
	return -1;
}

/* What is in a folder goes first: the way to it is its owner's. */
static int give(int folder, const char *name, uid_t user)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	int rc = 0;

	if (fd < 0 && errno != ENOTDIR)
		return -1;
	DIR *entries = fd < 0 ? NULL : fdopendir(fd); /* has fd from here */
	while (rc == 0 && entries != NULL && (entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = give(dirfd(entries), entry->d_name, user);
	if (entries != NULL)
		closedir(entries);
	return rc == 0 ? fchownat(folder, name, user, user, AT_SYMLINK_NOFOLLOW) : -1;
}

int certbot_room_hand_over(const struct certbot_room *room, struct error *err)
{
	if (room->user == 0 || give(AT_FDCWD, room->path, room->user) == 0)
		return 0;
	return error_set_errno(err, EXIT_FAILED, errno, "cannot give %s to user %u", room->path,
			       (unsigned)room->user);
}

/* ---- after it */

int certbot_room_take(const struct certbot_room *room, struct error *err)
{
	return made_files_copy(room->path, "config", room->made, room->user, err);
}

bool certbot_room_read_log(const struct certbot_room *room, struct buffer *log)
{
	struct error err = ERROR_INIT;

	if (made_files_read(room->path, "logs", LOG_FILE, room->user, log, &err) >= 0)
		return true;
	log_warn("certbot's log: %s", err.text);
	return false;
}

static int leave_log(const struct certbot_room *room, const struct buffer *log, struct error *err)
{
	AUTO_FREE char *path = file_join(room->logs, LOG_FILE);

	if (path == NULL)
		return error_no_memory(err);
	if (file_make_dirs(room->logs, 0700, err) != 0)
		return -1;
	return file_write_volatile(path, 0600, buffer_text(log), log->length, err);
}

void certbot_room_close(struct certbot_room *room, const struct buffer *log)
{
	struct error err = ERROR_INIT;

	if (room->path != NULL && room->made != NULL &&
	    (empty(room->path, &err) != 0 || file_remove_tree(room->made, &err) != 0 ||
	     (log != NULL && log->length > 0 && leave_log(room, log, &err) != 0)))
		log_warn("%s", err.text);
	clear(room);
}
