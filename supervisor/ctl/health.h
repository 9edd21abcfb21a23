/* Whether the ingress does what it is there for, judged by the status object (see status.h). */
#ifndef SUPERVISOR_CTL_HEALTH_H
#define SUPERVISOR_CTL_HEALTH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum health_depth {
	HEALTH_LIVE,   /* HAProxy and its worker run */
	HEALTH_SERVED, /* and every domain has a certificate that is valid at `now` and that a
			* handshake was seen to return; with REQUIRE_EVIDENCE the evidence counts
			* too */
	HEALTH_ALL, /* and the evidence is there, and nothing failed the last time it was tried */
};

/* Prints one sentence for each thing that is wrong, or one that says that all is well. */
bool ctl_health(const cJSON *status, enum health_depth depth, time_t now, FILE *out);

#endif
