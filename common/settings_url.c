/* URLs of services that credentials are sent to, or come from. */
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

/*
 * Where a machine's own metadata services are, in the clear: those of Amazon ECS, EKS (two) and EC2
 * (two), of which
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html has the
 * first three.
 */
static bool is_metadata_service(const struct endpoint *server)
{
	static const char *const addresses[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23",
						"169.254.169.254", "fd00:ec2::254"};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (strcmp(server->host, addresses[i]) == 0)
			return true;
	return false;
}

static bool is_path(const char *text, const char *more)
{
	char punctuation[32];

	snprintf(punctuation, sizeof(punctuation), "/._~:+@-%s", more);
	return settings_consists_of(text, strlen(text), punctuation);
}

static const char *check_url(struct loading *in, const struct setting *row, const char *value,
			     bool is_metadata)
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
	if (plain && !is_loopback(&server) && !(is_metadata && is_metadata_service(&server)))
		return settings_wrong(in, row, value,
				      "must be https://, since credentials go there (http:// is "
				      "for 127.0.0.1, [::1] and localhost%s)",
				      is_metadata ? ", and for the addresses of AWS's metadata "
						    "services"
						  : "");
	return settings_set_text(in, row, value);
}

const char *settings_check_url(struct loading *in, const struct setting *row, const char *value)
{
	return check_url(in, row, value, false);
}

const char *settings_check_metadata_url(struct loading *in, const struct setting *row,
					const char *value)
{
	return check_url(in, row, value, true);
}
