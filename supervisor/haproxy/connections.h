/*
 * HAProxy's connections as the kernel knows them, with clients and with backends: which there are,
 * who spoke last on each, and how long ago.  HAProxy, with time-outs of a day, cannot tell a
 * download from a browser's connection that nobody uses; the kernel can, whatever the protocol
 * (sock_diag(7), tcp(7)).
 */
#ifndef SUPERVISOR_HAPROXY_CONNECTIONS_H
#define SUPERVISOR_HAPROXY_CONNECTIONS_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONNECTION_NEVER UINT32_MAX

struct connection {
	uint64_t id;	      /* the socket's, until the machine is started anew */
	uint32_t asked_ms;    /* since the latest bytes from the client, or to the backend */
	uint32_t answered_ms; /* since the latest bytes to the client, or from the backend */
	/* Either is CONNECTION_NEVER where there were none. */
	bool is_owed; /* bytes of ours that the other side has yet to take */
};

struct connection_list {
	struct connection *items; /* ordered by id */
	size_t count;
};

/* For each port whether clients come to it here, or whether backends have it: flags. */
enum { PORT_OF_CLIENTS = 1, PORT_OF_BACKENDS = 2, PORTS = 65536 };

/*
 * The connections of this network namespace at these ports, with whatever address; in host network
 * mode also those of other programs.  The list has to be freed, and is empty on failure.
 * EXIT_UNREACHABLE where the kernel has no sock_diag for TCP, or will not tell us.
 */
int connections_read(const unsigned char ports[PORTS], struct connection_list *list,
		     struct error *err);
void connections_free(struct connection_list *list);

bool connections_have(const struct connection_list *list, uint64_t id);

/*
 * Whether something is under way: there are bytes yet to be taken, or somebody spoke a moment ago.
 * Where a question came last, an answer may follow within `answer_ms`; where an answer did,
 * `quiet_ms` of silence are its end.  (A session ticket may follow a question to clients; to
 * backends nothing is sent but what clients say, so that it needs both to tell.)
 */
bool connection_is_busy(const struct connection *connection, uint32_t quiet_ms, uint32_t answer_ms);

#endif
