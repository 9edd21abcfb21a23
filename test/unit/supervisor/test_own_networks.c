/* Which networks count as the container's own: a name of a backend may lead to them. */
#include "supervisor/addresses/own_networks.h"

#include "test/unit/common/unit.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

enum { INTERFACES = 7 };

static struct ifaddrs interfaces[INTERFACES];
static struct sockaddr_storage addresses[INTERFACES], masks[INTERFACES];

static struct sockaddr *socket_address(struct sockaddr_storage *storage, const char *text)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)storage;

	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1)
		ipv4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1)
		ipv6->sin6_family = AF_INET6;
	return (struct sockaddr *)storage;
}

static void interface(size_t i, unsigned flags, const char *address, const char *mask)
{
	interfaces[i].ifa_flags = flags;
	if (address != NULL)
		interfaces[i].ifa_addr = socket_address(&addresses[i], address);
	if (mask != NULL)
		interfaces[i].ifa_netmask = socket_address(&masks[i], mask);
	interfaces[i].ifa_next = i + 1 < INTERFACES ? &interfaces[i + 1] : NULL;
}

/* In the place of libc's. */
int getifaddrs(struct ifaddrs **list)
{
	interface(0, IFF_UP, "172.18.0.2", "255.255.0.0");
	interface(1, IFF_UP, "fd00:0:0:7::2", "ffff:ffff:ffff:ffff::");
	/* A tunnel that leads everywhere, one that leads to its other end, one that is down. */
	interface(2, IFF_UP, "10.8.0.2", "0.0.0.0");
	interface(3, IFF_UP, "2001:db8::2", "::");
	interface(4, IFF_UP, "10.9.0.2", "255.255.255.255");
	interface(5, 0, "192.168.1.2", "255.255.255.0");
	interface(6, IFF_UP, NULL, NULL);
	*list = interfaces;
	return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
	assert_ptr_equal(list, interfaces);
}

static bool allows(const struct allowed_networks *allowed, const char *text)
{
	struct ip_address address;

	assert_true(ip_parse(text, &address));
	return networks_allow(allowed, &address);
}

static void networks_that_end_somewhere_are_ours(void **state)
{
	static const char *const good[] = {
	    "127.0.0.1",     "::1",	 "172.18.0.2", "172.18.9.9",
	    "fd00:0:0:7::9", "10.9.0.2", "10.8.0.9",   "::ffff:172.18.0.9"};
	static const char *const bad[] = {
	    "172.19.0.2", "fd00:0:0:8::9",  "10.9.0.3",		  "203.0.113.9", "192.168.1.9",
	    "8.8.8.8",	  "2001:db8::9",    "::ffff:203.0.113.9", "0.0.0.0",	 "::",
	    "fe80::1",	  "255.255.255.255"};
	static const struct ip_network listed = {{.bytes = {10, 8, 0, 0}}, 16};
	struct allowed_networks allowed = {.listed = &listed, .listed_count = 1};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(own_networks_find(&allowed, &err), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!allows(&allowed, good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (allows(&allowed, bad[i]))
			fail_msg("%s is believed", bad[i]);
	own_networks_clear(&allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(networks_that_end_somewhere_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
