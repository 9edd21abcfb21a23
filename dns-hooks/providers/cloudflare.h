/*
 * Cloudflare's API v4 (https://developers.cloudflare.com/api/).
 *
 *   CLOUDFLARE_API_TOKEN    a token with Zone:Read and DNS:Edit
 *   CLOUDFLARE_API_URL      for tests
 */
#ifndef DNS_HOOKS_PROVIDERS_CLOUDFLARE_H
#define DNS_HOOKS_PROVIDERS_CLOUDFLARE_H

#include "dns-hooks/providers/provider.h"

extern const struct provider_class cloudflare_class;

#endif
