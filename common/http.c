#include "common/http.h"

#include "common/file.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADERS_MAX = 256 * 1024,	/* of an answer, all together */
	RETRY_AFTER_MAX = 24 * 60 * 60, /* seconds; nobody means more */
	SHOWN_URL_MAX = 400,
	CA_BUNDLE_MAX = 4 * 1024 * 1024, /* the system's: 220 KB */
};

/* What one call works with. */
struct exchange {
	CURL *curl;
	struct curl_slist *headers; /* sent; libcurl does not copy the list */
	struct curl_slist *connect_to;
	struct buffer *body;
	size_t header_bytes; /* received so far */
	bool headers_too_large;
	bool head_ended;	     /* by its empty line */
	char words[CURL_ERROR_SIZE]; /* libcurl's own */
	char shown_url[SHOWN_URL_MAX];
};

static CURLcode global_result;

static void global_setup(void)
{
	struct sigaction pipe_action;

	/* With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to its user, and a peer that hangs up
	 * while we write must not end the program. */
	if (sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- messages */

/* A URL fit for a message: tokens hide in user names, passwords and queries. */
static void show_url(const char *url, char shown[SHOWN_URL_MAX])
{
	CURLU *parts = curl_url();
	char *text = NULL;

	if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_URL, &text, 0) == CURLUE_OK)
		snprintf(shown, SHOWN_URL_MAX, "%s", text);
	else
		snprintf(shown, SHOWN_URL_MAX, "(a URL that cannot be read)");
	curl_free(text);
	curl_url_cleanup(parts);
}

static bool has_connected(CURL *curl)
{
	long connections = 0;

	return curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections) == CURLE_OK &&
	       connections > 0;
}

static enum exit_code exit_code_of(CURL *curl, CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return EXIT_TRY_LATER;
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CACERT_BADFILE:
		return EXIT_BAD_CONFIG;
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* curl reports this for a URL with an unknown protocol, but also for a peer that
		 * answers in one. */
		return has_connected(curl) ? EXIT_UNREACHABLE : EXIT_BAD_CONFIG;
	default:
		return EXIT_UNREACHABLE;
	}
}

static const char *method_of(const struct http_request *request)
{
	return request->method == NULL ? "GET" : request->method;
}

static int explain(const struct http_request *request, const struct exchange *x, CURLcode code,
		   struct error *err)
{
	bool at_socket = request->unix_socket != NULL;

	if (code == CURLE_OUT_OF_MEMORY)
		error_no_memory(err);
	else if (x->headers_too_large)
		error_set(err, EXIT_FAILED, "the answer's headers are larger than %d bytes",
			  HEADERS_MAX);
	else if (buffer_check(x->body, "the answer", err) == 0)
		error_set(err, exit_code_of(x->curl, code), "%s",
			  x->words[0] != '\0' ? x->words : curl_easy_strerror(code));
	return error_wrap(err, "%s %s%s%s", method_of(request), x->shown_url,
			  at_socket ? " at " : "", at_socket ? request->unix_socket : "");
}

/* ---- what libcurl calls */

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
	struct exchange *x = user;

	return buffer_append(x->body, data, size * count) == 0 ? size * count
							       : CURL_WRITEFUNC_ERROR;
}

/*
 * One line per call, those of interim answers and of a proxy's too.  Two things libcurl does
 * not look after: before 8.3 it keeps headers without an end to it, and a connection closed
 * in the middle of them is a whole answer with an empty body to it.
 */
static size_t take_header(char *data, size_t size, size_t count, void *user)
{
	struct exchange *x = user;
	size_t length = size * count;

	x->header_bytes += length;
	x->headers_too_large = x->header_bytes > HEADERS_MAX;
	/* Trailers come this way too, and have no line of their own at their end. */
	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
		x->head_ended = false;
	else if (length > 0 && (data[0] == '\r' || data[0] == '\n'))
		x->head_ended = true;
	return x->headers_too_large ? CURL_WRITEFUNC_ERROR : length;
}

/* Called by curl once the connection stands, before a byte of the request is sent. */
static int on_connected(void *user, char *peer, char *own, int peer_port, int own_port)
{
	const struct http_request *request = user;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	request->connected(request->connected_arg);
	return CURL_PREREQFUNC_OK;
}

/* ---- the request */

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* A line break in a value would begin a header of the value's own choice. */
static int add_headers(struct exchange *x, const char *const *headers, struct error *err)
{
	for (; headers != NULL && *headers != NULL; headers++) {
		if (has_control(*headers))
			return error_set(err, EXIT_BAD_CONFIG,
					 "the header %.*s has a control character in its value",
					 (int)strcspn(*headers, ": \r\n"), *headers);
		struct curl_slist *longer = curl_slist_append(x->headers, *headers);
		if (longer == NULL)
			return error_no_memory(err);
		x->headers = longer;
	}
	return 0;
}

