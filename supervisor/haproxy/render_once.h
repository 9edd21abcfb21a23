/* `ingressd --render DIR`: HAProxy's configuration for a look, or for `haproxy -f` by hand. */
#ifndef SUPERVISOR_HAPROXY_RENDER_ONCE_H
#define SUPERVISOR_HAPROXY_RENDER_ONCE_H

#include "common/error.h"
#include "common/settings.h"

/* Writes what HAProxy needs under `folder`, from the certificates that exist and the addresses
 * that backends have now, and touches nothing else. */
int render_once(const struct settings *settings, const char *folder, struct error *err);

#endif
