/* What holds of every settings object, whatever environment it was made of. */
#ifndef TEST_FUZZ_SETTINGS_PROPERTIES_H
#define TEST_FUZZ_SETTINGS_PROPERTIES_H

#include "common/settings.h"

#include "test/fuzz/fuzz.h"

#include <arpa/inet.h>

enum { FUZZ_FINDINGS_MAX = 64 * 1024 };

/* These go into HAProxy's configuration as they are, and onto command lines. */
static inline void check_word(const char *text)
{
	CHECK(text[0] != '\0');
	for (; *text != '\0'; text++)
		CHECK(*text > ' ' && *text <= '~' && strchr("\"'\\#{}$`;|<>()", *text) == NULL);
}

static inline void check_domain(const char *name)
{
	domain_name again;

	CHECK(domain_parse(name, strlen(name), again) == DOMAIN_VALID);
	CHECK(strcmp(name, again) == 0);
}

static inline void check_endpoint(const struct endpoint *endpoint)
{
	char text[sizeof(endpoint->host) + 16], reason[SETTING_REASON_SIZE];
	struct endpoint again;

	CHECK(endpoint->port != 0);
	check_word(endpoint->host);
	int length = snprintf(text, sizeof(text), endpoint->is_ipv6 ? "[%s]:%u" : "%s:%u",
			      endpoint->host, (unsigned)endpoint->port);
	CHECK(length > 0 && (size_t)length < sizeof(text));
	CHECK(settings_parse_host_port(text, (size_t)length, 1, &again, reason));
	CHECK(strcmp(again.host, endpoint->host) == 0 && again.port == endpoint->port &&
	      again.is_ipv6 == endpoint->is_ipv6);
}

/* Whether a connection for `name`, or for some name under the wildcard `name`, has a route. */
static inline bool is_routed(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->route_count; i++)
		if (domain_covers(settings->routes[i].pattern, name) ||
		    domain_covers(name, settings->routes[i].pattern))
			return true;
	return false;
}

static inline void check_served(const struct settings *settings)
{
	CHECK(settings->domain_count >= 1 && settings->domain_count <= SETTINGS_DOMAINS_MAX);
	CHECK(settings->default_route < settings->route_count);
	for (size_t i = 0; i < settings->domain_count; i++) {
		check_domain(settings->domains[i]);
		CHECK(is_routed(settings, settings->domains[i]));
		for (size_t other = 0; other < i; other++)
			CHECK(strcmp(settings->domains[other], settings->domains[i]) != 0);
	}
	for (size_t i = 0; i < settings->route_count; i++) {
		check_domain(settings->routes[i].pattern);
		check_endpoint(&settings->routes[i].target);
		for (size_t other = 0; other < i; other++)
			CHECK(strcmp(settings->routes[other].pattern,
				     settings->routes[i].pattern) != 0);
	}
}

static inline void check_choice(const struct name_choice *choice)
{
	CHECK((choice->scope == CHOICE_LISTED) == (choice->count > 0));
	for (size_t i = 0; i < choice->count; i++)
		check_domain(choice->names[i]);
}

/* Lines that a person reads: each ends, and is fit for a terminal. */
static inline void check_lines(const char *text)
{
	size_t length = strlen(text);
	char *tidy = fuzz_text((const uint8_t *)text, length);

	CHECK(length == 0 || text[length - 1] == '\n');
	for (char *at = tidy; (at = strchr(at, '\n')) != NULL;)
		*at = ' ';
	fuzz_check_plain(tidy);
	free(tidy);
}

#endif
