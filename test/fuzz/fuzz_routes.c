/* common: lists of domains and routes.  The first line is DOMAINS, the rest ROUTING_MAP; a '-' in
 * front of them leaves TARGET_ENDPOINT out. */
#include "test/fuzz/settings_properties.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static char *variable(const char *name, char *value)
{
	char *text = NULL;

	CHECK(asprintf(&text, "%s=%s", name, value) > 0);
	free(value);
	return text;
}

static struct settings *load(char *domains, char *routes, bool has_target)
{
	char target[] = "TARGET_ENDPOINT=app:8080", gateway[] = "GATEWAY_DOMAIN=_.gw.example.net",
	     token[] = "CLOUDFLARE_API_TOKEN=0123456789abcdef";
	char *environment[] = {domains, routes, gateway, token, has_target ? target : NULL, NULL};
	struct error err = ERROR_INIT;
	struct buffer problems, warnings;

	buffer_init(&problems, FUZZ_FINDINGS_MAX);
	buffer_init(&warnings, FUZZ_FINDINGS_MAX);
	struct settings *settings = settings_load(environment, &problems, &warnings, &err);
	CHECK((settings == NULL) == (problems.length > 0));
	check_lines(buffer_text(&problems));
	check_lines(buffer_text(&warnings));
	buffer_free(&problems);
	buffer_free(&warnings);
	return settings;
}

/* ROUTING_MAP written out from what was understood. */
static char *written(const struct settings *settings)
{
	struct buffer text;

	buffer_init(&text, SETTINGS_VALUE_MAX);
	for (size_t i = 0; i < settings->route_count; i++)
		buffer_printf(&text,
			      settings->routes[i].target.is_ipv6 ? "%s=[%s]:%u," : "%s=%s:%u,",
			      settings->routes[i].pattern, settings->routes[i].target.host,
			      (unsigned)settings->routes[i].target.port);
	return buffer_take(&text);
}

static char *listed(const struct settings *settings)
{
	struct buffer text;

	buffer_init(&text, SETTINGS_VALUE_MAX);
	for (size_t i = 0; i < settings->domain_count; i++)
		buffer_printf(&text, "%s\n", settings->domains[i]);
	return buffer_take(&text);
}

/* Loading what was understood gives the same again. */
static void check_again(const struct settings *settings, bool has_target)
{
	char *domains = variable("DOMAINS", listed(settings));
	char *routes = variable("ROUTING_MAP", written(settings));
	struct settings *again = load(domains, routes, has_target);

	CHECK(again != NULL);
	CHECK(again->domain_count == settings->domain_count);
	CHECK(again->route_count == settings->route_count);
	CHECK(again->default_route == settings->default_route);
	for (size_t i = 0; i < settings->domain_count; i++)
		CHECK(strcmp(again->domains[i], settings->domains[i]) == 0);
	for (size_t i = 0; i < settings->route_count; i++)
		CHECK(memcmp(again->routes[i].target.host, settings->routes[i].target.host,
			     strlen(settings->routes[i].target.host) + 1) == 0 &&
		      strcmp(again->routes[i].pattern, settings->routes[i].pattern) == 0);
	settings_free(again);
	free(domains);
	free(routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	bool has_target = size == 0 || data[0] != '-';

	input.at += !has_target;
	input.left -= !has_target;
	char *domains = variable("DOMAINS", fuzz_line(&input));
	char *routes = variable("ROUTING_MAP", fuzz_text(input.at, input.left));
	struct settings *settings = load(domains, routes, has_target);

	if (settings != NULL) {
		check_served(settings);
		check_again(settings, has_target);
	}
	settings_free(settings);
	free(domains);
	free(routes);
	return 0;
}
