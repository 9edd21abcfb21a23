/* evidence: what strangers send to the evidence server, byte for byte. */
#include "evidence/file_server.h"
#include "evidence/serve.h"

#include "test/fuzz/fuzz.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TURNS_MAX = 200, REPLY_MAX = 1024 * 1024 };

/* In the folder, but not for the public; and beside it. */
static const char hidden[] = "hidden-91c7e2", outside[] = "outside-5b08fd";

static struct file_server server;
static struct event_base *base;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void on_request(struct evhttp_request *request, void *context)
{
	(void)context;
	file_server_answer(&server, request);
}

static void publish(const char *folder)
{
	struct file_set files = FILE_SET_INIT;
	struct shared_folder shared;
	struct error err = ERROR_INIT;

	CHECK(shared_folder_open(folder, &shared, &err) == 0);
	CHECK(file_set_add(&files, "quote.json", "{\"quote\":\"\"}", 12, &err) == 0);
	CHECK(file_set_add(&files, "cert-*.example.com.pem", "PEM", 3, &err) == 0);
	CHECK(file_set_add(&files, "sha256sum.txt", "", 0, &err) == 0);
	CHECK(generation_publish(&shared, &files, &err) == 0);
	close(shared.fd);
	file_set_free(&files);
}

/* The server as serve.c sets it up. */
static void listen_at(const char *folder)
{
	struct evhttp *http;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	base = event_base_new();
	CHECK(base != NULL);
	http = evhttp_new(base);
	struct evconnlistener *listener =
	    evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 16,
				    (struct sockaddr *)&address, sizeof(address));
	CHECK(http != NULL && listener != NULL && evhttp_bind_listener(http, listener) != NULL);
	evhttp_set_allowed_methods(http, 0x1ff);
	evhttp_set_max_headers_size(http, SERVE_HEADER_MAX);
	evhttp_set_max_body_size(http, SERVE_BODY_MAX);
	evhttp_set_gencb(http, on_request, NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = fuzz_folder();
	struct error err = ERROR_INIT;
	char path[256];

	(void)argc;
	(void)argv;
	fuzz_quiet();
	snprintf(path, sizeof(path), "%s/secret", folder);
	fuzz_put(path, (const uint8_t *)outside, strlen(outside));
	snprintf(path, sizeof(path), "%s/evidences", folder);
	CHECK(file_make_dirs(path, 0755, &err) == 0);
	publish(path);
	server.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(server.folder >= 0);
	snprintf(path, sizeof(path), "%s/evidences/..data/.hidden", folder);
	fuzz_put(path, (const uint8_t *)hidden, strlen(hidden));
	listen_at(folder);
	return 0;
}

/* All that comes back for the bytes of one connection. */
static void converse(const uint8_t *data, size_t size, struct buffer *reply)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char piece[4096];

	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
	(void)sent; /* a long input may not fit: what does, is the input */
	shutdown(fd, SHUT_WR);
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		CHECK(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		ssize_t got = recv(fd, piece, sizeof(piece), 0);
		if (got == 0)
			break;
		if (got > 0)
			buffer_append(reply, piece, (size_t)got);
	}
	close(fd);
	CHECK(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void check_status(const char *reply)
{
	static const char *const known[] = {"200", "304", "400", "404", "405",
					    "413", "414", "417", "500", "501"};
	char status[4] = "";

	/* The version is the request's: libevent gives back even one that there is not. */
	CHECK(sscanf(reply, "HTTP/%*d.%*d %3[0-9]", status) == 1);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(status, known[i]) == 0)
			return;
	CHECK(strcmp(status, "100") == 0);
}

/* A request that names the secret itself may get it back: the page shows the host it was sent to.
 */
static void check_secret(const char *secret, const uint8_t *request, size_t size,
			 struct buffer *reply)
{
	if (memmem(request, size, secret, strlen(secret)) == NULL)
		CHECK(memmem(buffer_text(reply), reply->length, secret, strlen(secret)) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer reply;

	buffer_init(&reply, REPLY_MAX);
	converse(data, size, &reply);
	CHECK(!reply.failed);
	check_secret(hidden, data, size, &reply);
	check_secret(outside, data, size, &reply);
	if (reply.length > 0)
		check_status(buffer_text(&reply));
	buffer_free(&reply);
	return 0;
}
