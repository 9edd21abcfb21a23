/* The socket to serve on: inherited from the supervisor, or made here. */
#ifndef EVIDENCE_LISTENING_H
#define EVIDENCE_LISTENING_H

#include "common/error.h"

/* Checks that `fd` is a listening stream socket, and prepares it: non-blocking, not for
 * children.  Returns it. */
int listening_inherited(int fd, struct error *err);

/* Makes a unix socket at `path` that everybody may connect to (the folder it is in can be
 * stricter).  A socket that a process of the past left there is replaced; one that somebody
 * listens on is an error. */
int listening_unix(const char *path, struct error *err);

#endif
