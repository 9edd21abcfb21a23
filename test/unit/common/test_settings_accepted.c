/* What good environments mean: defaults, forms of values, domains, routes, providers. */
#include "test_settings_fixture.h"

#include <time.h>

/* ---- single values */

static void defaults_are_those_of_the_table(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded);
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	const struct settings *s = loaded.settings;
	assert_int_equal(s->domain_count, 1);
	assert_string_equal(s->domains[0], "app.example.com");
	assert_string_equal(s->gateway_domain, "_.gateway.example.net");
	assert_string_equal(s->dns_provider, "cloudflare");
	assert_string_equal(s->txt_prefix, "_dstack-app-address");
	assert_null(s->app_id);
	assert_int_equal(s->port, 443);
	assert_false(s->set_caa);
	assert_int_equal(s->propagation_timeout, 0);
	assert_null(s->dns_resolvers);
	assert_int_equal(s->dns_port, 53);
	assert_string_equal(s->acme_server, "https://acme-v02.api.letsencrypt.org/directory");
	assert_null(s->acme_ca_bundle);
	assert_null(s->acme_email);
	assert_null(s->acme_eab_kid);
	assert_int_equal(s->renew_interval, 43200);
	assert_int_equal(s->renew_days_before, 0);
	assert_int_equal(s->certbot_timeout, 0);
	assert_int_equal(s->maxconn, 4096);
	assert_string_equal(s->timeout_connect, "10s");
	assert_string_equal(s->timeout_client, "86400s");
	assert_string_equal(s->timeout_server, "86400s");
	assert_null(s->alpn);
	assert_false(s->alpn_h2);
	assert_true(s->evidence_server);
	assert_int_equal(s->evidence_port, 80);
	assert_string_equal(s->evidence_wait, "500ms");
	assert_int_equal(s->server_first, SERVER_FIRST_NONE);
	assert_false(s->strict_sni);
	assert_null(s->reload_grace);
	assert_string_equal(s->letsencrypt_dir, "/etc/letsencrypt");
	assert_string_equal(s->evidence_dir, "/evidences");
	assert_string_equal(s->run_dir, "/run/ingress");
	assert_string_equal(s->dstack_socket, "/var/run/dstack.sock");
	assert_string_equal(s->tappd_socket, "/var/run/tappd.sock");
	assert_string_equal(s->haproxy, "haproxy");
	assert_string_equal(s->certbot, "certbot");
	fixture_free(&loaded);
}

