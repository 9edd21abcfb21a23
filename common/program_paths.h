/* Where our other programs are: beside the one that is running. */
#ifndef COMMON_PROGRAM_PATHS_H
#define COMMON_PROGRAM_PATHS_H

#include "common/error.h"

struct program_paths {
	char *dns;	/* ingress-dns */
	char *evidence; /* ingress-evidence */
	char *resolve;	/* ingress-resolve */
	char *ctl;	/* ingressctl */
};

/* EXIT_BAD_CONFIG naming the one that is missing. */
int program_paths_find(struct program_paths *paths, struct error *err);
void program_paths_clear(struct program_paths *paths);

#endif
