/*
 * All that HAProxy needs, written under one folder: haproxy.cfg, crt-list.txt, routes.map,
 * server-first.lst, openssl.cnf (for OPENSSL_CONF) and certs/.  Paths in it are
 * relative but for the worker's folder, so `haproxy -c -f FOLDER/haproxy.cfg` judges exactly what
 * would be served.
 */
#ifndef SUPERVISOR_HAPROXY_RENDER_H
#define SUPERVISOR_HAPROXY_RENDER_H

#include "common/error.h"
#include "common/settings.h"
#include "supervisor/addresses/backend_addresses.h"
#include "supervisor/haproxy/haproxy_facts.h"
#include "supervisor/store/served_pair.h"

struct render_input {
	const struct settings *settings;
	const struct haproxy_facts *haproxy;
	const struct served_pair *pairs; /* one for each of settings->domains, in their order */
	const struct backend_addresses *addresses;
	const char *certs_folder; /* where served_pair_install() has put their files */
	/* Absolute: the folder the worker is confined to; the sockets it connects to lie in it. */
	const char *chroot;
};

/* `folder` is made if it is not there.  The certificates are hard links into
 * `certs_folder`, or copies where that cannot be: a pair that is replaced later leaves a
 * folder written now as it is. */
int render_write(const struct render_input *input, const char *folder, struct error *err);

#endif
