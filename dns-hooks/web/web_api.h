/*
 * Calls of a provider's HTTP API: the base URL, the credentials, the limits, and what no
 * message may show.  What the answers mean is the provider's file's matter (web_answer.h has
 * what all share).
 *
 * Redirects are not followed (common/http.h), so credentials stay with the host they are for.
 */
#ifndef DNS_HOOKS_WEB_WEB_API_H
#define DNS_HOOKS_WEB_WEB_API_H

#include "common/error.h"
#include "common/http.h"

#include <stdbool.h>

enum {
	WEB_URL_MAX = 2048,
	WEB_SECRET_MAX = 4096, /* session tokens of AWS are the longest */
};

struct web_api;

/*
 * `provider` is its name in messages.  The base URL is that of the variable `url_variable`
 * (LINODE_API_URL, ...; NULL: none) or `url`; a slash at its end does not count.  NULL with err.
 */
struct web_api *web_api_new(const char *provider, const char *url, const char *url_variable,
			    struct error *err);
/* Wipes the secrets. */
void web_api_free(struct web_api *api);

/*
 * The secret in the environment variable `name` (or the file in NAME_FILE), kept by `api` and
 * valid as long as it is.  NULL with err, EXIT_BAD_CONFIG "NAME is not set" when it is not.
 */
const char *web_api_secret(struct web_api *api, const char *name, struct error *err);
/* Another secret to hide, one that an answer brought; a copy, owned by `api`. */
const char *web_api_keep_secret(struct web_api *api, const char *secret, struct error *err);

/* "Authorization: Bearer SECRET" for the secret in `name`, as above. */
const char *web_api_bearer(struct web_api *api, const char *name, struct error *err);

struct web_call {
	const char *method;
	const char *path;	    /* begins with '/', or "" */
	const char *query;	    /* begins with '?', or "" or NULL; never holds a secret */
	const char *const *headers; /* as in struct http_request */
	const char *body;	    /* NULL: none */
	bool once;		    /* not to be repeated: the API would do it twice */
	long timeout_ms;	    /* of one attempt; 0: 15 s */
	bool direct;		    /* as in struct http_request, like the next one */
	bool (*is_busy)(const struct http_response *response);
};

/*
 * As http_perform(), with the provider's name in front of errors, repeated within a budget of
 * 45 s on transport errors, 408, 429, 5xx and is_busy, and with every secret of `api` blotted
 * out of the answer's body (an API that quotes a request would put it into messages).  The
 * caller frees `response` in any case.
 */
int web_api_call(const struct web_api *api, const struct web_call *call,
		 struct http_response *response, struct error *err);

#endif
