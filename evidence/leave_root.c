#include "evidence/leave_root.h"

#include "common/file.h"
#include "common/log.h"
#include "common/privileges.h"
#include "evidence/generation_folder.h"
#include "evidence/shared_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOR_EVERYBODY = S_IROTH | S_IXOTH };

void leave_root(void *unused)
{
	(void)unused;
	privileges_drop_as_far_as_can_be(USER_EVIDENCE);
}

/* ---- whose the folder is */

static bool is_generation(const char *name)
{
	return strncmp(name, GENERATION_PREFIX, strlen(GENERATION_PREFIX)) == 0 ||
	       strncmp(name, GENERATION_UNFINISHED_PREFIX, strlen(GENERATION_UNFINISHED_PREFIX)) ==
		   0;
}

/* A generation's files need not be ours, only the right to remove them. */
static int give_generation(int folder, const char *name)
{
	AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	return fchown(fd, USER_EVIDENCE, USER_EVIDENCE);
}

static int give_generations(int folder)
{
	AUTO_SHARED_NAMES struct shared_names names = {NULL, 0};
	struct error ignored = ERROR_INIT;

	if (shared_folder_list(folder, &names, &ignored) != 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (is_generation(names.list[i]) && give_generation(folder, names.list[i]) != 0)
			return -1;
	return 0;
}

/* The folder comes last: after a crash in between, the next publication does the rest. */
static bool is_given(int folder)
{
	struct stat info;

	if (fstat(folder, &info) != 0 || (info.st_mode & FOR_EVERYBODY) != FOR_EVERYBODY)
		return false;
	if (info.st_uid == USER_EVIDENCE)
		return true;
	return info.st_uid == 0 && give_generations(folder) == 0 &&
	       fchown(folder, USER_EVIDENCE, USER_EVIDENCE) == 0;
}

void leave_root_for_folder(void *arg)
{
	const struct shared_folder *folder = arg;

	if (!privileges_is_root() || is_given(folder->fd)) {
		leave_root(NULL);
		return;
	}
	log_debug("%s stays whose it is; going on as root, to write there", folder->path);
	confinement_drop_capabilities(CAPABILITY(CAP_DAC_OVERRIDE), 0);
}
