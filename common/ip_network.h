/*
 * IP addresses and networks, IPv4 and IPv6.
 *
 * An IPv4 address in IPv6's clothes (::ffff:192.0.2.1) is that IPv4 address: the kernel
 * connects to the same peer, so both must be judged alike.
 */
#ifndef COMMON_IP_NETWORK_H
#define COMMON_IP_NETWORK_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { IP_TEXT_SIZE = INET6_ADDRSTRLEN, IP_REASON_SIZE = 120 };

struct ip_address {
	bool is_ipv6;
	unsigned char bytes[16]; /* the first 4 of IPv4, the rest 0 */
};

struct ip_network {
	struct ip_address first; /* no bit set behind the prefix */
	unsigned prefix;	 /* bits */
};

/* Plain text without a scope ("%eth0"). */
bool ip_parse(const char *text, struct ip_address *address);
void ip_text(const struct ip_address *address, char text[IP_TEXT_SIZE]);
/* False when it is of no IP family. */
bool ip_from_socket(const struct sockaddr *socket_address, struct ip_address *address);
bool ip_equal(const struct ip_address *a, const struct ip_address *b);

/* 127.0.0.0/8 and ::1. */
bool ip_is_loopback(const struct ip_address *address);
/* 0.0.0.0 and ::, which HAProxy takes for "where the client connected to". */
bool ip_is_zero(const struct ip_address *address);
/* Nobody's address: these two, and IPv6's link-local ones (fe80::/10), which lead nowhere without
 * an interface's name. */
bool ip_is_no_peer(const struct ip_address *address);

/* The network that `address` is in when so many bits are its prefix. */
struct ip_network ip_network_of(const struct ip_address *address, unsigned prefix);
bool ip_network_has(const struct ip_network *network, const struct ip_address *address);

/* "10.0.0.0/8", "fd00::/8"; an address alone is a network of one.  Otherwise false, with a
 * sentence part ("the prefix is longer than 32 bits") in `reason`. */
bool ip_network_parse(const char *text, size_t length, struct ip_network *network,
		      char reason[IP_REASON_SIZE]);

#endif
