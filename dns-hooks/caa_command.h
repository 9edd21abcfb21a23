/* `caa`: who may have certificates for a name, for a verifier that has no settings. */
#ifndef DNS_HOOKS_CAA_COMMAND_H
#define DNS_HOOKS_CAA_COMMAND_H

#include "common/error.h"

/*
 * Prints one JSON object: {"name", "at", "binding", "detail"}.  `at` is the name whose records
 * count, "" if there are none.  `binding` is "account" (only `account_uri`, or NULL: only one
 * account of each CA that is named, may), "open" (others may), "absent" (there are no records) or
 * "unknown" (DNS could not be asked); `detail` says why for "open" and "unknown".
 *
 * Of the environment it reads DNS_RESOLVERS and DNS_PORT.  -1 only when the arguments or those are
 * wrong.
 */
int caa_command(const char *name, const char *account_uri, struct error *err);

#endif
