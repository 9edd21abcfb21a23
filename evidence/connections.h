/*
 * Bounds on the connections of an evhttp server, which has none itself in libevent 2.1: how
 * many there may be, and how long one may take for a request and its answer (evhttp's own
 * time-out starts anew with every byte).
 *
 * evhttp shows a connection only once it has sent a whole request.  So this keeps its own
 * list, from the moment of accept(), and knows a connection by its socket: by the descriptor
 * and the inode behind it.  One that has to go is shut down, and evhttp cleans up after it
 * as it does when the peer hangs up.
 */
#ifndef EVIDENCE_CONNECTIONS_H
#define EVIDENCE_CONNECTIONS_H

#include "common/error.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>

enum {
	CONNECTIONS_MAX = 256,		   /* more wait to be accepted */
	CONNECTION_IDLE_SECONDS = 15,	   /* without a byte in either direction */
	CONNECTION_REQUEST_MS = 30 * 1000, /* from accept() or the last answer to the next */
	CONNECTION_CROWDED_MS = 5 * 1000,  /* the same while others wait to be accepted */
	CONNECTION_DRAIN_MS = 5 * 1000,	   /* for answers under way when told to stop */
};

struct connections;

/* Watches the connections that `http` accepts from `listener`; all three outlive it.
 * connections_free() after evhttp_free(). */
struct connections *connections_new(struct event_base *base, struct evhttp *http,
				    struct evconnlistener *listener, struct error *err);
void connections_free(struct connections *connections);

/* To be called for each request before it is answered; `making_ms` is how long making the answer
 * may take, which is not the peer's time. */
void connections_answering(struct connections *connections, struct evhttp_request *request,
			   long long making_ms);

/* Accepts no more, lets answers under way finish, and ends the event loop. */
void connections_drain(struct connections *connections);

#endif
