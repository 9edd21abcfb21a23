#include "supervisor/addresses/own_networks.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

static unsigned prefix_of(const struct ip_address *mask)
{
	unsigned prefix = 0;

	while (prefix < sizeof(mask->bytes) * 8 &&
	       (mask->bytes[prefix / 8] & (0x80U >> (prefix % 8))) != 0)
		prefix++;
	return prefix;
}

/* A network without a prefix is everybody's: being on it says nothing. */
static bool read_network(const struct ifaddrs *interface, struct ip_network *network)
{
	struct ip_address address, mask;

	if (interface->ifa_addr == NULL || interface->ifa_netmask == NULL ||
	    (interface->ifa_flags & IFF_UP) == 0 ||
	    !ip_from_socket(interface->ifa_addr, &address) ||
	    !ip_from_socket(interface->ifa_netmask, &mask))
		return false;
	*network = ip_network_of(&address, prefix_of(&mask));
	return network->prefix > 0;
}

int own_networks_find(struct allowed_networks *allowed, struct error *err)
{
	struct ifaddrs *interfaces, *at;
	struct ip_network *own;
	size_t count = 0;

	if (getifaddrs(&interfaces) != 0)
		return error_set_errno(err, EXIT_FAILED, errno,
				       "cannot list the network interfaces");
	for (at = interfaces; at != NULL; at = at->ifa_next)
		count++;
	own = calloc(count + 1, sizeof(*own));
	if (own == NULL) {
		freeifaddrs(interfaces);
		return error_no_memory(err);
	}
	count = 0;
	for (at = interfaces; at != NULL; at = at->ifa_next)
		count += read_network(at, &own[count]);
	freeifaddrs(interfaces);
	free(allowed->own);
	allowed->own = own;
	allowed->own_count = count;
	return 0;
}

void own_networks_clear(struct allowed_networks *allowed)
{
	free(allowed->own);
	allowed->own = NULL;
	allowed->own_count = 0;
}

static bool any_has(const struct ip_network *networks, size_t count,
		    const struct ip_address *address)
{
	for (size_t i = 0; i < count; i++)
		if (ip_network_has(&networks[i], address))
			return true;
	return false;
}

bool networks_allow(const struct allowed_networks *allowed, const struct ip_address *address)
{
	if (ip_is_no_peer(address))
		return false;
	return ip_is_loopback(address) || any_has(allowed->own, allowed->own_count, address) ||
	       any_has(allowed->listed, allowed->listed_count, address);
}
