#include "supervisor/haproxy/render.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "common/time_text.h"
#include "supervisor/haproxy/capacity.h"
#include "supervisor/haproxy/inspection.h"
#include "supervisor/haproxy/render_backends.h"
#include "supervisor/haproxy/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONFIG_MAX = 64 * 1024 * 1024,
	LIST_MAX = 16 * 1024 * 1024,
	PATH_LENGTH_MAX = 4096,
	HTTP_SERVER_MAX = 256,
};

/* Where plain TCP is the rule: what most servers allow. */
#define HTTP_IDLE "5s"
/* For a TLS handshake, from its first packet to the last. */
#define HANDSHAKE "15s"

static int write_text(const char *folder, const char *name, mode_t mode, const struct buffer *text,
		      struct error *err)
{
	char path[PATH_LENGTH_MAX];

	if (buffer_check(text, name, err) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_write_volatile(path, mode, buffer_text(text), text->length, err);
}

/* ---- certificates */

static int copy_file(const char *from, const char *to, struct error *err)
{
	struct buffer content;
	int rc;

	buffer_init(&content, (size_t)2 * CERTIFICATE_PEM_MAX + 1);
	rc = file_read(from, &content, err);
	if (rc == 0)
		rc = file_write_volatile(to, 0600, content.data, content.length, err);
	buffer_free(&content);
	return rc;
}

static int bring_pair(const char *certs_folder, const char *folder, const char *name,
		      struct error *err)
{
	char from[PATH_LENGTH_MAX], to[PATH_LENGTH_MAX];

