/*
 * A tiny HTTP server in a thread of the test, for answers that no real server gives.
 * One connection after the other; what it does is chosen by the request's path.
 */
#ifndef TEST_UNIT_COMMON_SERVER_H
#define TEST_UNIT_COMMON_SERVER_H

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 * 1024 };

struct server {
	int listener;
	unsigned short port; /* 0 for a Unix socket */
	pthread_t thread;
	atomic_uint requests;
	atomic_uint failures_left;  /* how often /flaky still answers 503 */
	char retry_after[128];	    /* a header line for /flaky, or "" */
	char received[REQUEST_MAX]; /* the last request, head and body */
};

static inline void server_send(int fd, const char *text)
{
	/* A client that has hung up is what some tests are about. */
	ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
	(void)sent;
}

/* Reads until the client closes: it gives up, the server never does. */
static inline void server_stay_silent(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static inline size_t content_length_of(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");

	return field == NULL ? 0 : (size_t)strtoul(field + 17, NULL, 10);
}

static inline void server_receive(struct server *server, int fd)
{
	size_t length = 0;
	size_t wanted = REQUEST_MAX - 1;

	while (length < wanted) {
		ssize_t got = recv(fd, server->received + length, wanted - length, 0);
		if (got <= 0)
			break;
		length += (size_t)got;
		server->received[length] = '\0';
		const char *end = strstr(server->received, "\r\n\r\n");
		if (end != NULL)
			wanted = (size_t)(end + 4 - server->received) +
				 content_length_of(server->received);
	}
	server->received[length] = '\0';
}

static inline void server_send_endless(int fd, const char *head, const char *piece)
{
	server_send(fd, head);
	while (send(fd, piece, strlen(piece), MSG_NOSIGNAL) > 0)
		;
}

static inline void server_send_status(struct server *server, int fd, const char *status)
{
	char head[512];

	(void)server;
	snprintf(head, sizeof(head),
		 "HTTP/1.1 %.3s Whatever\r\nContent-Type: text/plain; charset=utf-8\r\n"
		 "Content-Length: 4\r\nConnection: close\r\n\r\n",
		 status);
	server_send(fd, head);
	server_send(fd, "body");
}

static inline void server_send_flaky(struct server *server, int fd)
{
	char head[512];

	if (server->failures_left == 0) {
		server_send_status(server, fd, "200");
		return;
	}
	server->failures_left--;
	snprintf(head, sizeof(head),
		 "HTTP/1.1 503 Busy\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n",
		 server->retry_after);
	server_send(fd, head);
}

static inline void server_answer(struct server *server, int fd)
{
	const char *path = strchr(server->received, ' ');
	const char *plain = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

	path = path == NULL ? "" : path + 1;
	if (strncmp(path, "/status/", 8) == 0)
		server_send_status(server, fd, path + 8);
	else if (strncmp(path, "/flaky", 6) == 0)
		server_send_flaky(server, fd);
	else if (strncmp(path, "/silent", 7) == 0)
		server_stay_silent(fd);
	else if (strncmp(path, "/endless-headers", 16) == 0)
		server_send_endless(fd, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n");
	else if (strncmp(path, "/endless", 8) == 0)
		server_send_endless(fd, plain, "and so on, ");
	else if (strncmp(path, "/truncated", 10) == 0)
		server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	else if (strncmp(path, "/trailers", 9) == 0)
		server_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				"5\r\nhello\r\n0\r\nServer-Timing: x;dur=1\r\n\r\n");
	else if (strncmp(path, "/cut-head", 9) == 0)
		server_send(fd, "HTTP/1.1 200 OK\r\nContent-Le");
	else if (strncmp(path, "/garbage", 8) == 0)
		server_send(fd, "220 mail.example.com ESMTP\r\n");
	else if (strncmp(path, "/redirect", 9) == 0)
		server_send(fd, "HTTP/1.1 302 Found\r\nLocation: /status/200\r\n"
				"Content-Length: 0\r\nConnection: close\r\n\r\n");
	else if (strncmp(path, "/nothing", 8) != 0)
		server_send_status(server, fd, "200");
}

static inline void *server_run(void *user)
{
	struct server *server = user;

	for (;;) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			return NULL; /* server_stop() */
		server_receive(server, fd);
		server->requests++;
		server_answer(server, fd);
		shutdown(fd, SHUT_WR);
		server_stay_silent(fd); /* else unread input would turn the close into a reset */
		close(fd);
	}
}

static inline void server_listen(struct server *server, const struct sockaddr *address,
				 socklen_t length)
{
	server->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->listener >= 0);
	assert_int_equal(bind(server->listener, address, length), 0);
	assert_int_equal(listen(server->listener, 16), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static inline void server_start(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	memset(server, 0, sizeof(*server));
	server_listen(server, (const struct sockaddr *)&address, length);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
}

static inline void server_start_unix(struct server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(server, 0, sizeof(*server));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	server_listen(server, (const struct sockaddr *)&address, sizeof(address));
}

static inline void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* What this machine needs to reach the world is not for 127.0.0.1. */
static inline void server_forget_proxies(void)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					    "ALL_PROXY",  "no_proxy",	 "NO_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
}

#endif
