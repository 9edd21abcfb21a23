/* What becomes of a client's connection, as the settings have it. */
#ifndef SUPERVISOR_INSPECTION_H
#define SUPERVISOR_INSPECTION_H

#include "common/settings.h"

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

#endif
