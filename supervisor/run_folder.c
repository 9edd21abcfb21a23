#include "supervisor/run_folder.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

enum { CLAIM_TRIES = 200, CLAIM_PAUSE_MS = 50 };

struct run_folder {
	int fd;
	char *certs, *chroot, *control_socket, *addresses, *domains, *kept;
};

/* One that was just told to end may still be letting its connections finish. */
static int claim(struct run_folder *folder, const char *path, struct error *err)
{
	static const struct timespec pause = {0, CLAIM_PAUSE_MS * 1000000L};

	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return error_set_errno(err, EXIT_BAD_CONFIG, errno, "RUN_DIR=%s", path);
	for (int i = 0; i < CLAIM_TRIES; i++) {
		if (flock(folder->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return error_set(err, EXIT_TRY_LATER,
			 "another ingressd runs with RUN_DIR=%s; stop it or choose another folder",
			 path);
}

/* A container that is read-only easily lacks the tmpfs. */
static int make_dirs(const char *path, mode_t mode, struct error *err)
{
	if (file_make_dirs(path, mode, err) == 0)
		return 0;
	return error_wrap(err, "RUN_DIR has to be a folder to write in (a container that is "
			       "read-only has one by `tmpfs: [/run]`)");
}

static int make_folders(const struct run_folder *folder, struct error *err)
{
	/* The worker's chroot has only sockets in it, and is not the worker's to write. */
	return make_dirs(folder->certs, 0700, err) != 0 || make_dirs(folder->chroot, 0755, err) != 0
		   ? -1
		   : 0;
}

struct run_folder *run_folder_open(const struct settings *settings, struct error *err)
{
	struct run_folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL) {
		error_no_memory(err);
		return NULL;
	}
	folder->fd = -1;
	folder->certs = file_join(settings->run_dir, "certs");
	folder->chroot = file_join(settings->run_dir, "chroot");
	folder->control_socket = file_join(settings->run_dir, "control.sock");
	folder->addresses = file_join(settings->run_dir, "addresses");
	folder->domains = file_join(settings->run_dir, "domains");
	folder->kept = file_join(settings->run_dir, "kept");
	if (!folder->certs || !folder->chroot || !folder->control_socket || !folder->addresses ||
	    !folder->domains || !folder->kept) {
		error_no_memory(err);
		goto fail;
	}
	if (make_dirs(settings->run_dir, 0755, err) != 0 ||
	    claim(folder, settings->run_dir, err) != 0 || make_folders(folder, err) != 0)
		goto fail;
	return folder;
fail:
	run_folder_close(folder);
	return NULL;
}

void run_folder_close(struct run_folder *folder)
{
	if (folder == NULL)
		return;
	file_close(&folder->fd);
	free(folder->certs);
	free(folder->chroot);
	free(folder->control_socket);
	free(folder->addresses);
	free(folder->domains);
	free(folder->kept);
	free(folder);
}

const char *run_folder_certs(const struct run_folder *folder)
{
	return folder->certs;
}

const char *run_folder_chroot(const struct run_folder *folder)
{
	return folder->chroot;
}

const char *run_folder_control_socket(const struct run_folder *folder)
{
	return folder->control_socket;
}

const char *run_folder_addresses(const struct run_folder *folder)
{
	return folder->addresses;
}

const char *run_folder_domains(const struct run_folder *folder)
{
	return folder->domains;
}

const char *run_folder_kept(const struct run_folder *folder)
{
	return folder->kept;
}