/* Several setopt calls, of which the first failure counts. */
#define SET(option, value)                                            \
	do {                                                          \
		if (code == CURLE_OK)                                 \
			code = curl_easy_setopt(curl, option, value); \
	} while (0)

static CURLcode set_limits(CURL *curl, struct exchange *x, long timeout_ms)
{
	CURLcode code = CURLE_OK;
	long connect_ms = HTTP_CONNECT_TIMEOUT_MS;

	SET(CURLOPT_NOSIGNAL, 1L);
	/* Without this option the cleanup waits for a name lookup that has passed the deadline. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < connect_ms ? timeout_ms : connect_ms);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_ERRORBUFFER, x->words);
	return code;
}

/* Trust stores that were read ahead. */
static struct held {
	const char *path; /* NULL: none */
	struct buffer text;
	struct curl_blob blob;
} held[HTTP_HELD_MAX];

static struct held *find_held(const char *ca_bundle)
{
	for (size_t i = 0; i < HTTP_HELD_MAX; i++)
		if (held[i].path != NULL && strcmp(held[i].path, ca_bundle) == 0)
			return &held[i];
	return NULL;
}

void http_hold_ca_bundle(const char *path)
{
	struct error later = ERROR_INIT;
	size_t i = 0;

	while (i < HTTP_HELD_MAX && held[i].path != NULL)
		i++;
	if (i == HTTP_HELD_MAX || find_held(path) != NULL)
		return;
	buffer_init(&held[i].text, CA_BUNDLE_MAX);
	if (file_read(path, &held[i].text, &later) == 0) {
		held[i].blob =
		    (struct curl_blob){held[i].text.data, held[i].text.length, CURL_BLOB_NOCOPY};
		held[i].path = path;
	} else {
		buffer_free(&held[i].text);
	}
}

static CURLcode set_peer(CURL *curl, const struct http_request *request)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, request->url);
	if (request->unix_socket != NULL)
		SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	if (request->connected != NULL) {
		SET(CURLOPT_PREREQFUNCTION, on_connected);
		SET(CURLOPT_PREREQDATA, request);
	}
	if (request->unix_socket != NULL || request->direct)
		SET(CURLOPT_PROXY, ""); /* not even one from the environment */
	if (request->ca_bundle != NULL) {
		struct held *ahead = find_held(request->ca_bundle);
		if (ahead != NULL)
			SET(CURLOPT_CAINFO_BLOB, &ahead->blob);
		else
			SET(CURLOPT_CAINFO, request->ca_bundle);
		SET(CURLOPT_CAPATH, NULL); /* else the system's would be trusted as well */
	}
	return code;
}

/* The peer's certificates are the caller's to judge. */
static CURLcode set_peer_chain(CURL *curl)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	SET(CURLOPT_CERTINFO, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L); /* it tells of handshakes only */
	return code;
}

static CURLcode set_route(CURL *curl, const struct http_request *request, struct exchange *x)
{
	CURLcode code = CURLE_OK;
	char route[SHOWN_URL_MAX];

	if (request->connect_to == NULL)
		return code;
	snprintf(route, sizeof(route), "::%s", request->connect_to);
	x->connect_to = curl_slist_append(NULL, route);
	if (x->connect_to == NULL)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_CONNECT_TO, x->connect_to);
	SET(CURLOPT_PROXY, "");
	return code;
}

