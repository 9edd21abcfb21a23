#include "common/ip_network.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = 96, TEXT_MAX = IP_TEXT_SIZE + 4 };

static unsigned bits_of(const struct ip_address *address)
{
	return address->is_ipv6 ? IPV6_BITS : IPV4_BITS;
}

static void take_ipv4(const void *bytes, struct ip_address *address)
{
	*address = (struct ip_address){.is_ipv6 = false};
	memcpy(address->bytes, bytes, 4);
}

static void take_ipv6(const struct in6_addr *bytes, struct ip_address *address)
{
	if (IN6_IS_ADDR_V4MAPPED(bytes)) {
		take_ipv4(bytes->s6_addr + 12, address);
		return;
	}
	*address = (struct ip_address){.is_ipv6 = true};
	memcpy(address->bytes, bytes->s6_addr, sizeof(address->bytes));
}

bool ip_parse(const char *text, struct ip_address *address)
{
	struct in_addr ipv4;
	struct in6_addr ipv6;

	if (inet_pton(AF_INET, text, &ipv4) == 1)
		take_ipv4(&ipv4, address);
	else if (inet_pton(AF_INET6, text, &ipv6) == 1)
		take_ipv6(&ipv6, address);
	else
		return false;
	return true;
}

void ip_text(const struct ip_address *address, char text[IP_TEXT_SIZE])
{
	inet_ntop(address->is_ipv6 ? AF_INET6 : AF_INET, address->bytes, text, IP_TEXT_SIZE);
}

bool ip_from_socket(const struct sockaddr *socket_address, struct ip_address *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (socket_address->sa_family == AF_INET) {
		memcpy(&ipv4, socket_address, sizeof(ipv4));
		take_ipv4(&ipv4.sin_addr, address);
	} else if (socket_address->sa_family == AF_INET6) {
		memcpy(&ipv6, socket_address, sizeof(ipv6));
		take_ipv6(&ipv6.sin6_addr, address);
	} else {
		return false;
	}
	return true;
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->is_ipv6 == b->is_ipv6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_loopback(const struct ip_address *address)
{
	static const struct ip_address ipv6_loopback = {true, {[15] = 1}};

	return address->is_ipv6 ? ip_equal(address, &ipv6_loopback) : address->bytes[0] == 127;
}

bool ip_is_zero(const struct ip_address *address)
{
	static const unsigned char nothing[sizeof(address->bytes)];

	return memcmp(address->bytes, nothing, sizeof(nothing)) == 0;
}

bool ip_is_no_peer(const struct ip_address *address)
{
	if (ip_is_zero(address))
		return true;
	return address->is_ipv6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* ---- networks */

struct ip_network ip_network_of(const struct ip_address *address, unsigned prefix)
{
	struct ip_network network = {*address, prefix};

	for (unsigned i = 0; i < sizeof(network.first.bytes); i++) {
		unsigned kept = prefix <= i * 8 ? 0 : prefix - i * 8;
		if (kept < 8)
			network.first.bytes[i] &= (unsigned char)(0xff00U >> kept);
	}
	return network;
}

bool ip_network_has(const struct ip_network *network, const struct ip_address *address)
{
	struct ip_network of_address = ip_network_of(address, network->prefix);

	return ip_equal(&of_address.first, &network->first);
}

/* One to three digits. */
static bool parse_prefix(const char *text, unsigned *prefix)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 3 || text[length] != '\0')
		return false;
	*prefix = 0;
	for (size_t i = 0; i < length; i++)
		*prefix = *prefix * 10 + (unsigned)(text[i] - '0');
	return true;
}

static bool judge_prefix(const struct ip_address *address, bool was_mapped, unsigned prefix,
			 struct ip_network *network, char reason[IP_REASON_SIZE])
{
	char first[IP_TEXT_SIZE];

	if (was_mapped && (prefix < MAPPED_BITS || prefix > IPV6_BITS)) {
		snprintf(reason, IP_REASON_SIZE, "IPv4 networks are written as such (10.0.0.0/8)");
		return false;
	}
	prefix -= was_mapped ? MAPPED_BITS : 0;
	if (prefix > bits_of(address)) {
		snprintf(reason, IP_REASON_SIZE, "the prefix is longer than %u bits",
			 bits_of(address));
		return false;
	}
	*network = ip_network_of(address, prefix);
	if (ip_equal(&network->first, address))
		return true;
	ip_text(&network->first, first);
	snprintf(reason, IP_REASON_SIZE, "the network of that prefix begins at %s/%u", first,
		 prefix);
	return false;
}

bool ip_network_parse(const char *text, size_t length, struct ip_network *network,
		      char reason[IP_REASON_SIZE])
{
	char copy[TEXT_MAX + 1] = "";
	struct ip_address address;
	unsigned prefix = 0;

	if (length < sizeof(copy))
		memcpy(copy, text, length);
	char *slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (strlen(copy) == 0 || !ip_parse(copy, &address)) {
		snprintf(reason, IP_REASON_SIZE, "there is no IP address at its beginning");
		return false;
	}
	bool was_mapped = !address.is_ipv6 && strchr(copy, ':') != NULL;
	if (slash == NULL) {
		prefix = was_mapped ? IPV6_BITS : bits_of(&address);
	} else if (!parse_prefix(slash + 1, &prefix)) {
		snprintf(reason, IP_REASON_SIZE, "behind the / stands no number of bits");
		return false;
	}
	return judge_prefix(&address, was_mapped, prefix, network, reason);
}
