/* The backends of a configuration: one for each distinct host:port, however many names
 * are routed to it. */
#ifndef SUPERVISOR_RENDER_BACKENDS_H
#define SUPERVISOR_RENDER_BACKENDS_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/settings.h"

#include <stdbool.h>

/* host:port; no other proxy of ours has a colon in its name. */
enum { BACKEND_NAME_MAX = DOMAIN_MAX + 8 };
void backend_name(const struct endpoint *target, char name[BACKEND_NAME_MAX]);

struct backend_options {
	bool inspect;		   /* each looks for evidence requests itself */
	bool has_nameserver;	   /* names can be followed as their addresses change */
	const char *socket_prefix; /* of the evidence socket, as the worker sees it */
};

int backends_write(const struct settings *settings, const struct backend_options *options,
		   struct buffer *out, struct error *err);

#endif
