/*
 * Linode's API v4 (https://techdocs.akamai.com/linode-api/reference/get-domains).
 *
 *   LINODE_API_TOKEN    a personal access token with read and write access to Domains
 *   LINODE_API_URL      for tests
 *
 * What is peculiar: TTLs are rounded up to 30, 120, 300, 3600, ... seconds; a CAA record has no
 * flags, no white space in its value, and no CNAME beside it; the API makes a record a second time
 * if asked a second time.
 */
#ifndef DNS_HOOKS_PROVIDERS_LINODE_H
#define DNS_HOOKS_PROVIDERS_LINODE_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class linode_class;

#endif