static void given_values_are_taken(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "GATEWAY_DOMAIN=_.GATEWAY.example.net.", "TXT_PREFIX=_tapp-address",
		     "APP_ID=0123abc", "PORT=8443", "SET_CAA=YES", "PROPAGATION_TIMEOUT=90",
		     "DNS_RESOLVERS=192.0.2.53,[2001:db8::53]:5353,192.0.2.54:54", "DNS_PORT=5300",
		     "ACME_SERVER=https://ca.example.com:9000/acme/directory?profile=x",
		     "ACME_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",
		     "ACME_EMAIL=ops+tls_1@example.com", "ACME_EAB_KID=-_key.1",
		     "ACME_EAB_HMAC_KEY=-_c2VjcmV0", "RENEW_INTERVAL=1", "RENEW_DAYS_BEFORE=365",
		     "CERTBOT_TIMEOUT=600", "MAXCONN=1000000", "TIMEOUT_CONNECT=1ms",
		     "TIMEOUT_CLIENT=2147483647ms", "TIMEOUT_SERVER=24d", "ALPN=http/1.1,h2",
		     "EVIDENCE_SERVER=No", "EVIDENCE_PORT=8080", "EVIDENCE_WAIT=1000us",
		     "STRICT_SNI=1", "RELOAD_GRACE=1h", "LOG_LEVEL=debug", "LOG_FORMAT=json",
		     "LETSENCRYPT_DIR=/data/le/", "EVIDENCE_DIR=/data/e+v@1", "RUN_DIR=/run/x//",
		     "HAPROXY=/opt/haproxy-3.0/haproxy", "CERTBOT=certbot3.11");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	const struct settings *s = loaded.settings;
	assert_string_equal(s->gateway_domain, "_.gateway.example.net");
	assert_string_equal(s->txt_prefix, "_tapp-address");
	assert_string_equal(s->app_id, "0123abc");
	assert_int_equal(s->port, 8443);
	assert_true(s->set_caa);
	assert_int_equal(s->propagation_timeout, 90);
	assert_string_equal(s->dns_resolvers, "192.0.2.53,[2001:db8::53]:5353,192.0.2.54:54");
	assert_int_equal(s->dns_port, 5300);
	assert_string_equal(s->acme_server, "https://ca.example.com:9000/acme/directory?profile=x");
	assert_string_equal(s->acme_ca_bundle, "/etc/ssl/certs/ca-certificates.crt");
	assert_string_equal(s->acme_email, "ops+tls_1@example.com");
	assert_string_equal(s->acme_eab_kid, "-_key.1");
	assert_int_equal(s->renew_interval, 1);
	assert_int_equal(s->renew_days_before, 365);
	assert_int_equal(s->certbot_timeout, 600);
	assert_int_equal(s->maxconn, 1000000);
	assert_string_equal(s->timeout_connect, "1ms");
	assert_string_equal(s->timeout_client, "2147483647ms");
	assert_string_equal(s->timeout_server, "24d");
	assert_string_equal(s->alpn, "http/1.1,h2");
	assert_true(s->alpn_h2);
	assert_false(s->evidence_server);
	assert_int_equal(s->evidence_port, 8080);
	assert_string_equal(s->evidence_wait, "1000us");
	assert_true(s->strict_sni);
	assert_string_equal(s->reload_grace, "1h");
	assert_string_equal(s->letsencrypt_dir, "/data/le");
	assert_string_equal(s->evidence_dir, "/data/e+v@1");
	assert_string_equal(s->run_dir, "/run/x");
	assert_string_equal(s->haproxy, "/opt/haproxy-3.0/haproxy");
	assert_string_equal(s->certbot, "certbot3.11");
	fixture_free(&loaded);
}

static void an_empty_value_is_no_value(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "PORT=", "ALPN=", "LOG_LEVEL=", "DNS_PROVIDER=", "LINODE_API_TOKEN=",
		     "METRICS_PORT=", "CLOUDFLARE_API_TOKEN_FILE=", "ROUTING_MAP=");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->port, 443);
	assert_null(loaded.settings->alpn);
	fixture_free(&loaded);
}

static void what_is_not_supported_yet_may_be_turned_off(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "EVIDENCE_ROUTING=connection", "ACCEPT_PROXY_PROTOCOL=0",
		     "SEND_PROXY_PROTOCOL=No", "CHALLENGE_TYPE=dns-01",
		     "DETERMINISTIC_TLS_KEY=false");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	fixture_free(&loaded);
}

static void alpn_without_h2(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ALPN=http/1.0,x-h2,my.proto/2");
	assert_good(&loaded);
	assert_false(loaded.settings->alpn_h2);
	fixture_free(&loaded);
}

static void http_is_for_loopback_only(void **state)
{
	static const char *const urls[] = {
	    "ACME_SERVER=http://127.0.0.1:14000/dir",
	    "ACME_SERVER=http://[::1]:14000/dir",
	    "ACME_SERVER=http://localhost/dir",
	    "CLOUDFLARE_API_URL=http://127.8.9.1:1/client/v4",
	    "CLOUDFLARE_API_URL=https://192.0.2.1/",
	};
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fixture_load(&loaded, urls[i]);
		assert_good(&loaded);
		fixture_free(&loaded);
	}
}

/* ---- older names */

static void older_names_count(void **state)
{
	static const char staging[] = "https://acme-staging-v02.api.letsencrypt.org/directory";
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CERTBOT_EMAIL=ops@example.com", "CERTBOT_STAGING=true");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->acme_email, "ops@example.com");
	assert_string_equal(loaded.settings->acme_server, staging);
	fixture_free(&loaded);

	fixture_load(&loaded, "CERTBOT_STAGING=yes", "ACME_STAGING=true",
		     "ACME_EMAIL=ops@example.com", "CERTBOT_EMAIL=ops@example.com");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->acme_server, staging);
	fixture_free(&loaded);

	fixture_load(&loaded, "CERTBOT_STAGING=false", "ACME_SERVER=https://ca.example.com/d");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->acme_server, "https://ca.example.com/d");
	fixture_free(&loaded);
}

