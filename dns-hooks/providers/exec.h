/*
 * A program of the operator's, for any provider that is not listed: it is run as lego's provider
 * of that name runs it (https://go-acme.github.io/lego/dns/exec/),
 *
 *   DNS_EXEC present NAME. VALUE    make a TXT record
 *   DNS_EXEC cleanup NAME. VALUE    remove it
 *
 * NAME is whole, with a trailing dot.  Status 0 says that it is done.  What it writes is logged.
 *
 * It has the deadline of PROPAGATION_TIMEOUT, a process group of its own, and in its environment
 * what ingress-dns is meant to have (settings.h): PATH, HOME, TZ, LANG, proxies, and settings
 * about DNS.  Credentials that it needs come from a file that it knows.
 */
#ifndef DNS_HOOKS_PROVIDERS_EXEC_H
#define DNS_HOOKS_PROVIDERS_EXEC_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class exec_class;

#endif
