/* Signed calls of one of AWS's XML services. */
#ifndef DNS_HOOKS_PROVIDERS_AWS_API_H
#define DNS_HOOKS_PROVIDERS_AWS_API_H

#include "common/error.h"
#include "dns-hooks/providers/aws_answer.h"
#include "dns-hooks/providers/aws_sign.h"

struct aws_service {
	const char *title;	   /* in messages: "Route 53" */
	const char *url;	   /* scheme and host only */
	const char *url_variable;  /* may name another one, for tests */
	const char *region, *name; /* what requests are signed for */
	const char *denied_advice; /* what to do about missing permission */
};

struct aws_api;

/* `service` and its strings have to live as long.  NULL with err. */
struct aws_api *aws_api_new(const struct aws_service *service, struct error *err);
void aws_api_free(struct aws_api *api);

struct aws_call {
	const char *name; /* in messages; NULL: method and path */
	const char *method;
	const char *path, *query; /* in the form that aws_sign.h asks for */
	const char *content_type, *body;
};

/*
 * Signs (unless the keys have no id: what is called takes none, and `secret` stands in the body),
 * calls, and calls again within the budget of web_api.h (while AWS says that it is busy,
 * too).  0 when AWS says success, else -1, with its code in `answer` if there was one.
 * Sending a call again must be harmless.  The caller frees `answer` in any case.
 */
int aws_api_call(struct aws_api *api, const struct aws_keys *keys, const struct aws_call *call,
		 struct aws_answer *answer, struct error *err);

#endif