static CURLcode set_content(CURL *curl, const struct http_request *request,
			    const struct exchange *x)
{
	CURLcode code = CURLE_OK;
	const char *method = method_of(request);

	SET(CURLOPT_USERAGENT, "dstack-ingress/" VERSION);
	SET(CURLOPT_HTTPHEADER, x->headers);
	if (request->may_use_http2)
		SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	if (request->body != NULL) {
		SET(CURLOPT_POSTFIELDS, request->body);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
		SET(CURLOPT_CUSTOMREQUEST, method);
	} else if (strcmp(method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (strcmp(method, "GET") != 0) {
		SET(CURLOPT_CUSTOMREQUEST, method);
	}
	return code;
}

/* ---- the answer */

static time_t read_date(CURL *curl)
{
	struct curl_header *header = NULL;
	time_t date = 0;

	if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		date = curl_getdate(header->value, NULL);
	return date > 0 ? date : 0;
}

static CURLcode read_info(CURL *curl, struct http_response *response)
{
	const char *type = NULL;
	curl_off_t retry_after = 0;
	CURLcode code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);

	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
	snprintf(response->content_type, sizeof(response->content_type), "%s",
		 type == NULL ? "" : type);
	if (retry_after > RETRY_AFTER_MAX)
		retry_after = RETRY_AFTER_MAX;
	response->retry_after = retry_after > 0 ? (unsigned)retry_after : 0;
	response->date = read_date(curl);
	return code;
}

static CURLcode read_header(CURL *curl, const char *const *names, char **value)
{
	struct curl_header *header = NULL;

	for (; names != NULL && *names != NULL; names++) {
		CURLHcode code = curl_easy_header(curl, *names, 0, CURLH_HEADER, -1, &header);
		if (code == CURLHE_OUT_OF_MEMORY)
			return CURLE_OUT_OF_MEMORY;
		if (code != CURLHE_OK)
			continue;
		*value = strdup(header->value);
		return *value == NULL ? CURLE_OUT_OF_MEMORY : CURLE_OK;
	}
	return CURLE_OK;
}

static CURLcode read_peer_chain(CURL *curl, struct buffer *chain)
{
	struct curl_certinfo *info = NULL;
	CURLcode code = curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info);

	for (int i = 0; code == CURLE_OK && info != NULL && i < info->num_of_certs; i++)
		for (struct curl_slist *line = info->certinfo[i]; line != NULL; line = line->next)
			if (strncmp(line->data, "Cert:", 5) == 0)
				buffer_printf(chain, "%s\n", line->data + 5);
	return chain->failed ? CURLE_OUT_OF_MEMORY : code;
}

static int run_exchange(const struct http_request *request, struct http_response *response,
			struct exchange *x, struct error *err)
{
	long timeout_ms = request->timeout_ms == 0 ? HTTP_TIMEOUT_MS : request->timeout_ms;

	if (add_headers(x, request->headers, err) != 0)
		return error_wrap(err, "%s %s", method_of(request), x->shown_url);
	CURLcode code = set_limits(x->curl, x, timeout_ms);
	if (code == CURLE_OK)
		code = set_peer(x->curl, request);
	if (code == CURLE_OK)
		code = set_route(x->curl, request, x);
	if (code == CURLE_OK && request->wants_peer_chain)
		code = set_peer_chain(x->curl);
	if (code == CURLE_OK)
		code = set_content(x->curl, request, x);
	if (code == CURLE_OK)
		code = curl_easy_perform(x->curl);
	if (code == CURLE_OK && !x->head_ended)
		code = CURLE_PARTIAL_FILE;
	if (code == CURLE_OK)
		code = read_info(x->curl, response);
	if (code == CURLE_OK)
		code = read_header(x->curl, request->wanted_headers, &response->header);
	if (code == CURLE_OK && request->wants_peer_chain)
		code = read_peer_chain(x->curl, &response->peer_chain);
	return code == CURLE_OK ? 0 : explain(request, x, code, err);
}

int http_perform(const struct http_request *request, struct http_response *response,
		 struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct exchange x = {.body = &response->body};

	*response = (struct http_response){0};
	buffer_init(&response->body, request->body_max == 0 ? HTTP_BODY_MAX : request->body_max);
	buffer_init(&response->peer_chain, HTTP_PEER_CHAIN_MAX);
	pthread_once(&once, global_setup);
	if (global_result != CURLE_OK)
		return error_set(err, EXIT_FAILED, "libcurl cannot start: %s",
				 curl_easy_strerror(global_result));
	show_url(request->url, x.shown_url);
	x.curl = curl_easy_init();
	if (x.curl == NULL)
		return error_no_memory(err);
	int result = run_exchange(request, response, &x, err);
	curl_easy_cleanup(x.curl);
	curl_slist_free_all(x.headers);
	curl_slist_free_all(x.connect_to);
	return result;
}

void http_response_free(struct http_response *response)
{
	buffer_free(&response->body);
	buffer_free(&response->peer_chain);
	free(response->header);
	response->header = NULL;
}

char *http_escape(const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	char *escaped = malloc(strlen(text) * 3 + 1);
	char *out = escaped;

	if (escaped == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (strchr(unreserved, c) != NULL) {
			*out++ = *text;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out = '\0';
	return escaped;
}

char *http_unescape(const char *text)
{
	int length = 0;
	char *decoded = curl_easy_unescape(NULL, text, 0, &length);
	char *copy = decoded == NULL || strlen(decoded) != (size_t)length ? NULL : strdup(decoded);

	curl_free(decoded);
	return copy;
}
