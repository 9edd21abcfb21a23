#include "common/program_paths.h"

#include "common/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LENGTH_MAX = 4096 };

static int find(const char *folder, const char *name, char **path, struct error *err)
{
	*path = file_join(folder, name);
	if (*path == NULL)
		return error_no_memory(err);
	if (access(*path, X_OK) != 0)
		return error_set_errno(err, EXIT_BAD_CONFIG, errno,
				       "%s must be installed beside ingressd: %s", name, *path);
	return 0;
}

int program_paths_find(struct program_paths *paths, struct error *err)
{
	char self[PATH_LENGTH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	*paths = (struct program_paths){0};
	if (length < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read /proc/self/exe");
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	if (find(self, "ingress-dns", &paths->dns, err) != 0 ||
	    find(self, "ingress-evidence", &paths->evidence, err) != 0 ||
	    find(self, "ingress-resolve", &paths->resolve, err) != 0 ||
	    find(self, "ingressctl", &paths->ctl, err) != 0) {
		program_paths_clear(paths);
		return -1;
	}
	return 0;
}

void program_paths_clear(struct program_paths *paths)
{
	free(paths->dns);
	free(paths->evidence);
	free(paths->resolve);
	free(paths->ctl);
	*paths = (struct program_paths){0};
}
