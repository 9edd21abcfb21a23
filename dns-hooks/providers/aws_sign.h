/*
 * AWS Signature Version 4; pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * Not libcurl's CURLOPT_AWS_SIGV4: 7.88 (Debian 12) signs path and query as they stand, 8.14
 * (Debian 13) sorts and encodes them anew and makes a space of %2B, and neither can be held
 * against AWS's published vectors, since the time is not ours to set.  What is signed here is
 * what is sent, whatever library sends it.
 */
#ifndef DNS_HOOKS_PROVIDERS_AWS_SIGN_H
#define DNS_HOOKS_PROVIDERS_AWS_SIGN_H

#include "common/error.h"

#include <time.h>

/* Owned by whoever gave them. */
struct aws_keys {
	const char *id;	    /* AKIA..., or ASIA... of a session */
	const char *secret; /* never sent */
	const char *token;  /* of a session; NULL or "": none, and the header is left out */
};

struct aws_message {
	const char *region, *service; /* what the signature is good for */
	const char *method;
	const char *host; /* with its port, as in the URL */
	/* Canonical: percent-encoded but for the unreserved characters, upper case, once (no
	 * path here has anything to encode twice). */
	const char *path;
	/* Without '?'; canonical too, each name with its '=', sorted by name. */
	const char *query;
	const char *content_type; /* NULL: none */
	const char *body;	  /* NULL: none */
};

enum { AWS_HEADERS_MAX = 5 };

/* "Name: value", NULL at the end, as in struct http_request; owned. */
struct aws_headers {
	char *lines[AWS_HEADERS_MAX + 1];
};

/*
 * Makes the headers that have to go with the message: Host, X-Amz-Date, Authorization, and if
 * there is one Content-Type and X-Amz-Security-Token.  All but Authorization are signed.  AWS
 * takes them for 5 minutes around `now`.  -1 with err (memory ran out); the caller frees them
 * in any case.
 */
int aws_sign(const struct aws_message *message, const struct aws_keys *keys, time_t now,
	     struct aws_headers *headers, struct error *err);
/* Wipes them as well. */
void aws_headers_free(struct aws_headers *headers);

#endif
