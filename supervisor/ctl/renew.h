/* `ingressctl renew`. */
#ifndef SUPERVISOR_CTL_RENEW_H
#define SUPERVISOR_CTL_RENEW_H

#include "common/error.h"

#include <stdbool.h>

/*
 * Has ingressd look at `name` (NULL: at all domains) now, prints each step on the way, and returns
 * when all of them have come to rest.  0 when they came through; -1 with err: EXIT_USAGE_ERROR when
 * the domain is not configured, EXIT_TRY_LATER when it has used its orders or is not finished in
 * time.
 */
int ctl_renew(const char *socket_path, const char *name, bool force, struct error *err);

#endif
