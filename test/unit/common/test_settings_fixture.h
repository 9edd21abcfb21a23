/* An environment that is good in every respect, variations of it, and what they lead to. */
#ifndef TEST_SETTINGS_FIXTURE_H
#define TEST_SETTINGS_FIXTURE_H

#include "unit.h"

#include "common/settings.h"

#define CANARY "canary-4f1d8a27c09b"

enum { FIXTURE_VARIABLES_MAX = 64, FIXTURE_TEXT_MAX = 64 * 1024 };

struct loaded {
	struct settings *settings; /* NULL when something is wrong */
	struct buffer problems;
	struct buffer warnings;
	struct error err;
	const char *environment[FIXTURE_VARIABLES_MAX];
};

/* Something good for each variable; every secret holds the canary. */
static const char *const fixture_everything[] = {
    "DOMAIN=app.example.com",
    "DOMAINS=b.example.com\n*.example.com",
    "TARGET_ENDPOINT=app:8080",
    "ROUTING_MAP=b.example.com=b:1\na.example.com=a:1",
    "BACKEND_NETWORKS=10.0.0.0/8",
    "GATEWAY_DOMAIN=gateway.example.net",
    "ACME_EMAIL=ops@example.com",
    "CERTBOT_EMAIL=ops@example.com",
    "DNS_PROVIDER=cloudflare",
    "PORT=8443",
    "SET_CAA=true",
    "TXT_PREFIX=_x",
    "APP_ID=abc",
    "ACME_STAGING=false",
    "CERTBOT_STAGING=false",
    "ACME_SERVER=https://ca.example.com/d",
    "ACME_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",
    "ACME_EAB_KID=kid",
    "ACME_EAB_HMAC_KEY=" CANARY,
    "DNS_RESOLVERS=192.0.2.53",
    "LOG_LEVEL=debug",
    "LETSENCRYPT_DIR=/data/le",
    "EVIDENCE_DIR=/data/ev/",
    "RUN_DIR=/data/run",
    "DSTACK_SOCKET=/data/dstack.sock",
    "HAPROXY=/opt/haproxy",
    "CLOUDFLARE_API_TOKEN=" CANARY,
    "CLOUDFLARE_API_URL=https://api.example.com/v4",
    "LINODE_API_TOKEN=" CANARY,
    "NAMECHEAP_USERNAME=me",
    "NAMECHEAP_API_KEY=" CANARY,
    "NAMECHEAP_CLIENT_IP=192.0.2.9",
    "AWS_ACCESS_KEY_ID=AKIA",
    "AWS_SECRET_ACCESS_KEY=" CANARY,
    "AWS_SESSION_TOKEN=" CANARY,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN=" CANARY,
    "RFC2136_SERVER=ns.example.net",
    "RFC2136_KEY_NAME=key",
    "RFC2136_KEY_SECRET=Y2FuYXJ5LTRmMWQ4YTI3YzA5Yg==",
    "DNS_EXEC=/opt/hook",
    "HTTPS_PROXY=http://proxy.example.net:3128",
    "PYTHONPYCACHEPREFIX=/data/compiled",
    "PYTHONDONTWRITEBYTECODE=1",
    "HOME=/root",
    "TZ=UTC",
    "SOMETHING_ELSE=1",
    NULL};

static inline size_t fixture_name_length(const char *variable)
{
	return strcspn(variable, "=");
}

static inline void fixture_put(const char **environment, const char *variable)
{
	size_t length = fixture_name_length(variable) + 1;
	size_t i = 0;

	while (environment[i] != NULL && strncmp(environment[i], variable, length) != 0)
		i++;
	assert_true(i + 1 < FIXTURE_VARIABLES_MAX);
	environment[i] = variable;
}

/* The good environment with `variables` (NULL at the end) put into it; "NAME=" takes one out,
 * since an empty value counts as unset. */
static inline void fixture_environment(const char **environment, const char *const *variables)
{
	static const char *const good[] = {
	    "PATH=/usr/bin:/bin",	    "DOMAIN=app.example.com",
	    "TARGET_ENDPOINT=app:8080",	    "GATEWAY_DOMAIN=gateway.example.net",
	    "CLOUDFLARE_API_TOKEN=" CANARY, NULL};

	memset(environment, 0, FIXTURE_VARIABLES_MAX * sizeof(*environment));
	for (const char *const *at = good; *at != NULL; at++)
		fixture_put(environment, *at);
	for (const char *const *at = variables; *at != NULL; at++)
		fixture_put(environment, *at);
}

static inline void fixture_load_for(struct loaded *loaded, unsigned audience,
				    const char *const *variables)
{
	*loaded = (struct loaded){.err = ERROR_INIT};
	buffer_init(&loaded->problems, FIXTURE_TEXT_MAX);
	buffer_init(&loaded->warnings, FIXTURE_TEXT_MAX);
	fixture_environment(loaded->environment, variables);
	loaded->settings =
	    settings_load_for(audience, (char *const *)(uintptr_t)loaded->environment,
			      &loaded->problems, &loaded->warnings, &loaded->err);
}

#define VARIABLES(...)                          \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

/* fixture_load(&loaded, "NAME=value", ...) */
#define fixture_load(loaded, ...) fixture_load_for(loaded, FOR_SUPERVISOR, VARIABLES(__VA_ARGS__))

static inline void fixture_free(struct loaded *loaded)
{
	settings_free(loaded->settings);
	buffer_free(&loaded->problems);
	buffer_free(&loaded->warnings);
}

static inline void assert_good(const struct loaded *loaded)
{
	assert_string_equal(buffer_text(&loaded->problems), "");
	assert_non_null(loaded->settings);
}

static inline void assert_refused(const struct loaded *loaded, const char *problems)
{
	assert_string_equal(buffer_text(&loaded->problems), problems);
	assert_null(loaded->settings);
	assert_int_equal(loaded->err.code, EXIT_BAD_CONFIG);
}

#endif
