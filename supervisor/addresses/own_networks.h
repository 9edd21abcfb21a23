/* Which addresses a backend's name may lead to. */
#ifndef SUPERVISOR_ADDRESSES_OWN_NETWORKS_H
#define SUPERVISOR_ADDRESSES_OWN_NETWORKS_H

#include "common/error.h"
#include "common/ip_network.h"

#include <stdbool.h>
#include <stddef.h>

struct allowed_networks {
	const struct ip_network *listed; /* BACKEND_NETWORKS */
	size_t listed_count;
	struct ip_network *own; /* of this container's interfaces */
	size_t own_count;
};

/* Looks at the interfaces anew; on failure `own` stays as it was. */
int own_networks_find(struct allowed_networks *allowed, struct error *err);
void own_networks_clear(struct allowed_networks *allowed);

/* Loopback, or in one of the networks; never an address for which ip_is_no_peer() is true. */
bool networks_allow(const struct allowed_networks *allowed, const struct ip_address *address);

#endif
