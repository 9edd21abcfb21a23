/* The backends of a configuration: one for each distinct way to reach a host:port, however
 * many names are routed to it. */
#ifndef SUPERVISOR_HAPROXY_RENDER_BACKENDS_H
#define SUPERVISOR_HAPROXY_RENDER_BACKENDS_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/backend_addresses.h"

#include <stdbool.h>

/* host:port, with ":proxy" behind it when the PROXY protocol is sent; no other proxy of
 * ours has a colon in its name. */
enum { BACKEND_NAME_MAX = DOMAIN_MAX + 16 };
void backend_name(const struct settings *settings, const struct route *route,
		  char name[BACKEND_NAME_MAX]);

struct backend {
	const struct route *route; /* one of those that lead to it */
	char name[BACKEND_NAME_MAX];
};

/* All of them, each once, sorted by name; free(). */
struct backend *backends_list(const struct settings *settings, size_t *count, struct error *err);

/* With the addresses that the names have now: HAProxy itself looks nothing up.  A name without
 * one is a server that is down, so that clients are refused at once.  With `by_request`, each has a
 * twin for EVIDENCE_ROUTING=request. */
int backends_write(const struct settings *settings, const struct backend_addresses *addresses,
		   bool by_request, struct buffer *out, struct error *err);

#endif