/* ---- domains */

static void domains_in_order_and_once(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAINS=\n  b.example.com # the other\r\n\n# c.example.com, no\n"
			      "*.Example.com.,APP.example.com,\tb.example.com");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->domain_count, 3);
	assert_string_equal(loaded.settings->domains[0], "app.example.com");
	assert_string_equal(loaded.settings->domains[1], "b.example.com");
	assert_string_equal(loaded.settings->domains[2], "*.example.com");
	assert_string_equal(
	    buffer_text(&loaded.warnings),
	    "DOMAIN and DOMAINS name \"app.example.com\" more than once: once is enough\n"
	    "DOMAIN and DOMAINS name \"b.example.com\" more than once: once is enough\n");
	fixture_free(&loaded);
}

static void server_first_is_all_none_or_some(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "SERVER_FIRST=True");
	assert_int_equal(loaded.settings->server_first, SERVER_FIRST_ALL);
	fixture_free(&loaded);
	fixture_load(&loaded, "SERVER_FIRST=no");
	assert_int_equal(loaded.settings->server_first, SERVER_FIRST_NONE);
	fixture_free(&loaded);
	fixture_load(&loaded, "SERVER_FIRST=App.example.com,\nmail.example.com",
		     "DOMAINS=*.example.com");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_int_equal(loaded.settings->server_first, SERVER_FIRST_LISTED);
	assert_int_equal(loaded.settings->server_first_count, 2);
	assert_string_equal(loaded.settings->server_first_names[0], "app.example.com");
	assert_string_equal(loaded.settings->server_first_names[1], "mail.example.com");
	fixture_free(&loaded);
	fixture_load(&loaded, "SERVER_FIRST=mail.example.com");
	assert_string_equal(
	    buffer_text(&loaded.warnings),
	    "SERVER_FIRST lists \"mail.example.com\", which is not among DOMAIN and "
	    "DOMAINS\n");
	fixture_free(&loaded);
}

/* ---- routes */

static void assert_route(const struct settings *settings, size_t i, const char *pattern,
			 const char *host, unsigned port)
{
	assert_true(i < settings->route_count);
	assert_string_equal(settings->routes[i].pattern, pattern);
	assert_string_equal(settings->routes[i].target.host, host);
	assert_int_equal(settings->routes[i].target.port, port);
	assert_int_equal(settings->routes[i].target.is_ipv6, strchr(host, ':') != NULL);
}

static void target_endpoint_forms(void **state)
{
	static const struct {
		const char *variable, *host;
		unsigned port;
	} forms[] = {
	    {"TARGET_ENDPOINT=app:8080", "app", 8080},
	    {"TARGET_ENDPOINT=app", "app", 80},
	    {"TARGET_ENDPOINT=App_Main.internal.:1", "app_main.internal", 1},
	    {"TARGET_ENDPOINT=http://app/x/y?z=1&a=b", "app", 80},
	    {"TARGET_ENDPOINT=http://app:81/", "app", 81},
	    {"TARGET_ENDPOINT=grpc://app:50051", "app", 50051},
	    {"TARGET_ENDPOINT=tcp://192.0.2.7:5432", "192.0.2.7", 5432},
	    {"TARGET_ENDPOINT=[2001:DB8:0::7]:65535", "2001:db8::7", 65535},
	    {"TARGET_ENDPOINT=http://[::1]/x", "::1", 80},
	};
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		fixture_load(&loaded, forms[i].variable);
		assert_good(&loaded);
		assert_string_equal(buffer_text(&loaded.warnings), "");
		assert_int_equal(loaded.settings->route_count, 1);
		assert_route(loaded.settings, 0, "app.example.com", forms[i].host, forms[i].port);
		assert_int_equal(loaded.settings->default_route, 0);
		fixture_free(&loaded);
	}
}

static void a_backend_with_tls_draws_a_warning(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "TARGET_ENDPOINT=https://app:8443/");
	assert_good(&loaded);
	assert_route(loaded.settings, 0, "app.example.com", "app", 8443);
	assert_string_equal(buffer_text(&loaded.warnings),
			    "TARGET_ENDPOINT sends to https://app: TLS ends here, the backend gets "
			    "plain TCP on port 8443\n");
	fixture_free(&loaded);
}

