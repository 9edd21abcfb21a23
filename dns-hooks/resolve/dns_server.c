#include "dns-hooks/resolve/dns_server.h"

#include "common/file.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PORT_TEXT_MAX = 8,
	LENGTH_BYTES = 2, /* in front of every message on TCP */
};

static void describe(struct dns_server *server)
{
	char host[INET6_ADDRSTRLEN + 24], port[PORT_TEXT_MAX];
	bool is_v6 = server->address.ss_family == AF_INET6;

	if (getnameinfo((const struct sockaddr *)&server->address, server->length, host,
			sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		snprintf(server->text, sizeof(server->text), "unknown address");
		return;
	}
	if (strcmp(port, "53") == 0)
		snprintf(server->text, sizeof(server->text), "%.50s", host);
	else
		snprintf(server->text, sizeof(server->text), is_v6 ? "[%.46s]:%s" : "%.48s:%s",
			 host, port);
}

void dns_server_set(struct dns_server *server, const struct sockaddr *address, socklen_t length)
{
	*server = (struct dns_server){.length = length};
	memcpy(&server->address, address, length);
	describe(server);
}

void dns_server_at(struct dns_server *server, const struct sockaddr_storage *address)
{
	dns_server_set(server, (const struct sockaddr *)address,
		       address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in));
}

int dns_server_parse(const char *address, unsigned short port, struct dns_server *server,
		     struct error *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	char service[PORT_TEXT_MAX];

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	if (getaddrinfo(address, service, &hints, &found) != 0)
		return error_set(err, EXIT_BAD_CONFIG, "'%.100s' is not an IPv4 or IPv6 address",
				 address);
	dns_server_set(server, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

bool dns_server_has_route(const struct dns_server *server)
{
	AUTO_CLOSE int fd = socket(server->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Connecting a datagram socket makes the kernel look up the route and no more. */
	return fd >= 0 &&
	       connect(fd, (const struct sockaddr *)&server->address, server->length) == 0;
}

static int wait_for(int fd, short events, const struct dns_server *server, deadline limit,
		    struct error *err)
{
	struct pollfd poller = {.fd = fd, .events = events};

	for (;;) {
		int ready = poll(&poller, 1, (int)deadline_left(limit));
		if (ready > 0)
			return 0;
		if (ready == 0)
			return error_set(err, EXIT_TRY_LATER,
					 "the DNS server %s did not answer in time", server->text);
		if (errno != EINTR)
			return error_set_errno(err, EXIT_FAILED, errno, "poll");
	}
}

int dns_wait_readable(int fd, const struct dns_server *server, deadline limit, struct error *err)
{
	return wait_for(fd, POLLIN, server, limit, err);
}

static int finish_connecting(int fd, const struct dns_server *server, deadline limit,
			     struct error *err)
{
	int cause = 0;
	socklen_t size = sizeof(cause);

	if (wait_for(fd, POLLOUT, server, limit, err) != 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &size) != 0)
		cause = errno;
	if (cause != 0)
		return error_set_errno(err, EXIT_UNREACHABLE, cause,
				       "cannot connect to the DNS server %s", server->text);
	return 0;
}

int dns_connect(const struct dns_server *server, int socket_type, deadline limit, struct error *err)
{
	int fd = socket(server->address.ss_family, socket_type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot make a socket for %s",
				       server->text);
	if (connect(fd, (const struct sockaddr *)&server->address, server->length) == 0)
		return fd;
	if (errno != EINPROGRESS) {
		error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot connect to the DNS server %s",
				server->text);
		close(fd);
		return -1;
	}
	if (finish_connecting(fd, server, limit, err) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int send_all(int fd, const struct dns_server *server, const uint8_t *data, size_t length,
		    deadline limit, struct error *err)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
		if (sent >= 0) {
			data += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, server, limit, err) != 0)
				return -1;
		} else if (errno != EINTR) {
			return error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot send to %s",
					       server->text);
		}
	}
	return 0;
}

static int read_all(int fd, const struct dns_server *server, uint8_t *into, size_t length,
		    deadline limit, struct error *err)
{
	while (length > 0) {
		/* Waiting first keeps the deadline against a peer that sends byte by byte. */
		if (wait_for(fd, POLLIN, server, limit, err) != 0)
			return -1;
		ssize_t got = read(fd, into, length);
		if (got == 0)
			return error_set(err, EXIT_UNREACHABLE,
					 "%s closed the connection before its answer was whole",
					 server->text);
		if (got > 0) {
			into += got;
			length -= (size_t)got;
		} else if (errno != EAGAIN && errno != EINTR) {
			return error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot read from %s",
					       server->text);
		}
	}
	return 0;
}

/* The message with its length in front, allocated.  One piece, since some servers read no more
 * than the first segment (RFC 7766 section 8). */
static uint8_t *make_frame(const uint8_t *message, size_t length)
{
	uint8_t *frame = malloc(LENGTH_BYTES + length);

	if (frame == NULL)
		return NULL;
	frame[0] = (uint8_t)(length >> 8);
	frame[1] = (uint8_t)(length & 0xff);
	memcpy(frame + LENGTH_BYTES, message, length);
	return frame;
}

int dns_exchange_tcp(const struct dns_server *server, const uint8_t *message, size_t length,
		     deadline limit, uint8_t **reply, size_t *reply_length, struct error *err)
{
	AUTO_FREE uint8_t *frame = NULL;
	uint8_t prefix[LENGTH_BYTES];
	AUTO_CLOSE int fd = -1;

	if (length > DNS_MESSAGE_MAX)
		return error_set(err, EXIT_FAILED, "a DNS message of %zu bytes", length);
	frame = make_frame(message, length);
	if (frame == NULL)
		return error_no_memory(err);
	fd = dns_connect(server, SOCK_STREAM, limit, err);
	if (fd < 0 || send_all(fd, server, frame, LENGTH_BYTES + length, limit, err) != 0 ||
	    read_all(fd, server, prefix, sizeof(prefix), limit, err) != 0)
		return -1;

	*reply_length = (size_t)prefix[0] << 8 | prefix[1];
	*reply = malloc(*reply_length + 1);
	if (*reply == NULL)
		return error_no_memory(err);
	if (read_all(fd, server, *reply, *reply_length, limit, err) != 0) {
		free(*reply);
		*reply = NULL;
		return -1;
	}
	return 0;
}
