/* URLs of services that credentials are sent to. */
#include "common/settings_loading.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { HTTPS_PORT = 443 };

static bool is_loopback(const struct endpoint *server)
{
	struct in_addr address;

	if (server->is_ipv6)
		return strcmp(server->host, "::1") == 0;
	if (inet_pton(AF_INET, server->host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcmp(server->host, "localhost") == 0;
}

static bool is_path(const char *text, const char *more)
{
	char punctuation[32];

	snprintf(punctuation, sizeof(punctuation), "/._~:+@-%s", more);
	return settings_consists_of(text, strlen(text), punctuation);
}

const char *settings_check_url(struct loading *in, const struct setting *row, const char *value)
{
	bool tls = strncmp(value, "https://", 8) == 0;
	bool plain = strncmp(value, "http://", 7) == 0;
	const char *more = row->words == NULL ? "" : row->words;
	char reason[SETTING_REASON_SIZE];
	struct endpoint server;

	if (!tls && !plain)
		return settings_wrong(in, row, value, "must begin with https://");
	const char *authority = value + (tls ? 8 : 7);
	size_t length = strcspn(authority, "/?");
	if (memchr(authority, '@', length) != NULL)
		return settings_wrong(in, row, value, "must not have credentials in it");
	if (!settings_parse_host_port(authority, length, HTTPS_PORT, &server, reason))
		return settings_wrong(in, row, value, "must be https://host[:port]/path; %s",
				      reason);
	if (strlen(value) > (size_t)row->maximum || !is_path(authority + length, more))
		return settings_wrong(in, row, value,
				      "must have at most %ld characters, and in its path only "
				      "letters, digits and \"/._~:+@-%s\"",
				      row->maximum, more);
	/* RFC 8555 section 6.1 for ACME; elsewhere a token would be there for all to read. */
	if (plain && !is_loopback(&server))
		return settings_wrong(in, row, value,
				      "must be https://, since credentials go there (http:// is "
				      "for 127.0.0.1, [::1] and localhost)");
	return settings_set_text(in, row, value);
}
