/* One name of `plan` and `apply`: its records are read, planned, changed, and read back. */
#ifndef DNS_HOOKS_APPLY_NAME_H
#define DNS_HOOKS_APPLY_NAME_H

#include "dns-hooks/apply_work.h"

/*
 * Prints what is to be done, and does it unless the run is dry.  Where the credentials do not reach
 * the name, it is enough that DNS shows the records; what it does not show is the operator's to
 * make (apply_operator.h).
 */
int apply_name(struct apply_work *work, const struct desired_records *desired, struct error *err);

#endif
