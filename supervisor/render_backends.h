/* The backends of a configuration: one for each distinct way to reach a host:port, however
 * many names are routed to it. */
#ifndef SUPERVISOR_RENDER_BACKENDS_H
#define SUPERVISOR_RENDER_BACKENDS_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>

/* host:port, with ":proxy" behind it when the PROXY protocol is sent; no other proxy of
 * ours has a colon in its name. */
enum { BACKEND_NAME_MAX = DOMAIN_MAX + 16 };
void backend_name(const struct settings *settings, const struct route *route,
		  char name[BACKEND_NAME_MAX]);

struct backend_options {
	bool by_request;     /* each has a twin for EVIDENCE_ROUTING=request */
	bool has_nameserver; /* names can be followed as their addresses change */
};

int backends_write(const struct settings *settings, const struct backend_options *options,
		   struct buffer *out, struct error *err);

#endif
