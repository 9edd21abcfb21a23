/*
 * HAProxy's configurations on disk: each in a folder of its own, RUN_DIR/haproxy/generation-N,
 * and the link `current` to the one that HAProxy reads when it starts or is reloaded.
 */
#ifndef SUPERVISOR_HAPROXY_GENERATIONS_H
#define SUPERVISOR_HAPROXY_GENERATIONS_H

#include "common/error.h"

enum { GENERATIONS_PATH_MAX = 512 };

/* Writes the configuration as of now into `folder`. */
typedef int generations_render(void *arg, const char *folder, struct error *err);

struct generations {
	char folder[GENERATIONS_PATH_MAX - 64];
	generations_render *render;
	void *arg;
	unsigned long in_effect; /* 0: none yet */
};

/* Files of an earlier run are of no use, since the folder may be on a volume that survives:
 * it is made anew. */
int generations_open(struct generations *generations, const char *run_dir,
		     generations_render *render, void *arg, struct error *err);
int generations_make(const struct generations *generations, unsigned long number,
		     struct error *err);
/* Leads the link `current` there. */
int generations_link(const struct generations *generations, unsigned long number,
		     struct error *err);
/* A failure is logged; the folder stays, and does no harm. */
void generations_remove(const struct generations *generations, unsigned long number);

/* PATH/generation-N/haproxy.cfg */
void generations_config(const struct generations *generations, unsigned long number,
			char path[GENERATIONS_PATH_MAX]);

/* OPENSSL_CONF=PATH/generation-N/openssl.cnf, or of the one that is linked where `number` is 0. */
void generations_openssl(const struct generations *generations, unsigned long number,
			 char variable[GENERATIONS_PATH_MAX + 16]);

#endif
