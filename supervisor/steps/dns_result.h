/* What ingress-dns tells of the domains of a run, a line of JSON for each (--results-fd). */
#ifndef SUPERVISOR_STEPS_DNS_RESULT_H
#define SUPERVISOR_STEPS_DNS_RESULT_H

#include "common/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct dns_result {
	const char *domain;
	bool is_done;	 /* else it failed, as `told` says */
	bool were_there; /* done without a change */
	/* The records that are the operator's to make, as dns-hooks/apply_result.h has them, and
	 * that DNS does not show; NULL: none. */
	const cJSON *missing;
	struct error
	    told; /* of what was done, with EXIT_OK: what ought to be set right; "" if nothing */
};

/* A file in memory for them; -1. */
int dns_results_open(struct error *err);

/* Reads the file from its beginning.  `what` is put in front of what is told; lines that make no
 * sense are passed over. */
void dns_results_read(int fd, const char *what,
		      void (*take)(const struct dns_result *result, void *arg), void *arg);

#endif
