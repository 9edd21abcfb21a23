#include "certificates.h"
#include "server.h"

#include "common/http.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>

/* A server of its own: the handshake comes before all that server.h does. */
struct tls_server {
	int listener;
	unsigned short port;
	pthread_t thread;
	SSL_CTX *context;
};

static void serve_tls(SSL *ssl)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"
				     "Connection: close\r\n\r\nsecure";
	char request[4096];

	if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0 &&
	    SSL_write(ssl, answer, sizeof(answer) - 1) > 0)
		SSL_shutdown(ssl);
}

static void *run_tls(void *user)
{
	struct tls_server *server = user;

	for (;;) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		SSL *ssl = SSL_new(server->context);
		SSL_set_fd(ssl, fd);
		serve_tls(ssl);
		SSL_free(ssl);
		shutdown(fd, SHUT_WR);
		server_stay_silent(fd);
		close(fd);
	}
}

/* Serves with a self-signed certificate for `name` and, if asked, 127.0.0.1, and writes that
 * certificate to `pem_path`. */
static void start_tls(struct tls_server *server, const char *name, bool for_address,
		      const char *pem_path)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct error err = ERROR_INIT;
	EVP_PKEY *key = make_key();
	X509 *x509 = make_x509(key);
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_name(names, name, strlen(name));
	if (for_address)
		add_address(names);
	set_names(x509, names);
	server->context = SSL_CTX_new(TLS_server_method());
	X509_up_ref(x509); /* sign() frees one reference */
	AUTO_FREE char *pem = sign(x509, key);
	assert_int_equal(SSL_CTX_use_certificate(server->context, x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server->context, key), 1);
	X509_free(x509);
	EVP_PKEY_free(key);
	assert_int_equal(file_write(pem_path, 0600, pem, strlen(pem), &err), 0);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(server->listener, 16), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, run_tls, server), 0);
}

static void stop_tls(struct tls_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	SSL_CTX_free(server->context);
}

/* Asks a server with such a certificate, trusting `ca_bundle`, or its own with "". */
static int ask(void **state, const char *name, bool for_address, const char *ca_bundle,
	       struct error *err)
{
	AUTO_FREE char *own = file_join(*state, "cert.pem");
	struct tls_server server;
	struct http_response response;
	char url[64];

	*err = (struct error)ERROR_INIT;
	start_tls(&server, name, for_address, own);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/x", server.port);
	struct http_request request = {.url = url, .ca_bundle = ca_bundle};
	if (ca_bundle != NULL && *ca_bundle == '\0')
		request.ca_bundle = own;
	int result = http_perform(&request, &response, err);
	stop_tls(&server);
	if (result == 0)
		assert_string_equal(buffer_text(&response.body), "secure");
	http_response_free(&response);
	return result;
}

static void a_bundle_makes_its_certificates_trusted(void **state)
{
	struct error err;

	if (ask(state, "a.example", true, "", &err) != 0)
		fail_msg("%s", err.text);
}

static void an_unknown_issuer_is_not_trusted(void **state)
{
	struct error err;

	assert_int_equal(ask(state, "a.example", true, NULL, &err), -1);
	assert_int_equal(err.code, EXIT_UNREACHABLE);
	assert_contains(err.text, "/x: ");
	assert_contains(err.text, "certificate");
}

static void a_certificate_for_another_host_is_not_trusted(void **state)
{
	struct error err;

	assert_int_equal(ask(state, "a.example", false, "", &err), -1);
	assert_int_equal(err.code, EXIT_UNREACHABLE);
	assert_contains(err.text, "127.0.0.1");
}

static void a_bundle_that_is_not_there_is_a_wrong_setting(void **state)
{
	struct error err;

	assert_int_equal(ask(state, "a.example", true, "/no/such/ca.pem", &err), -1);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_contains(err.text, "/no/such/ca.pem");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_bundle_makes_its_certificates_trusted),
	    scratch_test(an_unknown_issuer_is_not_trusted),
	    scratch_test(a_certificate_for_another_host_is_not_trusted),
	    scratch_test(a_bundle_that_is_not_there_is_a_wrong_setting),
	};

	server_forget_proxies();
	signal(SIGPIPE, SIG_IGN); /* this server writes by OpenSSL, without MSG_NOSIGNAL */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
