/* `ingressctl verify`: is what answers there the attested app?  Needs no daemon and no settings. */
#ifndef SUPERVISOR_VERIFY_H
#define SUPERVISOR_VERIFY_H

#include "supervisor/verify/command.h"

/* Before options are put into it. */
void verify_init(struct verify_command *command);

/* `url` may be NULL.  The exit status, 0 only if nothing failed and nothing required was left
 * unchecked; -1 with err when it could not be judged. */
int verify_run(struct verify_command *command, const char *url, struct error *err);

#endif