	snprintf(from, sizeof(from), "%s/%s.pem", certs_folder, name);
	snprintf(to, sizeof(to), "%s/certs/%s.pem", folder, name);
	if (strcmp(from, to) == 0 || link(from, to) == 0)
		return 0;
	return copy_file(from, to, err);
}

static int write_certificates(const struct render_input *in, const char *folder, struct error *err)
{
	char certs[PATH_LENGTH_MAX];
	struct buffer list;
	int rc = -1;

	buffer_init(&list, LIST_MAX);
	snprintf(certs, sizeof(certs), "%s/certs", folder);
	if (file_make_dirs(certs, 0700, err) != 0)
		goto out;
	for (size_t i = 0; i < in->settings->domain_count; i++) {
		char name[SERVED_PAIR_NAME_MAX];
		if (!in->pairs[i].present)
			continue;
		served_pair_file_name(in->settings->domains[i], name);
		if (bring_pair(in->certs_folder, folder, name, err) != 0)
			goto out;
		/* Some clients send the name with a dot at its end. */
		buffer_printf(&list, "certs/%s.pem %s %s.\n", name, in->settings->domains[i],
			      in->settings->domains[i]);
	}
	rc = write_text(folder, "crt-list.txt", 0600, &list, err);
out:
	buffer_free(&list);
	return rc;
}

static bool any_certificate(const struct render_input *in)
{
	for (size_t i = 0; i < in->settings->domain_count; i++)
		if (in->pairs[i].present)
			return true;
	return false;
}

/* ---- lists */

static int write_routes(const struct settings *s, const char *folder, struct error *err)
{
	struct buffer map;
	int rc;

	buffer_init(&map, LIST_MAX);
	for (size_t i = 0; i < s->route_count; i++) {
		char name[BACKEND_NAME_MAX];
		backend_name(s, &s->routes[i], name);
		buffer_printf(&map, "%s %s\n", s->routes[i].pattern, name);
	}
	rc = write_text(folder, "routes.map", 0600, &map, err);
	buffer_free(&map);
	return rc;
}

static int write_server_first(const struct settings *s, const char *folder, struct error *err)
{
	struct buffer list;
	int rc;

	buffer_init(&list, LIST_MAX);
	for (size_t i = 0; i < s->server_first.count; i++)
		buffer_printf(&list, "%s\n", s->server_first.names[i]);
	rc = write_text(folder, "server-first.lst", 0600, &list, err);
	buffer_free(&list);
	return rc;
}

/* ---- haproxy.cfg */

static const char *flag(bool value)
{
	return value ? "yes" : "";
}

/* The time before both sides may talk: the handshake, the look at the client's first bytes, and
 * four attempts to connect, a second apart. */
static int64_t opening_us(const struct settings *s)
{
	return time_text_us(HANDSHAKE) + time_text_us(s->evidence_wait) +
	       4 * time_text_us(s->timeout_connect) + time_text_us("3s");
}

/* The values of one configuration; `alpn`, ... hold what is put together for it. */
struct config_values {
	char port[8], bind_ipv6[32], evidence_port[8];
	char maxconn[24], global_maxconn[24], tls_sessions[24];
	char evidence_maxconn[24], evidence_source_max[24], evidence_shared[24];
	char again_maxconn[24];
	char timeout_opening[24];
	char alpn[160], socket_access[64], default_backend[BACKEND_NAME_MAX];
	char http_server[HTTP_SERVER_MAX];
	const char *worker_folder; /* the chroot as the worker sees it */
	const char *http_side;	   /* what an inspected connection may be handed to */
	struct buffer inspection;  /* empty: connections are not looked at */
	struct buffer backends, http;
	const char *chroot;
};

static void gather_evidence_bounds(const struct capacity *capacity, struct config_values *v)
{
	snprintf(v->evidence_maxconn, sizeof(v->evidence_maxconn), "%ld",
		 capacity->evidence_connections);
	/* Three quarters: all the clients of a gateway may be one source. */
	snprintf(v->evidence_source_max, sizeof(v->evidence_source_max), "%ld",
		 capacity->clients - capacity->clients / 4);
	snprintf(v->evidence_shared, sizeof(v->evidence_shared), "%ld", capacity->shared_answers);
	snprintf(v->again_maxconn, sizeof(v->again_maxconn), "%ld", capacity->again);
}

static void gather_words(const struct render_input *in, struct config_values *v)
{
	const struct settings *s = in->settings;
	const struct haproxy_facts *h = in->haproxy;
	struct capacity capacity = capacity_find(s, h->open_files);

	snprintf(v->port, sizeof(v->port), "%hu", s->port);
	int64_t opening = opening_us(s), client = time_text_us(s->timeout_client);
	snprintf(v->timeout_opening, sizeof(v->timeout_opening), "%lldms",
		 (long long)(opening < client ? opening : client) / 1000);
	/* A socket of its own: on one for both, IPv4 clients are ::ffff:192.0.2.1 to the apps. */
	snprintf(v->bind_ipv6, sizeof(v->bind_ipv6), h->has_ipv6 ? ",[::]:%hu v6only" : "",
		 s->port);
	snprintf(v->evidence_port, sizeof(v->evidence_port), "%hu", s->evidence_port);
	snprintf(v->maxconn, sizeof(v->maxconn), "%ld", capacity.clients);
	snprintf(v->global_maxconn, sizeof(v->global_maxconn), "%ld", capacity.connections);
	gather_evidence_bounds(&capacity, v);
	snprintf(v->tls_sessions, sizeof(v->tls_sessions), "%ld", capacity.tls_sessions);
	snprintf(v->alpn, sizeof(v->alpn), "%s%s", s->alpn != NULL ? " alpn " : "",
		 s->alpn != NULL ? s->alpn : "");
	/* By its group: to set the mode of a socket that it has given away, root would need one
	 * capability more (FOWNER). */
	snprintf(v->socket_access, sizeof(v->socket_access), "mode %s%s",
		 h->is_root ? "660 group " : "600", h->is_root ? h->group : "");
	backend_name(s, &s->routes[s->default_route], v->default_backend);
}

/* Whether connections that agreed on HTTP/2 may go to the HTTP side. */
static bool serves_h2(const struct settings *s)
{
	return s->alpn_h2 && inspects(s);
}

/* Only the first request of a connection needs it: the HTTP side understands HTTP/2. */
static bool looks_into_h2(const struct settings *s)
{
	return serves_h2(s) && !routes_by_request(s);
}

/* What an inspected connection may be handed to, by one of two sets of rules. */
static int gather_inspection(const struct settings *s, struct config_values *v, struct error *err)
{
	const struct template_value values[] = {
	    {"unless_h2", looks_into_h2(s) ? " !h2" : ""},
	    {NULL, NULL},
	};

	v->http_side = routes_by_request(s) ? "http" : "evidence";
	snprintf(v->http_server, sizeof(v->http_server), "%s/%s send-proxy-v2%s", v->worker_folder,
		 routes_by_request(s) ? "http.sock" : "evidence-http.sock",
		 routes_by_request(s) ? " proxy-v2-options authority" : "");
	if (!inspects(s))
		return 0;
	return template_expand(routes_by_request(s) ? template_inspect_request
						    : template_inspect_h1,
			       values, &v->inspection, err);
}

static int expand_http(const struct settings *s, struct config_values *v, struct error *err)
{
	const struct template_value values[] = {
	    {"request_routing", flag(routes_by_request(s))},
	    {"h2", flag(looks_into_h2(s))},
	    {"http_h2", flag(serves_h2(s))},
	    {"timeout_connect", s->timeout_connect},
	    {"timeout_client", s->timeout_client},
	    {"timeout_server", s->timeout_server},
	    {"http_keep_alive", routes_by_request(s) ? s->timeout_client : HTTP_IDLE},
	    {"http_request", routes_by_request(s) ? "30s" : "5s"},
	    {"http_maxconn", v->maxconn},
	    {"again_maxconn", v->again_maxconn},
	    {"evidence_shared", v->evidence_shared},
	    {"evidence_source_max", v->evidence_source_max},
	    {"socket_dir", v->chroot},
	    {"socket_access", v->socket_access},
	    {"worker_socket_prefix", v->worker_folder},
	    {"default_backend", v->default_backend},
	    {NULL, NULL},
	};

	return template_expand(template_http, values, &v->http, err);
}

static int gather(const struct render_input *in, struct config_values *v, struct error *err)
{
	const struct settings *s = in->settings;

	buffer_init(&v->inspection, CONFIG_MAX);
	buffer_init(&v->backends, CONFIG_MAX);
	buffer_init(&v->http, CONFIG_MAX);
	gather_words(in, v);
	v->chroot = in->chroot;
	v->worker_folder = in->haproxy->is_root ? "" : v->chroot;
	if (gather_inspection(s, v, err) != 0)
		return -1;
	/* Before the backends: theirs refer to its defaults. */
	if ((routes_by_request(s) || looks_into_h2(s)) && expand_http(s, v, err) != 0)
		return -1;
	return backends_write(s, in->addresses, routes_by_request(s), &v->backends, err);
}

static int expand(const struct render_input *in, const struct config_values *v,
		  struct buffer *config, struct error *err)
{
	const struct settings *s = in->settings;
	const struct haproxy_facts *h = in->haproxy;
	const struct template_value values[] = {
	    {"version", VERSION},
	    {"maxconn", v->maxconn},
	    {"global_maxconn", v->global_maxconn},
	    {"tls_sessions", v->tls_sessions},
	    {"chroot", h->is_root ? v->chroot : ""},
	    {"haproxy_user", h->user},
	    {"haproxy_group", h->group},
	    {"reload_grace", s->reload_grace},
	    {"curves", h->has_mlkem ? "X25519MLKEM768:X25519:P-256:P-384" : "X25519:P-256:P-384"},
	    {"timeout_connect", s->timeout_connect},
	    {"timeout_client", s->timeout_client},
	    {"timeout_server", s->timeout_server},
	    {"timeout_handshake", HANDSHAKE},
	    {"timeout_opening", v->timeout_opening},
	    {"log_connections", flag(log_enabled(LOG_DEBUG))},
	    {"port", v->port},
	    {"bind_ipv6", v->bind_ipv6},
	    /* Without any certificate, only strict-sni lets the port open at all: every
	     * handshake then fails cleanly until the first one is there. */
	    {"strict_sni", s->strict_sni || !any_certificate(in) ? " strict-sni" : ""},
	    {"refuse_unrouted", flag(s->strict_sni)},
	    {"alpn", v->alpn},
	    {"accept_proxy", s->accept_proxy_protocol ? " accept-proxy" : ""},
	    {"inspect", flag(inspects(s))},
	    {"server_first_listed", flag(s->server_first.scope == CHOICE_LISTED)},
	    {"h2", flag(looks_into_h2(s))},
	    {"http_h2", flag(serves_h2(s))},
	    {"inspect_h2", template_inspect_h2},
	    {"inspection", v->inspection.length > 0 ? buffer_text(&v->inspection) : ""},
	    {"http_side", v->http_side},
	    {"http_server", v->http_server},
	    {"evidence_wait", s->evidence_wait},
	    {"request_routing", flag(routes_by_request(s))},
	    {"http", v->http.length > 0 ? buffer_text(&v->http) : ""},
	    {"default_backend", v->default_backend},
	    {"backends", buffer_text(&v->backends)},
	    {"worker_socket_prefix", v->worker_folder},
	    {"socket_dir", v->chroot},
	    {"socket_access", v->socket_access},
	    {"evidence_port", v->evidence_port},
	    {"evidence_maxconn", v->evidence_maxconn},
	    {"evidence_source_max", v->evidence_source_max},
	    {NULL, NULL},
	};

