/* Waiting until the whole world can see a value. */
#ifndef DNS_HOOKS_RESOLVE_PROPAGATION_H
#define DNS_HOOKS_RESOLVE_PROPAGATION_H

#include "common/deadline.h"
#include "dns-hooks/resolve/authority.h"

/*
 * Returns 0 when every server of the zone serves the TXT `value` at `name`: each address of
 * each NS that answers gives it, and each NS has at least one that does (an address of a
 * server that keeps silent beside a working one, as IPv6 does where a network half has it,
 * is passed over with a warning).  Of extra servers only those count that answer.  A CNAME answered
 * at `name` counts as the value missing. -1 at the deadline (EXIT_TRY_LATER), naming the servers
 * that lack it.
 */
int propagation_wait(const struct authority *authority, const char *name, const char *value,
		     deadline limit, struct error *err);

/*
 * Whether such a wait can succeed: 0 when every server, by the same measure, answers for the zone
 * of `name`, with a value or without.  -1 (EXIT_TRY_LATER), naming those that do not.
 */
int propagation_ready(const struct authority *authority, const char *name, struct error *err);

#endif