static void routes_come_before_the_target(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAIN=", "DOMAINS=a.example.com,b.example.com,*.w.example.com",
		     "ROUTING_MAP= b.example.com = http://b:81/x  # comment\n"
		     "*.w.example.com=[::1]:82,x.w.example.com=x:83");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_int_equal(loaded.settings->route_count, 4);
	assert_route(loaded.settings, 0, "b.example.com", "b", 81);
	assert_route(loaded.settings, 1, "*.w.example.com", "::1", 82);
	assert_route(loaded.settings, 2, "x.w.example.com", "x", 83);
	assert_route(loaded.settings, 3, "a.example.com", "app", 8080);
	fixture_free(&loaded);
}

static void a_wildcard_route_serves_the_names_under_it(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAINS=*.example.com", "ROUTING_MAP=*.example.com=w:1");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->route_count, 1);
	fixture_free(&loaded);

	/* Nobody but the target is there for the other names of the wildcard. */
	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=a.example.com=a:1");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->route_count, 2);
	assert_route(loaded.settings, 1, "*.example.com", "app", 8080);
	fixture_free(&loaded);

	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=a.example.com=a:1",
		     "TARGET_ENDPOINT=");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->route_count, 1);
	fixture_free(&loaded);
}

static void remarks_about_routes(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ROUTING_MAP=app.example.com=a:1,app.example.com=A.:1\n"
			      "other.example.com=b:2,*.example.com=c:3");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->route_count, 3);
	assert_string_equal(
	    buffer_text(&loaded.warnings),
	    "ROUTING_MAP routes \"app.example.com\" more than once: once is enough\n"
	    "ROUTING_MAP routes \"other.example.com\", which is not among DOMAIN and DOMAINS: no "
	    "certificate will be made for it\n");
	fixture_free(&loaded);
}

/* ---- providers */

static void provider_is_detected(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", "RFC2136_SERVER=[::1]:5353",
		     "RFC2136_KEY_NAME=acme_key", "RFC2136_KEY_SECRET=c2VjcmV0",
		     "RFC2136_KEY_ALGORITHM=hmac-sha512", "RFC2136_ZONE=example.com.");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->dns_provider, "rfc2136");
	fixture_free(&loaded);

	/* A region alone is no credential. */
	fixture_load(&loaded, "AWS_REGION=eu-west-1");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->dns_provider, "cloudflare");
	fixture_free(&loaded);
}

static void provider_cannot_be_detected(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=");
	assert_refused(&loaded, "DNS_PROVIDER is not set, and no credentials tell which it is: set "
				"one of CLOUDFLARE_API_TOKEN, RFC2136_SERVER\n");
	fixture_free(&loaded);

	fixture_load(&loaded, "RFC2136_SERVER=ns.example.net", "AWS_SECRET_ACCESS_KEY=" CANARY);
	assert_refused(&loaded,
		       "DNS_PROVIDER is not set, and there are credentials of several "
		       "(CLOUDFLARE_API_TOKEN, AWS_SECRET_ACCESS_KEY, RFC2136_SERVER): set it to "
		       "one of: cloudflare, route53, rfc2136\n");
	fixture_free(&loaded);

	fixture_load(&loaded, "RFC2136_SERVER=ns.example.net", "DNS_PROVIDER=cloudflare");
	assert_good(&loaded);
	fixture_free(&loaded);
}

static void provider_needs_its_variables(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", "DNS_PROVIDER=cloudflare");
	assert_refused(&loaded,
		       "DNS_PROVIDER is \"cloudflare\", which needs CLOUDFLARE_API_TOKEN too\n");
	fixture_free(&loaded);

	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", "RFC2136_SERVER=ns.example.net");
	assert_refused(&loaded, "DNS_PROVIDER is \"rfc2136\", which needs RFC2136_KEY_NAME, "
				"RFC2136_KEY_SECRET too\n");
	fixture_free(&loaded);
}

/* ---- size */

