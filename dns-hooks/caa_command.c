#include "dns-hooks/caa_command.h"

#include "common/file.h"
#include "common/json.h"
#include "dns-hooks/caa/caa_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUDGET_MS = 15000, DNS_PORT_USUAL = 53 };

static int read_port(unsigned short *port, struct error *err)
{
	const char *text = getenv("DNS_PORT");
	char *end = NULL;
	unsigned long number = text == NULL ? DNS_PORT_USUAL : strtoul(text, &end, 10);

	if ((text != NULL && *end != '\0') || number == 0 || number > 65535)
		return error_set(err, EXIT_BAD_CONFIG,
				 "DNS_PORT is \"%.20s\": must be a port, 1 to 65535", text);
	*port = (unsigned short)number;
	return 0;
}

static int open_view(struct dns_view *view, struct error *err)
{
	const char *listed = getenv("DNS_RESOLVERS");

	if (read_port(&view->port, err) != 0)
		return -1;
	return resolver_init(&view->resolver, listed != NULL && *listed != '\0' ? listed : NULL,
			     err);
}

static int print(const char *name, const char *at, const char *binding, const char *detail,
		 struct error *err)
{
	AUTO_JSON cJSON *json = cJSON_CreateObject();

	if (cJSON_AddStringToObject(json, "name", name) == NULL ||
	    cJSON_AddStringToObject(json, "at", at) == NULL ||
	    cJSON_AddStringToObject(json, "binding", binding) == NULL ||
	    cJSON_AddStringToObject(json, "detail", detail) == NULL)
		return error_no_memory(err);
	AUTO_FREE char *text = json_print(json, false, err);
	if (text == NULL)
		return -1;
	puts(text);
	return 0;
}

int caa_command(const char *name, const char *account_uri, struct error *err)
{
	static const char *const bindings[] = {
	    [CAA_UNKNOWN] = "unknown",
	    [CAA_ABSENT] = "absent",
	    [CAA_OPEN] = "open",
	    [CAA_BOUND] = "account",
	};
	struct error why = ERROR_INIT;
	struct dns_view view;
	const char *at = "";
	domain_name domain;
	enum domain_verdict verdict = domain_parse(name, strlen(name), domain);
	if (verdict != DOMAIN_VALID)
		return error_set(err, EXIT_USAGE_ERROR, "\"%.100s\" %s", name,
				 domain_verdict_text(verdict));
	if (open_view(&view, err) != 0)
		return -1;
	enum caa_binding binding =
	    caa_search_binding(&view, domain, account_uri, BUDGET_MS, &at, &why);
	bool is_told = binding == CAA_UNKNOWN || binding == CAA_OPEN;
	return print(domain, at, bindings[binding], is_told ? why.text : "", err);
}
