/*
 * The first act of ingress-dns: what only root can open is opened, and then it is USER_DNS, before
 * it reads a byte that comes from the network.
 *
 * Read before: the secrets that are in files, and ACME_CA_BUNDLE.  The journal's folders belong to
 * USER_DNS, and are entered.  With DNS_PROVIDER=exec it stays root: the operator's own program may
 * need that.  Not started as root, it keeps its user.
 */
#ifndef DNS_HOOKS_LEAVE_ROOT_H
#define DNS_HOOKS_LEAVE_ROOT_H

#include "common/settings.h"

/* A step that fails is logged, and the other steps are done all the same.  NULL: there are no
 * settings, so there is nothing to open. */
void leave_root(const struct settings *settings);

#endif
