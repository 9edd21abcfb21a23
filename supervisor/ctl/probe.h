/* `ingressctl probe`: a TLS handshake with the local port, to see which certificate is really
 * served. */
#ifndef SUPERVISOR_CTL_PROBE_H
#define SUPERVISOR_CTL_PROBE_H

#include "common/command_line.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROBE_PORT = 443 };

struct probe_options {
	unsigned short port;
	bool proxy; /* the port wants the PROXY protocol in front (ACCEPT_PROXY_PROTOCOL) */
	bool json;
};

extern const struct command_option probe_command_options[];

/*
 * Connects to loopback with each of the `count` NAMEs (of NAME or NAME=SERIAL) as SNI, for a
 * wildcard with a label in its place, and prints the serial of the certificate that comes, or on
 * standard error why there is none; with `json` both as a line of standard output.  Those that are
 * not SERIAL are asked for again, all together for ten seconds.  The exit status, the worst of all;
 * -1 with err when a name is none.
 */
int ctl_probe(const struct probe_options *o, char *const *names, size_t count, struct error *err);

#endif
