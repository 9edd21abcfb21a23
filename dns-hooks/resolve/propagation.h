/* Waiting until the whole world can see a value. */
#ifndef DNS_HOOKS_RESOLVE_PROPAGATION_H
#define DNS_HOOKS_RESOLVE_PROPAGATION_H

#include "common/deadline.h"
#include "dns-hooks/resolve/authority.h"

/*
 * Returns 0 when the servers of the zone serve the TXT `value` at `name` as far as a CA can tell
 * (sightings.h): every address that answers does, and those that cannot be asked are warned
 * about.  A CNAME answered at `name` counts as the value missing.  -1 at the deadline
 * (EXIT_TRY_LATER), naming the servers that lack it.
 */
int propagation_wait(const struct authority *authority, const char *name, const char *value,
		     deadline limit, struct error *err);

/*
 * Whether such a wait can succeed: 0 when a server answers for the zone of `name`, with a value or
 * without; those that do not are warned about; `note` (see caution()) has them, and those that have
 * no address.  -1 (EXIT_TRY_LATER) when none does.
 */
int propagation_ready(const struct authority *authority, const char *name, struct error *note,
		      struct error *err);

#endif
