/* ingressctl's side of the control socket (see control.h). */
#ifndef SUPERVISOR_CTL_CLIENT_H
#define SUPERVISOR_CTL_CLIENT_H

#include "common/error.h"

#include <cjson/cJSON.h>

/*
 * One request; `path` with its query.  The answer's JSON (cJSON_Delete() by the caller) when
 * it is 2xx; else NULL with the daemon's own sentence in err: EXIT_UNREACHABLE when no
 * ingressd answers, EXIT_USAGE_ERROR for a 404, EXIT_TRY_LATER for a 429.
 */
cJSON *ctl_request(const char *socket_path, const char *method, const char *path,
		   struct error *err);

#endif
