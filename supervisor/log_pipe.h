/* A FIFO in RUN_DIR for the log lines of programs that certbot runs (INGRESS_LOG_PIPE):
 * certbot holds its hooks' own output back until they have ended. */
#ifndef SUPERVISOR_LOG_PIPE_H
#define SUPERVISOR_LOG_PIPE_H

#include "common/error.h"

#include <event2/event.h>

struct log_pipe;

/* Makes the FIFO at `path` (0600), in place of an old one. */
struct log_pipe *log_pipe_new(struct event_base *base, const char *path, struct error *err);
void log_pipe_free(struct log_pipe *log_pipe);

#endif
