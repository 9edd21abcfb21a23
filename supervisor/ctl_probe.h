/* A TLS handshake with the local port, to see which certificate is really served. */
#ifndef SUPERVISOR_CTL_PROBE_H
#define SUPERVISOR_CTL_PROBE_H

#include "common/certificate.h"
#include "common/error.h"

#include <stdbool.h>

enum { PROBE_HANDSHAKE_MS = 5000 };

/*
 * Connects to loopback at `port` with `name` as SNI (for a wildcard, a label in its place)
 * and puts the serial of the certificate that comes into `serial`.  The certificate is not
 * verified: that is what is being asked.  `proxied`: the port wants the PROXY protocol in
 * front (ACCEPT_PROXY_PROTOCOL).  EXIT_UNREACHABLE when there is no handshake.
 */
int probe_serial(const char *name, unsigned short port, bool proxied,
		 char serial[CERTIFICATE_SERIAL_MAX], struct error *err);

#endif
