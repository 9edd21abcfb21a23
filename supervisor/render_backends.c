#include "supervisor/render_backends.h"

#include "common/file.h"
#include "supervisor/template.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 1024 * 1024 };

void backend_name(const struct endpoint *target, char name[BACKEND_NAME_MAX])
{
	snprintf(name, BACKEND_NAME_MAX, "%s:%hu", target->host, target->port);
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

static int write_one(const struct settings *settings, const struct endpoint *target,
		     const char *hosts, const struct backend_options *options, struct buffer *out,
		     struct error *err)
{
	char name[BACKEND_NAME_MAX];
	char address[BACKEND_NAME_MAX + 2];

	backend_name(target, name);
	snprintf(address, sizeof(address), target->is_ipv6 ? "[%s]:%hu" : "%s:%hu", target->host,
		 target->port);
	const struct template_value values[] = {
	    {"name", name},
	    {"inspect", options->inspect ? "yes" : ""},
	    {"inspect_h1", template_inspect_h1},
	    {"evidence_wait", settings->evidence_wait},
	    {"worker_socket_prefix", options->socket_prefix},
	    {"address", address},
	    {"resolve", resolution(target, hosts, options)},
	    {NULL, NULL},
	};
	return template_expand(template_backend, values, out, err);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct endpoint *const *left = a, *const *right = b;
	int order = strcmp((*left)->host, (*right)->host);

	return order != 0 ? order : (int)(*left)->port - (int)(*right)->port;
}

int backends_write(const struct settings *settings, const struct backend_options *options,
		   struct buffer *out, struct error *err)
{
	const struct endpoint **targets = calloc(settings->route_count, sizeof(*targets));
	struct error ignored = ERROR_INIT;
	struct buffer hosts;
	int rc = 0;

	if (targets == NULL)
		return error_no_memory(err);
	buffer_init(&hosts, HOSTS_MAX);
	file_read("/etc/hosts", &hosts, &ignored); /* a container may have none */
	for (size_t i = 0; i < settings->route_count; i++)
		targets[i] = &settings->routes[i].target;
	qsort(targets, settings->route_count, sizeof(*targets), compare_endpoints);
	for (size_t i = 0; rc == 0 && i < settings->route_count; i++)
		if (i == 0 || compare_endpoints(&targets[i - 1], &targets[i]) != 0)
			rc =
			    write_one(settings, targets[i], buffer_text(&hosts), options, out, err);
	buffer_free(&hosts);
	free(targets);
	return rc;
}
