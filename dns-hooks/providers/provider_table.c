#include "dns-hooks/providers/provider_table.h"

#include "dns-hooks/providers/cloudflare.h"
#include "dns-hooks/providers/exec.h"
#include "dns-hooks/providers/linode.h"
#include "dns-hooks/providers/namecheap.h"
#include "dns-hooks/providers/rfc2136.h"
#include "dns-hooks/providers/route53.h"

#include <string.h>

static const struct provider_class *const classes[] = {
    &cloudflare_class, &exec_class, &linode_class, &namecheap_class, &rfc2136_class, &route53_class,
};

int provider_open(struct provider *provider, const struct settings *settings, struct error *err)
{
	*provider = (struct provider){0};
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i]->name, settings->dns_provider) == 0)
			provider->class = classes[i];
	if (provider->class == NULL)
		return error_set(err, EXIT_BAD_CONFIG,
				 "DNS_PROVIDER is \"%s\", which this version does not have yet",
				 settings->dns_provider);
	provider->state = provider->class->open(settings, err);
	return provider->state == NULL ? -1 : 0;
}
