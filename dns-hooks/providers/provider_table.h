/* The providers that this program has. */
#ifndef DNS_HOOKS_PROVIDERS_PROVIDER_TABLE_H
#define DNS_HOOKS_PROVIDERS_PROVIDER_TABLE_H

#include "dns-hooks/providers/provider.h"

/* The provider of the settings.  -1 with err (EXIT_BAD_CONFIG) when it is not one of those
 * compiled in, or lacks credentials. */
int provider_open(struct provider *provider, const struct settings *settings, struct error *err);

#endif
