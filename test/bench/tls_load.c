/*
 * A TLS client that loads a proxy and counts: with SNI and ALPN, full or resumed handshakes,
 * one request for each connection or many on a kept one.
 *
 *   tls_load PORT NAME full|resume|kept COUNT THREADS ALPN|- REQUEST_FILE MARKER
 *
 * Each thread works through its share with blocking sockets to 127.0.0.1.  The bytes of
 * REQUEST_FILE are sent once for each request, and its answer ends where MARKER was seen, so
 * one client speaks HTTP/1.1, HTTP/2 (but for "kept": its streams have numbers) and anything
 * else.  Every handshake is TLS 1.3, X25519, AES-128-GCM.  The certificate is not judged.
 *
 * Prints {"count", "errors", "resumed", "bytes", "seconds"}; the first error goes to standard
 * error.  A request that failed is not tried again.  Exits 0 if everything was tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, REQUEST_MAX = 4096, CHUNK = 65536, MARKER_MAX = 64, TIMEOUT = 20 };

enum mode { FULL, RESUME, KEPT };

static struct {
	in_port_t port;
	const char *name;
	enum mode mode;
	unsigned char alpn[32]; /* as on the wire: one length byte before the name */
	unsigned alpn_length;
	char request[REQUEST_MAX];
	int request_length;
	const char *marker;
	size_t marker_length;
} job;

struct worker {
	pthread_t thread;
	SSL_CTX *context;
	SSL_SESSION *session; /* of the last connection, in RESUME; owned */
	long share, errors, resumed;
	long long bytes;
};

static atomic_flag has_complained = ATOMIC_FLAG_INIT;

static int fail(const char *what)
{
	char text[160] = "";
	unsigned long code = ERR_peek_error();
	int saved = errno;

	if (!atomic_flag_test_and_set(&has_complained)) {
		if (code != 0)
			ERR_error_string_n(code, text, sizeof(text));
		fprintf(stderr, "tls_load: %s: %s%s%s\n", what, strerror(saved),
			code != 0 ? ", " : "", text);
	}
	ERR_clear_error();
	return -1;
}

static int connect_tcp(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(job.port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval timeout = {.tv_sec = TIMEOUT};
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	fail("connect");
	close(fd);
	return -1;
}

/* A connection after its handshake, or NULL. */
static SSL *open_connection(struct worker *w)
{
	int fd = connect_tcp();
	SSL *tls;

	if (fd < 0)
		return NULL;
	tls = SSL_new(w->context);
	if (tls == NULL) {
		close(fd);
		return NULL;
	}
	SSL_set_fd(tls, fd);
	SSL_set_tlsext_host_name(tls, job.name);
	if (job.alpn_length > 0)
		SSL_set_alpn_protos(tls, job.alpn, job.alpn_length);
	if (w->session != NULL)
		SSL_set_session(tls, w->session);
	if (SSL_connect(tls) == 1)
		return tls;
	fail("handshake");
	SSL_free(tls);
	close(fd);
	return NULL;
}

static void close_connection(SSL *tls)
{
	int fd = SSL_get_fd(tls);

	SSL_shutdown(tls);
	SSL_free(tls);
	close(fd);
}

static int request(struct worker *w, SSL *tls)
{
	char data[MARKER_MAX + CHUNK];
	size_t kept = 0; /* the marker may be split between two reads */

	if (SSL_write(tls, job.request, job.request_length) <= 0)
		return fail("sending");
	for (;;) {
		int got = SSL_read(tls, data + kept, CHUNK);
		if (got <= 0)
			return fail("receiving");
		w->bytes += got;
		size_t filled = kept + (size_t)got;
		if (memmem(data, filled, job.marker, job.marker_length) != NULL)
			return 0;
		kept = filled < job.marker_length - 1 ? filled : job.marker_length - 1;
		memmove(data, data + filled - kept, kept);
	}
}

/* TLS 1.3 brings the ticket behind the handshake: it has been read by now. */
static void keep_session(struct worker *w, SSL *tls)
{
	SSL_SESSION_free(w->session);
	w->session = SSL_get1_session(tls);
}

static int converse(struct worker *w)
{
	SSL *tls = open_connection(w);
	int rc;

	if (tls == NULL)
		return -1;
	w->resumed += SSL_session_reused(tls);
	rc = request(w, tls);
	if (rc == 0 && job.mode == RESUME)
		keep_session(w, tls);
	close_connection(tls);
	return rc;
}

static void work_on_kept(struct worker *w)
{
	SSL *tls = NULL;

	for (long i = 0; i < w->share; i++) {
		if (tls == NULL)
			tls = open_connection(w);
		if (tls != NULL && request(w, tls) == 0)
			continue;
		w->errors++;
		if (tls != NULL)
			close_connection(tls);
		tls = NULL;
	}
	if (tls != NULL)
		close_connection(tls);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	if (job.mode == KEPT)
		work_on_kept(w);
	else
		for (long i = 0; i < w->share; i++)
			w->errors += converse(w) != 0;
	SSL_SESSION_free(w->session);
	return NULL;
}

static SSL_CTX *make_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
	    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) {
		fail("TLS");
		exit(EXIT_FAILURE);
	}
	return context;
}

static int run(long count, int threads)
{
	struct worker workers[THREADS_MAX] = {0}, sum = {0};
	struct timespec begin, end;
	SSL_CTX *context = make_context();

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < threads; i++) {
		workers[i].context = context;
		workers[i].share = count / threads + (i < count % threads);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			exit(EXIT_FAILURE);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		sum.errors += workers[i].errors;
		sum.resumed += workers[i].resumed;
		sum.bytes += workers[i].bytes;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds =
	    (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("{\"count\": %ld, \"errors\": %ld, \"resumed\": %ld, \"bytes\": %lld, "
	       "\"seconds\": %.6f}\n",
	       count, sum.errors, sum.resumed, sum.bytes, seconds);
	SSL_CTX_free(context);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	FILE *file;

	if (argc != 9 || strlen(argv[6]) >= sizeof(job.alpn) || argv[8][0] == '\0' ||
	    strlen(argv[8]) > MARKER_MAX || (file = fopen(argv[7], "rb")) == NULL) {
		fprintf(stderr, "usage: tls_load PORT NAME full|resume|kept COUNT THREADS ALPN|- "
				"REQUEST_FILE MARKER\n");
		return 64;
	}
	job.request_length = (int)fread(job.request, 1, sizeof(job.request), file);
	fclose(file);
	job.port = (in_port_t)strtoul(argv[1], NULL, 10);
	job.name = argv[2];
	job.mode = argv[3][0] == 'f' ? FULL : argv[3][0] == 'r' ? RESUME : KEPT;
	if (strcmp(argv[6], "-") != 0) {
		job.alpn_length = (unsigned)strlen(argv[6]) + 1;
		job.alpn[0] = (unsigned char)strlen(argv[6]);
		memcpy(job.alpn + 1, argv[6], strlen(argv[6]));
	}
	job.marker = argv[8];
	job.marker_length = strlen(job.marker);
	long threads = strtol(argv[5], NULL, 10);
	return run(strtol(argv[4], NULL, 10), (int)(threads < 1		    ? 1
						    : threads < THREADS_MAX ? threads
									    : THREADS_MAX));
}
