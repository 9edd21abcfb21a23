/*
 * One HTTP request with a deadline, a maximum body and no redirects (libcurl).
 *
 * A redirect is an answer like any other (its status is in the response): credentials
 * never follow one to another host.  Proxies are taken from the environment as curl does.
 * The first call makes the process ignore SIGPIPE, unless it has a handler.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct http_response;

enum {
	HTTP_TIMEOUT_MS = 30000,
	HTTP_CONNECT_TIMEOUT_MS = 10000,
	HTTP_BODY_MAX = 4 * 1024 * 1024,
	HTTP_PEER_CHAIN_MAX = 256 * 1024,
	HTTP_HELD_MAX = 4,
};

struct http_request {
	const char *method; /* "GET" when NULL */
	const char *url;
	const char *unix_socket;    /* connects there instead of to the URL's host */
	const char *const *headers; /* "Name: value" strings, NULL at the end; may be NULL */
	const char *body;	    /* sent when not NULL */
	size_t body_length;
	const char *ca_bundle; /* PEM file to trust instead of the system's */
	long timeout_ms;       /* the whole request; 0: HTTP_TIMEOUT_MS */
	size_t body_max;       /* 0: HTTP_BODY_MAX */
	/* HTTP/2 where the server offers it by ALPN; else it is HTTP/1.1. */
	bool may_use_http2;
	/* Past every proxy, also one of the environment: for an address that is another machine's
	 * behind it (a metadata service). */
	bool direct;
	/* Connects to this host and port ("192.0.2.7:8443", curl's --connect-to) whatever the URL
	 * says; NULL: where the URL says. */
	const char *connect_to;
	/* Accepts every certificate and hands the peer's chain over, on a connection of its own:
	 * for callers who judge it themselves. */
	bool wants_peer_chain;
	/* Names of headers with NULL at the end: the first of them that the answer has is kept.
	 * NULL: none is. */
	const char *const *wanted_headers;
	/* Called once the connection stands and nothing has been read from it: the moment to give
	 * up the rights that connecting took.  NULL: nothing is. */
	void (*connected)(void *arg);
	void *connected_arg;
	/* What http_perform_retrying() takes for "busy, come back" besides the statuses that say
	 * so; NULL: nothing. */
	bool (*is_busy)(const struct http_response *response);
};

struct http_response {
	long status;	      /* 100..599 */
	time_t date;	      /* of the header "Date"; 0: none that can be read */
	unsigned retry_after; /* seconds, from either form of the header, a day at most; 0: none */
	char content_type[128]; /* "" when absent */
	struct buffer body;
	char *header; /* the value of a wanted header; NULL: the answer has none of them */
	struct buffer peer_chain; /* PEM, leaf first; empty unless wants_peer_chain */
};

/* Reads this bundle now, for requests that name it as theirs once it is out of reach; HTTP_HELD_MAX
 * of them at most.  If it cannot be read, they will say so. */
void http_hold_ca_bundle(const char *path);

/*
 * 0 once a whole answer arrived, whatever its status; the caller frees it with
 * http_response_free() (also after -1).  -1 with method, URL and cause in the text:
 * EXIT_UNREACHABLE (no connection, no trust, no whole answer), EXIT_TRY_LATER (time-out, out
 * of memory), EXIT_FAILED (larger than body_max), EXIT_BAD_CONFIG (URL, header or ca_bundle
 * unusable).  URLs are shown without user, password and query, headers by name only.
 */
int http_perform(const struct http_request *request, struct http_response *response,
		 struct error *err);
void http_response_free(struct http_response *response);

/*
 * The same, repeated on transport errors, 408, 429, 5xx and is_busy: `attempts` in all, waiting
 * 0.5 s, 1 s, 2 s ... (with jitter) or Retry-After in between, never past `budget_ms`
 * altogether.  The last answer is the caller's: it comes early when the wait would not fit.
 */
int http_perform_retrying(const struct http_request *request, struct http_response *response,
			  unsigned attempts, long budget_ms, struct error *err);

/* Percent-encodes all but RFC 3986's unreserved characters.  The caller frees; NULL: no memory. */
char *http_escape(const char *text);
/* The reverse.  NULL for what stands for a NUL, and when memory ran out. */
char *http_unescape(const char *text);

#endif
