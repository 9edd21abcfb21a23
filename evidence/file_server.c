#include "evidence/file_server.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "evidence/attest.h"
#include "evidence/index_page.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/evidences"

enum {
	RETRY_AFTER_SECONDS = 5,
	ERROR_MAX = 512,
	ETAG_SIZE = SHA256_HEX_SIZE + 2, /* in double quotes */
};

/* ---- sending */

struct reply {
	int status;
	const char *reason;
	const char *content_type;
	const char *data; /* not sent for HEAD */
	size_t length;
};

static void set_header(struct evhttp_request *request, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Anybody may read the evidence, from any page, and nobody may guess at its type or keep it
 * without asking whether there is newer. */
static void set_common_headers(struct evhttp_request *request)
{
	set_header(request, "Cache-Control", "no-cache");
	set_header(request, "X-Content-Type-Options", "nosniff");
	set_header(request, "Access-Control-Allow-Origin", "*");
}

/* Looks at every header: of two that contradict each other, evhttp sees the first. */
static bool announces_body(struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

	for (const struct evkeyval *at = headers->tqh_first; at != NULL; at = at->next.tqe_next)
		if (strcasecmp(at->key, "Transfer-Encoding") == 0 ||
		    (strcasecmp(at->key, "Content-Length") == 0 && strcmp(at->value, "0") != 0))
			return true;
	return false;
}

/* Chunks that end before they have begun: HTTP/2 ends a request so whose head did not, and
 * HAProxy passes it on so.  evhttp has read them for some methods, for others they are what is
 * next; a body that is yet to come is never read then. */
static bool has_empty_body(struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	struct evhttp_connection *peer = evhttp_request_get_connection(request);
	struct evbuffer *rest = bufferevent_get_input(evhttp_connection_get_bufferevent(peer));
	char first;

	for (const struct evkeyval *at = headers->tqh_first; at != NULL; at = at->next.tqe_next)
		if (strcasecmp(at->key, "Content-Length") == 0 ||
		    (strcasecmp(at->key, "Transfer-Encoding") == 0 &&
		     strcasecmp(at->value, "chunked") != 0))
			return false;
	if (evbuffer_get_length(evhttp_request_get_input_buffer(request)) > 0)
		return false;
	return evbuffer_copyout(rest, &first, 1) != 1 || first == '0';
}

static void send_reply(struct evhttp_request *request, const struct reply *reply)
{
	struct evbuffer *body = NULL;
	char length[24];

	if (reply->content_type != NULL) {
		snprintf(length, sizeof(length), "%zu", reply->length);
		set_header(request, "Content-Length", length);
		set_header(request, "Content-Type", reply->content_type);
	}
	set_common_headers(request);
	/* evhttp does not read the body that may follow some methods: what comes after the head
	 * must not be taken for the next request. */
	if (announces_body(request))
		set_header(request, "Connection", "close");
	if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
		body = evbuffer_new();
		if (body == NULL || evbuffer_add(body, reply->data, reply->length) != 0) {
			log_error("a request could not be answered: out of memory");
			evhttp_connection_free(evhttp_request_get_connection(request));
			goto out;
		}
	}
	log_debug("%d %s", reply->status, evhttp_request_get_uri(request));
	evhttp_send_reply(request, reply->status, reply->reason, body);
out:
	if (body != NULL)
		evbuffer_free(body);
}

/* `sentence` needs no escaping in JSON. */
static void send_error(struct evhttp_request *request, int status, const char *reason,
		       const char *sentence)
{
	char text[ERROR_MAX];
	int length = snprintf(text, sizeof(text), "{\"error\":\"%s\"}\n", sentence);
	const struct reply reply = {status, reason, "application/json", text, (size_t)length};

	send_reply(request, &reply);
}

/* ---- files */

