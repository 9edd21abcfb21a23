/* The status object (see status.h) as a table for people. */
#ifndef SUPERVISOR_CTL_SHOW_H
#define SUPERVISOR_CTL_SHOW_H

#include <cjson/cJSON.h>
#include <stdio.h>
#include <time.h>

void ctl_print_status(const cJSON *status, time_t now, FILE *out);

#endif
