/* The zones of an account at Namecheap: which there are, and what is in one. */
#ifndef DNS_HOOKS_PROVIDERS_NAMECHEAP_ACCOUNT_H
#define DNS_HOOKS_PROVIDERS_NAMECHEAP_ACCOUNT_H

#include "dns-hooks/providers/namecheap_api.h"

struct namecheap_account;

/* Reads the credentials.  NULL with err. */
struct namecheap_account *namecheap_account_new(struct error *err);
void namecheap_account_free(struct namecheap_account *account);
/* Owned by the account. */
struct namecheap_api *namecheap_account_api(struct namecheap_account *account);

/*
 * The longest domain of the account that holds `name`: 1, 0 for none, -1.  domains.getList knows
 * where a public suffix ends ("example.co.uk"); a domain that is shared with the account is not
 * in it, so when nothing fits, getHosts is asked for each name that it could be.
 */
int namecheap_find_domain(struct namecheap_account *account, const char *name, domain_name found,
			  struct error *err);

/*
 * Everything in the zone, read anew; `hosts_before` is how many hosts the read before this one
 * had (0: there was none).  An answer that is not whole, that is about a domain with other name
 * servers, or without any host although there were some, or although Namecheap counts some, is an
 * error.  The caller frees `zone` in any case.
 */
int namecheap_fetch_zone(const struct namecheap_account *account, const char *zone_name,
			 size_t hosts_before, struct namecheap_zone *zone, struct error *err);

#endif
