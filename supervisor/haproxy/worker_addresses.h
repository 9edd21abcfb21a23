/*
 * The addresses of backends, told to HAProxy's worker as they change between two
 * configurations: by `set server` on the master socket.
 *
 * A worker knows the changes up to the one that its configuration was written at; those behind
 * it are told, in their order, until it knows them all.  What fails is repeated; a worker that
 * takes none for long is replaced by a reload.  Old workers take no such command (HAProxy: "Proxy
 * is disabled"): a connection that is still to be routed there goes where the name led before.
 */
#ifndef SUPERVISOR_HAPROXY_WORKER_ADDRESSES_H
#define SUPERVISOR_HAPROXY_WORKER_ADDRESSES_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/backend_addresses.h"
#include "supervisor/haproxy/haproxy.h"

#include <event2/event.h>

struct worker_addresses;

struct worker_addresses_options {
	struct event_base *base;
	const struct settings *settings;
	const struct backend_addresses *table;
	struct haproxy *haproxy;
};

struct worker_addresses *worker_addresses_new(const struct worker_addresses_options *options,
					      struct error *err);
void worker_addresses_free(struct worker_addresses *w);

/* A configuration with the addresses as they are now was written. */
void worker_addresses_rendered(struct worker_addresses *w);
/* An address has changed, or a worker has come up. */
void worker_addresses_tell(struct worker_addresses *w);
/* HAProxy is being stopped. */
void worker_addresses_stop(struct worker_addresses *w);

/* Whether `reply` is HAProxy's to so many changes of an address and any number of changes of a
 * state, all of which went well; otherwise what it complains of is in `complaint`. */
enum { COMPLAINT_SIZE = 200 };
bool worker_addresses_accepted(const char *reply, size_t changes, char complaint[COMPLAINT_SIZE]);

#endif
