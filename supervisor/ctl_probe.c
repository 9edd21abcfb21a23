#include "supervisor/ctl_probe.h"

#include "common/domain.h"
#include "common/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int connect_local(unsigned short port, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval timeout = {PROBE_HANDSHAKE_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot connect to 127.0.0.1:%hu",
				port);
		close(fd);
		return -1;
	}
	return fd;
}

static void server_name(const char *name, domain_name sni)
{
	if (domain_is_wildcard(name))
		snprintf(sni, sizeof(domain_name), "ingress-probe.%s", domain_base(name));
	else
		snprintf(sni, sizeof(domain_name), "%s", name);
}

static int read_serial(SSL *ssl, char serial[CERTIFICATE_SERIAL_MAX], struct error *err)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	BIGNUM *number = NULL;
	char *hex = NULL;

	if (certificate != NULL)
		number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	if (number != NULL)
		hex = BN_bn2hex(number);
	if (hex != NULL)
		snprintf(serial, CERTIFICATE_SERIAL_MAX, "%s", hex);
	bool found = hex != NULL;
	OPENSSL_free(hex);
	BN_free(number);
	X509_free(certificate);
	return found ? 0 : error_set(err, EXIT_FAILED, "the server sent no certificate");
}

static int handshake(SSL *ssl, int fd, const char *name, char serial[CERTIFICATE_SERIAL_MAX],
		     struct error *err)
{
	domain_name sni;
	char reason[160];

	server_name(name, sni);
	if (SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, sni) != 1)
		return error_no_memory(err);
	if (SSL_connect(ssl) == 1)
		return read_serial(ssl, serial, err);
	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	return error_set(err, EXIT_UNREACHABLE, "no TLS handshake for %s: %s", sni, reason);
}

/* Version 1 of the protocol, for a connection that is nobody's but ours. */
static int announce(int fd, struct error *err)
{
	static const char header[] = "PROXY UNKNOWN\r\n";

	if (send(fd, header, sizeof(header) - 1, MSG_NOSIGNAL) == sizeof(header) - 1)
		return 0;
	return error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot send a PROXY header");
}

int probe_serial(const char *name, unsigned short port, bool proxied,
		 char serial[CERTIFICATE_SERIAL_MAX], struct error *err)
{
	int fd AUTO_CLOSE = connect_local(port, err);
	SSL_CTX *context;
	SSL *ssl;
	int rc;

	if (fd < 0 || (proxied && announce(fd, err) != 0))
		return -1;
	context = SSL_CTX_new(TLS_client_method());
	ssl = context == NULL ? NULL : SSL_new(context);
	rc = ssl == NULL ? error_no_memory(err) : handshake(ssl, fd, name, serial, err);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return rc;
}
