#include "supervisor/ctl/probe.h"

#include "common/certificate.h"
#include "common/clock.h"
#include "common/domain.h"
#include "common/file.h"
#include "common/json.h"
#include "common/privileges.h"
#include "common/say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	HANDSHAKE_MS = 5000,
	PATIENCE_SECONDS = 10, /* an old worker may take a moment to stop listening */
	POLL_MS = 200,
};

/* ---- options */

static int take_port(void *values, const struct command_option *option, char *text,
		     struct error *err)
{
	struct probe_options *o = values;
	long port;

	if (option_number(option->name, text, 1, 65535, &port, err) != 0)
		return -1;
	o->port = (unsigned short)port;
	return 0;
}

const struct command_option probe_command_options[] = {
    {.name = "port", .value = "PORT", .help = "instead of 443", .take = take_port},
    {.name = "proxy",
     .help = "begin with a PROXY header (ACCEPT_PROXY_PROTOCOL)",
     .place = offsetof(struct probe_options, proxy)},
    {.name = "json",
     .help = "a line with \"name\", \"serial\" and \"error\" for each NAME",
     .place = offsetof(struct probe_options, json)},
    {.name = NULL},
};

/* ---- one handshake */

static int connect_local(unsigned short port, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval timeout = {HANDSHAKE_MS / 1000, 0};
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

/* What came of a handshake. */
struct answer {
	char serial[CERTIFICATE_SERIAL_MAX];
	bool is_for_name; /* else another domain's, which HAProxy shows where it has none */
};

static int read_answer(SSL *ssl, const char *sni, struct answer *answer, struct error *err)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	BIGNUM *number = NULL;
	char *hex = NULL;

	if (certificate != NULL)
		number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	if (number != NULL)
		hex = BN_bn2hex(number);
	if (hex != NULL)
		snprintf(answer->serial, sizeof(answer->serial), "%s", hex);
	answer->is_for_name =
	    certificate != NULL &&
	    X509_check_host(certificate, sni, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
	bool found = hex != NULL;
	OPENSSL_free(hex);
	BN_free(number);
	X509_free(certificate);
	return found ? 0 : error_set(err, EXIT_FAILED, "the server sent no certificate");
}

static int refused(const char *sni, struct error *err)
{
	unsigned long why = ERR_get_error();
	char reason[160];

	if (ERR_GET_REASON(why) == SSL_R_TLSV1_UNRECOGNIZED_NAME)
		return error_set(
		    err, EXIT_UNREACHABLE,
		    "no TLS handshake for %s: HAProxy has no certificate for that name "
		    "(`ingressctl status` lists the configured domains)",
		    sni);
	ERR_error_string_n(why, reason, sizeof(reason));
	return error_set(err, EXIT_UNREACHABLE, "no TLS handshake for %s: %s", sni, reason);
}

static int handshake(SSL *ssl, int fd, const char *name, struct answer *answer, struct error *err)
{
	domain_name sni;

	server_name(name, sni);
	if (SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, sni) != 1)
		return error_no_memory(err);
	return SSL_connect(ssl) == 1 ? read_answer(ssl, sni, answer, err) : refused(sni, err);
}

/* Version 1 of the protocol, for a connection that is nobody's but ours. */
static int announce(int fd, struct error *err)
{
	static const char header[] = "PROXY UNKNOWN\r\n";

	if (send(fd, header, sizeof(header) - 1, MSG_NOSIGNAL) == sizeof(header) - 1)
		return 0;
	return error_set_errno(err, EXIT_UNREACHABLE, errno, "cannot send a PROXY header");
}

/* Connects to loopback and tells which certificate comes.  It is not verified: that is what is
 * being asked. */
static int probe_name(SSL_CTX *context, const struct probe_options *o, const char *name,
		      struct answer *answer, struct error *err)
{
	int fd AUTO_CLOSE = connect_local(o->port, err);
	SSL *ssl;
	int rc;

	if (fd < 0 || (o->proxy && announce(fd, err) != 0))
		return -1;
	ssl = SSL_new(context);
	rc = ssl == NULL ? error_no_memory(err) : handshake(ssl, fd, name, answer, err);
	SSL_free(ssl);
	return rc;
}

/* ---- names */

struct target {
	domain_name name;
	const char *wanted; /* the serial; NULL: any */
	struct answer answer;
	struct error error;
	bool is_tried, is_served;
};

