/*
 * The supervisor as a whole: puts the parts together, in the order that lets serving
 * begin before anything is asked of the network, and takes them apart in reverse.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "common/error.h"
#include "common/settings.h"

/* Runs until SIGTERM or SIGINT.  0 when it was told to end and ended in order. */
int supervisor_run(const struct settings *settings, struct error *err);

#endif
