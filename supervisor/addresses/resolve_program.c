#include "supervisor/addresses/resolve_program.h"

#include "common/file.h"
#include "common/spawn.h"
#include "supervisor/addresses/address_news.h"
#include "supervisor/children/confined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_MAX = 8 * 1024 * 1024, LINES_MAX = 8 * 1024 * 1024 };

int resolve_names_file(const struct backend_addresses *table, struct error *err)
{
	int fd = memfd_create("names", MFD_CLOEXEC);
	struct buffer names;

	buffer_init(&names, NAMES_MAX);
	for (size_t i = 0; i < backend_addresses_count(table); i++)
		buffer_printf(&names, "%s\n", backend_addresses_at(table, i)->name);
	if (fd < 0 || write(fd, buffer_text(&names), names.length) != (ssize_t)names.length ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		error_set_errno(err, EXIT_FAILED, errno, "cannot write down the backends' names");
		file_close(&fd);
	}
	buffer_free(&names);
	return fd;
}

void resolve_environment_make(struct resolve_environment *e)
{
	const char *options = getenv("RES_OPTIONS"), *domain = getenv("LOCALDOMAIN");
	size_t count = 0;

	e->variables[count++] = "INGRESS_SUPERVISED=1";
	if (options != NULL) {
		snprintf(e->options, sizeof(e->options), "RES_OPTIONS=%s", options);
		e->variables[count++] = e->options;
	}
	if (domain != NULL) {
		snprintf(e->domain, sizeof(e->domain), "LOCALDOMAIN=%s", domain);
		e->variables[count++] = e->domain;
	}
	e->variables[count] = NULL;
}

static int run_once(const char *program, int names, long seconds, struct buffer *lines,
		    struct error *err)
{
	char limit[24];
	const char *const argv[] = {program, "once", "--seconds", limit, NULL};
	struct spawn spawn = SPAWN_INIT;
	struct resolve_environment environment;
	int status;

	snprintf(limit, sizeof(limit), "%ld", seconds);
	resolve_environment_make(&environment);
	spawn.argv = argv;
	spawn.envp = environment.variables + 1; /* nobody supervises it */
	spawn.stdin_fd = names;
	spawn.confinement = &confined_resolve;
	spawn.stderr_fd = STDERR_FILENO;
	if (spawn_run(&spawn, (seconds + 1) * 1000, lines, &status, err) != 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, EXIT_FAILED, "ingress-resolve failed");
	return 0;
}

int resolve_once(const char *program, const struct settings *settings,
		 struct backend_addresses *table, long seconds, struct error *err)
{
	struct allowed_networks allowed = {.listed = settings->backend_networks,
					   .listed_count = settings->backend_network_count};
	int names AUTO_CLOSE = resolve_names_file(table, err);
	struct buffer lines;
	int rc = -1;

	if (names < 0)
		return -1;
	buffer_init(&lines, LINES_MAX);
	if (own_networks_find(&allowed, err) == 0)
		rc = run_once(program, names, seconds, &lines, err);
	char *rest = rc == 0 ? lines.data : NULL, *line;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			address_news_take(table, line, &allowed);
	buffer_free(&lines);
	own_networks_clear(&allowed);
	return rc;
}
