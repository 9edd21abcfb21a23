/* A line from ingress-resolve put into the table of addresses; what the user should know of it
 * is logged. */
#ifndef SUPERVISOR_ADDRESSES_ADDRESS_NEWS_H
#define SUPERVISOR_ADDRESSES_ADDRESS_NEWS_H

#include "supervisor/addresses/backend_addresses.h"

#include <stdbool.h>

/* Whether an address has changed. */
bool address_news_take(struct backend_addresses *table, const char *line,
		       const struct allowed_networks *allowed);

#endif