/* NAME[=SERIAL], the name as ingressd has it: in any case, with a dot at its end or without. */
static int read_target(const char *text, struct target *target, struct error *err)
{
	const char *equals = strchr(text, '=');
	size_t length = equals == NULL ? strlen(text) : (size_t)(equals - text);
	enum domain_verdict verdict = domain_parse(text, length, target->name);

	target->wanted = equals == NULL ? NULL : equals + 1;
	target->error = (struct error)ERROR_INIT;
	/* Other hosts than those that a public CA issues for have names too. */
	if (verdict == DOMAIN_VALID ||
	    domain_parse_host(text, length, target->name) == DOMAIN_VALID)
		return 0;
	return error_set(err, EXIT_USAGE_ERROR, "the name \"%.*s\" %s",
			 length > DOMAIN_MAX ? DOMAIN_MAX : (int)length, text,
			 domain_verdict_text(verdict));
}

static void look(SSL_CTX *context, const struct probe_options *o, struct target *target)
{
	target->error = (struct error)ERROR_INIT;
	target->is_tried = true;
	if (probe_name(context, o, target->name, &target->answer, &target->error) != 0)
		return;
	const char *serial = target->answer.serial;
	target->is_served = target->wanted == NULL ? target->answer.is_for_name
						   : strcasecmp(serial, target->wanted) == 0;
	if (!target->is_served && target->wanted == NULL)
		error_set(
		    &target->error, EXIT_FAILED,
		    "%s is not among the configured domains, or has no certificate yet: the "
		    "certificate that comes, %s, is for other names (`ingressctl status` lists "
		    "the domains)",
		    target->name, serial);
	else if (!target->is_served)
		error_set(&target->error, EXIT_FAILED, "%s is served with certificate %s, not %s",
			  target->name, serial, target->wanted);
}

/* In rounds, so that a name that is not served with its serial yet keeps no other one waiting. */
static void look_at_all(SSL_CTX *context, const struct probe_options *o, struct target *targets,
			size_t count)
{
	long long deadline = clock_now_ms() + PATIENCE_SECONDS * 1000LL;
	bool again;

	do {
		again = false;
		for (size_t i = 0; i < count && clock_now_ms() < deadline; i++) {
			bool is_over = targets[i].is_tried && targets[i].wanted == NULL;
			if (targets[i].is_served || is_over)
				continue;
			look(context, o, &targets[i]);
			again = again || (!targets[i].is_served && targets[i].wanted != NULL);
		}
		if (again)
			clock_sleep_ms(POLL_MS);
	} while (again && clock_now_ms() < deadline);
}

/* ---- what is printed */

static void print_json(const struct target *target)
{
	cJSON *json = cJSON_CreateObject();
	struct error err = ERROR_INIT;

	cJSON_AddStringToObject(json, "name", target->name);
	if (target->is_served) {
		cJSON_AddStringToObject(json, "serial", target->answer.serial);
		cJSON_AddNullToObject(json, "error");
	} else {
		cJSON_AddNullToObject(json, "serial");
		cJSON_AddStringToObject(json, "error", target->error.text);
	}
	char *line = json_print(json, false, &err);
	puts(line == NULL ? "" : line);
	free(line);
	cJSON_Delete(json);
}

static int report(const struct probe_options *o, struct target *targets, size_t count)
{
	int worst = EXIT_OK;

	for (size_t i = 0; i < count; i++) {
		struct target *target = &targets[i];
		if (!target->is_tried)
			error_set(&target->error, EXIT_TRY_LATER,
				  "%s has not been asked for: others took all the time",
				  target->name);
		if (o->json)
			print_json(target);
		else if (target->is_served)
			say(stdout, "%s %s", target->name, target->answer.serial);
		else
			say(stderr, "ingressctl: %s", target->error.text);
		if (!target->is_served && (int)target->error.code > worst)
			worst = (int)target->error.code;
	}
	return worst;
}

static int probe_all(SSL_CTX *context, const struct probe_options *o, char *const *names,
		     struct target *targets, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (read_target(names[i], &targets[i], err) != 0)
			return -1;
	/* It reads what a server sends, and needs nothing for that but a socket. */
	privileges_drop_as_far_as_can_be(USER_PROBE);
	look_at_all(context, o, targets, count);
	return report(o, targets, count);
}

int ctl_probe(const struct probe_options *o, char *const *names, size_t count, struct error *err)
{
	struct target *targets = calloc(count + 1, sizeof(*targets));
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int rc = -1;

	if (targets == NULL || context == NULL)
		error_no_memory(err);
	else
		rc = probe_all(context, o, names, targets, count, err);
	free(targets);
	SSL_CTX_free(context);
	return rc;
}
