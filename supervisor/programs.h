/* Where our other programs are: beside the one that is running. */
#ifndef SUPERVISOR_PROGRAMS_H
#define SUPERVISOR_PROGRAMS_H

#include "common/error.h"

struct programs {
	char *dns;	/* ingress-dns */
	char *evidence; /* ingress-evidence */
	char *resolve;	/* ingress-resolve */
	char *ctl;	/* ingressctl */
};

/* EXIT_BAD_CONFIG naming the one that is missing. */
int programs_find(struct programs *programs, struct error *err);
void programs_clear(struct programs *programs);

#endif
