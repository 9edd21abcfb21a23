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
	const char *inspection;	 /* the rules that look at a connection; NULL: it is not */
	const char *http_side;	 /* the variable they set and the server it leads to */
	const char *http_server; /* that server's address and options */
	const char *inspect_h2;	 /* those before them for HTTP/2; NULL: not needed */
	bool by_request;	 /* each has a twin for EVIDENCE_ROUTING=request */
	bool has_nameserver;	 /* names can be followed as their addresses change */
};

int backends_write(const struct settings *settings, const struct backend_options *options,
		   struct buffer *out, struct error *err);

#endif
