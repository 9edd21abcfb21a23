#include "supervisor/programs.h"

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

int programs_find(struct programs *programs, struct error *err)
{
	char self[PATH_LENGTH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	*programs = (struct programs){0};
	if (length < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot read /proc/self/exe");
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	if (find(self, "ingress-dns", &programs->dns, err) != 0 ||
	    find(self, "ingress-evidence", &programs->evidence, err) != 0 ||
	    find(self, "ingress-resolve", &programs->resolve, err) != 0 ||
	    find(self, "ingressctl", &programs->ctl, err) != 0) {
		programs_clear(programs);
		return -1;
	}
	return 0;
}

void programs_clear(struct programs *programs)
{
	free(programs->dns);
	free(programs->evidence);
	free(programs->resolve);
	free(programs->ctl);
	*programs = (struct programs){0};
}
