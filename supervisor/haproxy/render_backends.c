#include "supervisor/haproxy/render_backends.h"

#include "supervisor/haproxy/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_SIZE = DOMAIN_MAX + 32 };

/* What a server without an address has for one: it is down, and even if it were not, the kernel
 * connects to nobody by this.  (0.0.0.0 would be "where the client connected to".) */
#define NOWHERE "255.255.255.255"

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

static int compare_names(const void *a, const void *b)
{
	const struct backend *left = a, *right = b;

	return strcmp(left->name, right->name);
}

struct backend *backends_list(const struct settings *settings, size_t *count, struct error *err)
{
	struct backend *backends = calloc(settings->route_count + 1, sizeof(*backends));
	size_t kept = 0;

	if (backends == NULL) {
		error_no_memory(err);
		return NULL;
	}
	for (size_t i = 0; i < settings->route_count; i++) {
		backends[i].route = &settings->routes[i];
		backend_name(settings, &settings->routes[i], backends[i].name);
	}
	qsort(backends, settings->route_count, sizeof(*backends), compare_names);
	for (size_t i = 0; i < settings->route_count; i++)
		if (i == 0 || compare_names(&backends[kept - 1], &backends[i]) != 0)
			backends[kept++] = backends[i];
	*count = kept;
	return backends;
}

static void describe_address(const struct backend_addresses *addresses,
			     const struct endpoint *target, char address[ADDRESS_SIZE])
{
	const struct backend_address *entry = backend_addresses_find(addresses, target->host);
	char text[IP_TEXT_SIZE];

	if (entry == NULL) {
		snprintf(address, ADDRESS_SIZE, target->is_ipv6 ? "[%s]:%hu" : "%s:%hu",
			 target->host, target->port);
		return;
	}
	if (!entry->known) {
		snprintf(address, ADDRESS_SIZE, NOWHERE ":%hu disabled", target->port);
		return;
	}
	ip_text(&entry->address, text);
	snprintf(address, ADDRESS_SIZE, entry->address.is_ipv6 ? "[%s]:%hu" : "%s:%hu", text,
		 target->port);
}

static int write_one(const struct settings *settings, const struct backend *backend,
		     const struct backend_addresses *addresses, bool by_request, struct buffer *out,
		     struct error *err)
{
	char address[ADDRESS_SIZE];

	describe_address(addresses, &backend->route->target, address);
	const struct template_value values[] = {
	    {"name", backend->name},
	    {"address", address},
	    {"send_proxy", sends_proxy(settings, backend->route) ? " send-proxy-v2" : ""},
	    {NULL, NULL},
	};
	if (template_expand(template_backend, values, out, err) != 0)
		return -1;
	return by_request ? template_expand(template_http_backend, values, out, err) : 0;
}

int backends_write(const struct settings *settings, const struct backend_addresses *addresses,
		   bool by_request, struct buffer *out, struct error *err)
{
	size_t count;
	struct backend *backends = backends_list(settings, &count, err);
	int rc = backends == NULL ? -1 : 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = write_one(settings, &backends[i], addresses, by_request, out, err);
	free(backends);
	return rc;
}
