/* What becomes of a client's connection, as the settings have it. */
#ifndef SUPERVISOR_HAPROXY_INSPECTION_H
#define SUPERVISOR_HAPROXY_INSPECTION_H

#include "common/settings.h"

#include <string.h>

/* Its first bytes are looked at, since they may ask for evidence. */
static inline bool inspects(const struct settings *s)
{
	return s->evidence_server && s->server_first.scope != CHOICE_ALL;
}

/* ... and if they are HTTP's, each request is routed by itself. */
static inline bool routes_by_request(const struct settings *s)
{
	return inspects(s) && s->evidence_routing == ROUTE_BY_REQUEST;
}

/* A client may resume its TLS session: HAProxy lets it do so under any name, so only where all
 * names that complete a handshake lead to the same certificate, the same backend and the same
 * look at the first bytes. */
static inline bool resumes_sessions(const struct settings *s)
{
	return s->domain_count == 1 && s->route_count == 1 &&
	       strcmp(s->routes[0].pattern, s->domains[0]) == 0 &&
	       s->server_first.scope != CHOICE_LISTED;
}

#endif
