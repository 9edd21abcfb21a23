/* Whether the ingress does what it is there for, judged by the status object (see status.h). */
#ifndef SUPERVISOR_CTL_HEALTH_H
#define SUPERVISOR_CTL_HEALTH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/*
 * Healthy is: HAProxy and its worker run, and every domain has a certificate that is valid at
 * `now` and that a handshake was seen to return.  `live` leaves the domains out: it is about
 * the processes alone.  Prints one sentence for each thing that is wrong, or one that says
 * that all is well.
 */
bool ctl_health(const cJSON *status, bool live, time_t now, FILE *out);

#endif
