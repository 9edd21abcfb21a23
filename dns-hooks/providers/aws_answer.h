/* What answers of AWS's XML services (Route 53, STS) say of failures; pure. */
#ifndef DNS_HOOKS_PROVIDERS_AWS_ANSWER_H
#define DNS_HOOKS_PROVIDERS_AWS_ANSWER_H

#include "common/error.h"
#include "common/http.h"
#include "dns-hooks/web/xml.h"

#include <stdbool.h>
#include <stddef.h>

enum { AWS_CODE_MAX = 64 };

/* One HTTP answer: what came, and once judged what it says. */
struct aws_answer {
	const char *service;	   /* "Route 53" */
	const char *denied_advice; /* what to do about missing permission */
	long status;
	unsigned retry_after;
	struct xml *xml;	 /* whole body, owned; NULL if it could not be read */
	char code[AWS_CODE_MAX]; /* AWS's word for what went wrong; "" */
};

void aws_answer_free(struct aws_answer *answer);

/*
 * Parses the body into `answer` (whose members above `xml` are set).  0 when it is
 * a success; -1 with a sentence otherwise: `call` ("GET /2013-04-01/..."), status, AWS's code
 * and words, and what to do about it.  The words end at their first line: what follows may
 * be the request, which has the session token in it.
 *
 * Codes beyond web_exit_code(): EXIT_TRY_LATER for throttling, EXIT_BAD_CONFIG for
 * whatever is wrong with keys, permissions or the clock.
 */
int aws_judge(struct aws_answer *answer, const char *call, const char *body, size_t length,
	      struct error *err);

/* Throttling and the like, which come with status 400; for http_request.is_busy. */
bool aws_is_busy(const struct http_response *response);

#endif