static const char *content_type(const char *name)
{
	static const struct {
		const char *extension, *type;
	} types[] = {
	    {".json", "application/json"},
	    {".pem", "application/x-pem-file"},
	    {".txt", "text/plain; charset=utf-8"},
	};
	const char *extension = strrchr(name, '.');

	for (size_t i = 0; extension != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(extension, types[i].extension) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* Whether an If-None-Match header (RFC 9110 section 13.1.2) has `etag`; a "W/" in front of a
 * listed tag makes no difference. */
static bool matches(const char *header, const char *etag)
{
	size_t length = strlen(etag);

	while (*header != '\0') {
		header += strspn(header, " \t,");
		if (*header == '*')
			return true;
		if (strncmp(header, "W/", 2) == 0)
			header += 2;
		if (strncmp(header, etag, length) == 0 && strchr(" \t,", header[length]) != NULL)
			return true;
		header += strcspn(header, ",");
	}
	return false;
}

/* 200, or 304 if the client has it already. */
static void send_tagged(struct evhttp_request *request, const char *sha256, const char *type,
			const char *data, size_t length)
{
	const char *condition =
	    evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");
	struct reply reply = {200, "OK", type, data, length};
	char etag[ETAG_SIZE];

	snprintf(etag, sizeof(etag), "\"%s\"", sha256);
	set_header(request, "ETag", etag);
	if (condition != NULL && matches(condition, etag))
		reply = (struct reply){304, "Not Modified", NULL, "", 0};
	send_reply(request, &reply);
}

static void send_file(struct evhttp_request *request, const struct evidence_file *file)
{
	send_tagged(request, file->sha256, content_type(file->name), file->data, file->length);
}

/* A program says that it wants JSON; a browser's long list begins with HTML. */
static bool wants_json(struct evhttp_request *request)
{
	const char *accept =
	    evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");

	return accept != NULL && strstr(accept, "application/json") != NULL &&
	       strstr(accept, "text/html") == NULL;
}

static void send_index(struct evhttp_request *request, const struct file_set *files)
{
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
	bool json = wants_json(request);
	char digest[SHA256_HEX_SIZE];
	struct buffer page;
	struct error err = ERROR_INIT;

	buffer_init(&page, INDEX_PAGE_MAX);
	if (json)
		index_page_json(files, &page);
	else
		index_page_html(files, host, &page);
	set_header(request, "Vary", "Accept, Host");
	if (buffer_check(&page, "the index", &err) == 0 &&
	    digest_sha256_hex(buffer_text(&page), page.length, digest, &err) == 0) {
		set_header(request, "Content-Security-Policy",
			   "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
		send_tagged(request, digest, json ? "application/json" : "text/html; charset=utf-8",
			    buffer_text(&page), page.length);
	} else {
		log_error("%s", err.text);
		send_error(request, 500, "Internal Server Error", "the index cannot be made");
	}
	buffer_free(&page);
}

/* ---- dispatch */

/* libevent would take the peer's time for the answer from when the request came. */
static void start_peers_time(struct evhttp_request *request)
{
	struct evhttp_connection *peer = evhttp_request_get_connection(request);

	event_base_update_cache_time(evhttp_connection_get_base(peer));
}

/* False when an answer has been sent already. */
static bool refresh(struct file_server *server, struct evhttp_request *request)
{
	struct error err = ERROR_INIT;
	char seconds[12];
	int found = generation_read(server->folder, &server->snapshot, &err);

	start_peers_time(request);
	if (found > 0)
		return true;
	snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_SECONDS);
	set_header(request, "Retry-After", seconds);
	if (found == 0) {
		send_error(request, 503, "Service Unavailable",
			   "there is no evidence yet: it is published once the first certificate "
			   "exists and the guest agent has given a quote for it");
	} else {
		log_error("the evidence cannot be read: %s", err.text);
		send_error(request, 503, "Service Unavailable",
			   "the evidence cannot be read at the moment");
	}
	return false;
}

/* The decoded path, or NULL when it is no text (then nothing can have that name) or memory
 * ran out. */
static char *decoded_path(const struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	size_t length = 0;
	char *decoded = path == NULL ? NULL : evhttp_uridecode(path, 0, &length);

	if (decoded == NULL || strlen(decoded) == length)
		return decoded;
	free(decoded);
	return NULL;
}

/* What is behind "/evidences/": "" for the folder itself, NULL for another path. */
static const char *name_in_folder(const char *path)
{
	size_t length = strlen(FOLDER);

	if (path == NULL || strncmp(path, FOLDER, length) != 0)
		return NULL;
	if (path[length] == '\0')
		return "";
	return path[length] == '/' ? path + length + 1 : NULL;
}

static void answer_get(struct file_server *server, struct evhttp_request *request)
{
	AUTO_FREE char *path = decoded_path(request);
	const char *name = name_in_folder(path);
	const struct evidence_file *file;

	if (announces_body(request) && !has_empty_body(request)) {
		send_error(request, 400, "Bad Request", "a request for evidence has no body");
	} else if (name == NULL) {
		send_error(request, 404, "Not Found", "there is nothing here but " FOLDER "/");
	} else if (!refresh(server, request)) {
		return;
	} else if (name[0] == '\0') {
		send_index(request, &server->snapshot.files);
	} else if ((file = file_set_find(&server->snapshot.files, name)) != NULL) {
		send_file(request, file);
	} else if (strcmp(name, "attestation.json") == 0) {
		send_error(request, 400, "Bad Request", ATTEST_TAKES_NONCE);
	} else {
		send_error(request, 404, "Not Found",
			   "there is no such file; " FOLDER "/ lists those there are");
	}
}

void file_server_answer(struct file_server *server, struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		answer_get(server, request);
		return;
	default:
		set_header(request, "Allow", "GET, HEAD");
		send_error(request, 405, "Method Not Allowed", "only GET and HEAD work here");
	}
}
