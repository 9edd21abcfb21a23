#include "dns-hooks/resolve/doh.h"

#include "common/file.h"
#include "common/http.h"
#include "dns-hooks/resolve/dns_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEDIA_TYPE "application/dns-message"
#define JSON_PATH "/resolve"
#define WIRE_PATH "/dns-query"

/* free() by the caller; NULL: no memory. */
static char *wire_url(const char *url)
{
	size_t path = strcspn(url, "?"), length = strlen(JSON_PATH);
	char *copy = NULL;

	if (path < length || strncmp(url + path - length, JSON_PATH, length) != 0)
		return strdup(url);
	if (asprintf(&copy, "%.*s" WIRE_PATH "%s", (int)(path - length), url, url + path) < 0)
		return NULL;
	return copy;
}

static int check_response(const struct http_response *response, const struct doh_server *server,
			  struct error *err)
{
	const char *type = response->content_type;

	if (response->status != 200)
		return error_set(err, EXIT_UNREACHABLE, "%s answers HTTP %ld", server->url,
				 response->status);
	if (strncasecmp(type, MEDIA_TYPE, strlen(MEDIA_TYPE)) != 0)
		return error_set(err, EXIT_UNREACHABLE,
				 "%s answers with \"%.60s\", not " MEDIA_TYPE
				 " (RFC 8484): DOH_RESOLVERS takes resolvers that speak it",
				 server->url, type);
	return 0;
}

static int take(const ldns_pkt *question, const struct http_response *response,
		const struct doh_server *server, ldns_pkt **answer, struct error *err)
{
	struct dns_server named = {.length = 0};

	if (check_response(response, server, err) != 0)
		return -1;
	snprintf(named.text, sizeof(named.text), "%s", server->url);
	*answer = dns_parse_answer(question, (const uint8_t *)buffer_text(&response->body),
				   response->body.length, &named, err);
	if (*answer == NULL)
		return -1;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(*answer);
	bool is_known = rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
	if (is_known && !ldns_pkt_tc(*answer))
		return 0;
	error_set(err, EXIT_UNREACHABLE, "%s answers %s", server->url,
		  is_known ? "with a message that is cut short" : dns_rcode_text(*answer));
	dns_packet_free(answer);
	return -1;
}

static int ask(const ldns_pkt *question, const struct doh_server *server, ldns_pkt **answer,
	       struct error *err)
{
	static const char *const headers[] = {"Content-Type: " MEDIA_TYPE, "Accept: " MEDIA_TYPE,
					      NULL};
	AUTO_FREE char *url = wire_url(server->url);
	AUTO_FREE uint8_t *wire = NULL;
	struct http_response response = {0};
	size_t length = 0;

	if (url == NULL || ldns_pkt2wire(&wire, question, &length) != LDNS_STATUS_OK)
		return error_no_memory(err);
	const struct http_request request = {
	    .method = "POST",
	    .url = url,
	    .headers = headers,
	    .body = (const char *)wire,
	    .body_length = length,
	    .ca_bundle = server->ca_bundle,
	    .may_use_http2 = true, /* some speak nothing else */
	    .timeout_ms = DOH_TIMEOUT_MS,
	    .body_max = DNS_MESSAGE_MAX,
	};
	int result = http_perform(&request, &response, err);
	if (result == 0)
		result = take(question, &response, server, answer, err);
	http_response_free(&response);
	return result;
}

int doh_query(const struct doh_server *server, const char *name, ldns_rr_type type,
	      ldns_pkt **answer, struct error *err)
{
	AUTO_PKT ldns_pkt *question = dns_question(name, type, true, err);

	if (question == NULL)
		return -1;
	/* The same for everybody, so that caches on the way know it again (section 4.1). */
	ldns_pkt_set_id(question, 0);
	return ask(question, server, answer, err);
}