	return template_expand(template_haproxy, values, config, err);
}

static int write_config(const struct render_input *in, const char *folder, struct error *err)
{
	struct config_values values = {0};
	struct buffer config;
	int rc;

	buffer_init(&config, CONFIG_MAX);
	rc = gather(in, &values, err);
	if (rc == 0)
		rc = expand(in, &values, &config, err);
	if (rc == 0)
		rc = write_text(folder, "haproxy.cfg", 0600, &config, err);
	buffer_free(&config);
	buffer_free(&values.inspection);
	buffer_free(&values.backends);
	buffer_free(&values.http);
	return rc;
}

static int write_openssl(const struct settings *s, const char *folder, struct error *err)
{
	const struct template_value values[] = {
	    {"session_tickets", resumes_sessions(s) ? "1" : "0"},
	    {NULL, NULL},
	};
	struct buffer text;
	int rc;

	buffer_init(&text, LIST_MAX);
	rc = template_expand(template_openssl, values, &text, err);
	if (rc == 0)
		rc = write_text(folder, "openssl.cnf", 0644, &text, err);
	buffer_free(&text);
	return rc;
}

int render_write(const struct render_input *input, const char *folder, struct error *err)
{
	if (write_certificates(input, folder, err) != 0 ||
	    write_routes(input->settings, folder, err) != 0 ||
	    write_server_first(input->settings, folder, err) != 0 ||
	    write_openssl(input->settings, folder, err) != 0 ||
	    write_config(input, folder, err) != 0)
		return error_wrap(err, "cannot write the HAProxy configuration");
	return 0;
}