static double seconds_of_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void thousands_of_names_load_at_once(void **state)
{
	enum { DOMAINS = 1000, ROUTES = 10000 };
	/* Comparing each with each would take ten times this. */
#ifdef __SANITIZE_ADDRESS__
	const double limit = 1.0;
#else
	const double limit = 0.1;
#endif
	struct buffer domains, routes;
	struct loaded loaded;

	(void)state;
	buffer_init(&domains, SETTINGS_VALUE_MAX);
	buffer_init(&routes, SETTINGS_VALUE_MAX);
	buffer_puts(&domains, "DOMAINS=");
	buffer_puts(&routes, "ROUTING_MAP=");
	for (int i = 1; i < DOMAINS; i++)
		buffer_printf(&domains, "*.w%d.example.com\n", i);
	for (int i = 0; i < ROUTES; i++)
		buffer_printf(&routes, "h%d.w%d.example.com=backend-%d:80\n", i,
			      i % (DOMAINS - 1) + 1, i);
	double start = seconds_of_cpu();
	fixture_load(&loaded, buffer_text(&domains), buffer_text(&routes));
	double taken = seconds_of_cpu() - start;
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_int_equal(loaded.settings->domain_count, DOMAINS);
	assert_int_equal(loaded.settings->route_count, ROUTES + DOMAINS);
	assert_route(loaded.settings, ROUTES - 1, "h9999.w10.example.com", "backend-9999", 80);
	if (taken > limit)
		fail_msg("loading took %.3f s", taken);
	fixture_free(&loaded);
	buffer_free(&domains);
	buffer_free(&routes);
}

static void more_than_the_maximum_is_refused(void **state)
{
	struct buffer domains;
	struct loaded loaded;

	(void)state;
	buffer_init(&domains, SETTINGS_VALUE_MAX);
	buffer_puts(&domains, "DOMAINS=");
	for (int i = 0; i < SETTINGS_DOMAINS_MAX; i++)
		buffer_printf(&domains, "d%d.example.com,", i);
	fixture_load(&loaded, buffer_text(&domains));
	assert_refused(&loaded, "DOMAIN and DOMAINS have more than 1000 domains together\n");
	fixture_free(&loaded);
	fixture_load(&loaded, buffer_text(&domains), "DOMAIN=");
	assert_good(&loaded);
	fixture_free(&loaded);
	buffer_puts(&domains, "one.more.example.com");
	fixture_load(&loaded, buffer_text(&domains), "DOMAIN=");
	assert_refused(&loaded, "DOMAINS has more than 1000 domains: split them over several "
				"deployments\n");
	fixture_free(&loaded);
	buffer_free(&domains);
}

static void long_names_leave_room_for_their_records(void **state)
{
	char label[64], variable[300];
	struct loaded loaded;

	(void)state;
	memset(label, 'a', 63);
	label[63] = '\0';
	/* 240 characters: as a domain it would do, with _dstack-app-address. it does not. */
	snprintf(variable, sizeof(variable), "DOMAIN=%s.%s.%s.%.48s", label, label, label, label);
	fixture_load(&loaded, variable);
	assert_null(loaded.settings);
	assert_contains(buffer_text(&loaded.problems),
			"\" is too long: the names of its DNS records (TXT_PREFIX or "
			"_acme-challenge in front) would exceed 253 characters\n");
	fixture_free(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_those_of_the_table),
	    cmocka_unit_test(given_values_are_taken),
	    cmocka_unit_test(an_empty_value_is_no_value),
	    cmocka_unit_test(what_is_not_supported_yet_may_be_turned_off),
	    cmocka_unit_test(alpn_without_h2),
	    cmocka_unit_test(http_is_for_loopback_only),
	    cmocka_unit_test(older_names_count),
	    cmocka_unit_test(domains_in_order_and_once),
	    cmocka_unit_test(server_first_is_all_none_or_some),
	    cmocka_unit_test(target_endpoint_forms),
	    cmocka_unit_test(a_backend_with_tls_draws_a_warning),
	    cmocka_unit_test(routes_come_before_the_target),
	    cmocka_unit_test(a_wildcard_route_serves_the_names_under_it),
	    cmocka_unit_test(remarks_about_routes),
	    cmocka_unit_test(provider_is_detected),
	    cmocka_unit_test(provider_cannot_be_detected),
	    cmocka_unit_test(provider_needs_its_variables),
	    cmocka_unit_test(thousands_of_names_load_at_once),
	    cmocka_unit_test(more_than_the_maximum_is_refused),
	    cmocka_unit_test(long_names_leave_room_for_their_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
