/* How ingress-resolve is started: what it reads, what it sees, and a run of it to the end. */
#ifndef SUPERVISOR_ADDRESSES_RESOLVE_PROGRAM_H
#define SUPERVISOR_ADDRESSES_RESOLVE_PROGRAM_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/backend_addresses.h"

/* The names of the table as a file in memory, to be its standard input; -1 with err. */
int resolve_names_file(const struct backend_addresses *table, struct error *err);

/* libc's own settings and nothing else. */
struct resolve_environment {
	char options[1024], domain[1024];
	const char *variables[4];
};
void resolve_environment_make(struct resolve_environment *environment);

/* For `ingressd --render`: looks every name up once, for at most so many seconds. */
int resolve_once(const char *program, const struct settings *settings,
		 struct backend_addresses *table, long seconds, struct error *err);

#endif
