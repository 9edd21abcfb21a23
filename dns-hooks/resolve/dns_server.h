/* The address of a DNS server, and moving one message to it and back before a deadline. */
#ifndef DNS_HOOKS_RESOLVE_DNS_SERVER_H
#define DNS_HOOKS_RESOLVE_DNS_SERVER_H

#include "common/deadline.h"
#include "common/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	DNS_PORT = 53,
	DNS_MESSAGE_MAX = 65535,
	DNS_SERVER_TEXT_MAX = INET6_ADDRSTRLEN + 16,
};

struct dns_server {
	struct sockaddr_storage address;
	socklen_t length;
	char
	    text[DNS_SERVER_TEXT_MAX]; /* "192.0.2.1" or, with another port, "[2001:db8::1]:5353" */
};

/* `address` is an IPv4 or IPv6 address (without brackets), no name. */
int dns_server_parse(const char *address, unsigned short port, struct dns_server *server,
		     struct error *err);
void dns_server_set(struct dns_server *server, const struct sockaddr *address, socklen_t length);
/* The same of an address that tells its own kind. */
void dns_server_at(struct dns_server *server, const struct sockaddr_storage *address);

/* Whether this machine has a route there at all.  Sends nothing. */
bool dns_server_has_route(const struct dns_server *server);

/*
 * A connected, non-blocking socket (SOCK_DGRAM or SOCK_STREAM); for TCP the connection
 * stands when this returns.  Being connected, a datagram socket takes answers from that
 * address and port only.  -1: EXIT_TRY_LATER for a time-out, else EXIT_UNREACHABLE.
 */
int dns_connect(const struct dns_server *server, int socket_type, deadline limit,
		struct error *err);

/* Waits until the socket can be read; -1 with EXIT_TRY_LATER at the deadline. */
int dns_wait_readable(int fd, const struct dns_server *server, deadline limit, struct error *err);

/*
 * Sends a message by TCP and reads one back (RFC 1035 section 4.2.2) into `reply`, allocated
 * and the caller's.  Nothing in it has been looked at.
 */
int dns_exchange_tcp(const struct dns_server *server, const uint8_t *message, size_t length,
		     deadline limit, uint8_t **reply, size_t *reply_length, struct error *err);

#endif
