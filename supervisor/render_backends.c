#include "supervisor/render_backends.h"

#include "common/file.h"
#include "supervisor/template.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 1024 * 1024 };

struct backend {
	const struct route *route; /* one of those that lead to it */
	char name[BACKEND_NAME_MAX];
};

/* SEND_PROXY_PROTOCOL names domains; a wildcard among them means the routes under it. */
static bool sends_proxy(const struct settings *settings, const struct route *route)
{
	const struct name_choice *choice = &settings->send_proxy_protocol;

	if (choice->scope != CHOICE_LISTED)
		return choice->scope == CHOICE_ALL;
	for (size_t i = 0; i < choice->count; i++)
		if (domain_covers(choice->names[i], route->pattern))
			return true;
	return false;
}

void backend_name(const struct settings *settings, const struct route *route,
		  char name[BACKEND_NAME_MAX])
{
	snprintf(name, BACKEND_NAME_MAX, "%s:%hu%s", route->target.host, route->target.port,
		 sends_proxy(settings, route) ? ":proxy" : "");
}

static bool is_address(const struct endpoint *target)
{
	struct in_addr ignored;

	return target->is_ipv6 || inet_pton(AF_INET, target->host, &ignored) == 1;
}

/* Whether `host` stands as a word behind the address on some line of /etc/hosts. */
static bool is_in_hosts(const char *hosts, const char *host)
{
	size_t length = strlen(host);

	for (const char *at = hosts; (at = strcasestr(at, host)) != NULL; at += length) {
		unsigned char after = (unsigned char)at[length];
		bool starts = at > hosts && (at[-1] == ' ' || at[-1] == '\t');
		if (starts && (after == '\0' || isspace(after)))
			return true;
	}
	return false;
}

/*
 * A name is looked up once at start and followed by DNS from then on.  Not so a name from
 * /etc/hosts ("localhost", compose's extra_hosts): DNS would deny it and HAProxy would
 * take the backend down.
 */
static const char *resolution(const struct endpoint *target, const char *hosts,
			      const struct backend_options *options)
{
	if (is_address(target))
		return "";
	if (!options->has_nameserver || is_in_hosts(hosts, target->host))
		return " init-addr last,libc,none";
	return " resolvers system init-addr last,libc,none";
}

static int write_one(const struct settings *settings, const struct backend *backend,
		     const char *hosts, const struct backend_options *options, struct buffer *out,
		     struct error *err)
{
	const struct endpoint *target = &backend->route->target;
	char address[BACKEND_NAME_MAX];

	snprintf(address, sizeof(address), target->is_ipv6 ? "[%s]:%hu" : "%s:%hu", target->host,
		 target->port);
	const struct template_value values[] = {
	    {"name", backend->name},
	    {"address", address},
	    {"resolve", resolution(target, hosts, options)},
	    {"send_proxy", sends_proxy(settings, backend->route) ? " send-proxy-v2" : ""},
	    {NULL, NULL},
	};
	if (template_expand(template_backend, values, out, err) != 0)
		return -1;
	return options->by_request ? template_expand(template_http_backend, values, out, err) : 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct backend *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int backends_write(const struct settings *settings, const struct backend_options *options,
		   struct buffer *out, struct error *err)
{
	struct backend *backends = calloc(settings->route_count, sizeof(*backends));
	struct error ignored = ERROR_INIT;
	struct buffer hosts;
	int rc = 0;

	if (backends == NULL)
		return error_no_memory(err);
	buffer_init(&hosts, HOSTS_MAX);
	file_read("/etc/hosts", &hosts, &ignored); /* a container may have none */
	for (size_t i = 0; i < settings->route_count; i++) {
		backends[i].route = &settings->routes[i];
		backend_name(settings, &settings->routes[i], backends[i].name);
	}
	qsort(backends, settings->route_count, sizeof(*backends), compare_names);
	for (size_t i = 0; rc == 0 && i < settings->route_count; i++)
		if (i == 0 || compare_names(&backends[i - 1], &backends[i]) != 0)
			rc = write_one(settings, &backends[i], buffer_text(&hosts), options, out,
				       err);
	buffer_free(&hosts);
	free(backends);
	return rc;
}
