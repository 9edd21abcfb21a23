/* What good values mean: defaults, forms, older names, providers. */
#include "test_settings_fixture.h"

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
	assert_string_equal(s->gateway_domain, "gateway.example.net");
	assert_string_equal(s->dns_provider, "cloudflare");
	assert_string_equal(s->txt_prefix, "_dstack-app-address");
	assert_null(s->app_id);
	assert_int_equal(s->port, 443);
	assert_false(s->set_caa);
	assert_int_equal(s->propagation_timeout, 0);
	assert_null(s->dns_resolvers);
	assert_int_equal(s->dns_port, 53);
	assert_int_equal(s->dns_setup_mode, SETUP_WAIT);
	assert_int_equal(s->dns_setup_timeout, 1800);
	assert_int_equal(s->dns_setup_interval, 15);
	assert_int_equal(s->doh_resolver_count, 0);
	assert_null(s->doh_ca_bundle);
	assert_null(s->dns_webhook_url);
	assert_int_equal(s->dns_webhook_timeout, 15);
	assert_string_equal(s->acme_server, "https://acme-v02.api.letsencrypt.org/directory");
	assert_null(s->acme_ca_bundle);
	assert_null(s->acme_email);
	assert_null(s->acme_eab_kid);
	assert_int_equal(s->renew_interval, 43200);
	assert_int_equal(s->renew_days_before, 0);
	assert_int_equal(s->certbot_timeout, 0);
	assert_int_equal(s->orders_at_once, 4);
	assert_int_equal(s->maxconn, 4096);
	assert_string_equal(s->timeout_connect, "10s");
	assert_string_equal(s->timeout_client, "86400s");
	assert_string_equal(s->timeout_server, "86400s");
	assert_null(s->alpn);
	assert_false(s->alpn_h2);
	assert_true(s->evidence_server);
	assert_int_equal(s->evidence_port, 80);
	assert_string_equal(s->evidence_wait, "500ms");
	assert_int_equal(s->server_first.scope, CHOICE_NONE);
	assert_false(s->strict_sni);
	assert_null(s->reload_grace);
	assert_string_equal(s->stop_grace, "8s");
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
	fixture_load(
	    &loaded, "GATEWAY_DOMAIN=GATEWAY.example.net.", "TXT_PREFIX=_tapp-address",
	    "APP_ID=0123abc", "PORT=8443", "SET_CAA=YES", "PROPAGATION_TIMEOUT=90",
	    "DNS_RESOLVERS=192.0.2.53,[2001:db8::53]:5353,192.0.2.54:54", "DNS_PORT=5300",
	    "CHALLENGE_TARGETS=Acme.example.net., _acme.example.org # ours",
	    "DNS_SETUP_MODE=webhook", "DNS_SETUP_TIMEOUT=60", "DNS_SETUP_INTERVAL=5",
	    "DOH_RESOLVERS=https://dns.example.net/resolve, http://127.0.0.1:8053/dns-query",
	    "DNS_WEBHOOK_URL=https://hook.example.net/dns?key=a%20b&x=1", "DNS_WEBHOOK_TOKEN=abc",
	    "DNS_WEBHOOK_TIMEOUT=120",
	    "ACME_SERVER=https://ca.example.com:9000/acme/directory?profile=x",
	    "ACME_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt", "ACME_EMAIL=ops+tls_1@example.com",
	    "ACME_EAB_KID=-_key.1", "ACME_EAB_HMAC_KEY=-_c2VjcmV0", "RENEW_INTERVAL=1",
	    "RENEW_DAYS_BEFORE=365", "CERTBOT_TIMEOUT=600", "ORDERS_AT_ONCE=16", "MAXCONN=1000000",
	    "TIMEOUT_CONNECT=1ms", "TIMEOUT_CLIENT=2147483647ms", "TIMEOUT_SERVER=24d",
	    "ALPN=http/1.1,h2", "EVIDENCE_SERVER=No", "EVIDENCE_PORT=8080", "EVIDENCE_WAIT=1000us",
	    "STRICT_SNI=1", "RELOAD_GRACE=1h", "STOP_GRACE=0s", "LOG_LEVEL=debug",
	    "LOG_FORMAT=json", "LETSENCRYPT_DIR=/data/le/", "EVIDENCE_DIR=/data/e+v@1",
	    "RUN_DIR=/run/x//", "HAPROXY=/opt/haproxy-3.0/haproxy", "CERTBOT=certbot3.11");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	const struct settings *s = loaded.settings;
	assert_string_equal(s->gateway_domain, "gateway.example.net");
	assert_string_equal(s->txt_prefix, "_tapp-address");
	assert_string_equal(s->app_id, "0123abc");
	assert_int_equal(s->port, 8443);
	assert_true(s->set_caa);
	assert_int_equal(s->propagation_timeout, 90);
	assert_string_equal(s->dns_resolvers, "192.0.2.53,[2001:db8::53]:5353,192.0.2.54:54");
	assert_int_equal(s->dns_port, 5300);
	assert_string_equal(s->acme_server, "https://ca.example.com:9000/acme/directory?profile=x");
	assert_string_equal(s->acme_ca_bundle, "/etc/ssl/certs/ca-certificates.crt");
	assert_int_equal(s->challenge_target_count, 2);
	assert_string_equal(s->challenge_targets[0], "acme.example.net");
	assert_string_equal(s->challenge_targets[1], "_acme.example.org");
	assert_int_equal(s->dns_setup_mode, SETUP_WEBHOOK);
	assert_int_equal(s->dns_setup_timeout, 60);
	assert_int_equal(s->dns_setup_interval, 5);
	assert_int_equal(s->doh_resolver_count, 2);
	assert_string_equal(s->doh_resolvers[0], "https://dns.example.net/resolve");
	assert_string_equal(s->doh_resolvers[1], "http://127.0.0.1:8053/dns-query");
	assert_string_equal(s->dns_webhook_url, "https://hook.example.net/dns?key=a%20b&x=1");
	assert_int_equal(s->dns_webhook_timeout, 120);
	assert_string_equal(s->acme_email, "ops+tls_1@example.com");
	assert_string_equal(s->acme_eab_kid, "-_key.1");
	assert_int_equal(s->renew_interval, 1);
	assert_int_equal(s->renew_days_before, 365);
	assert_int_equal(s->certbot_timeout, 600);
	assert_int_equal(s->orders_at_once, 16);
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
	assert_string_equal(s->stop_grace, "0");
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

static void adopted_keys_are_served_or_renewed(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAIN=app.example.com");
	assert_int_equal(loaded.settings->adopted_keys, ADOPTED_SERVE);
	fixture_free(&loaded);
	fixture_load(&loaded, "ADOPTED_KEYS=renew");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->adopted_keys, ADOPTED_RENEW);
	fixture_free(&loaded);
}

static void the_limits_of_a_ca_can_be_left_to_it(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAIN=app.example.com");
	assert_true(loaded.settings->has_order_limits);
	fixture_free(&loaded);
	fixture_load(&loaded, "ORDER_LIMITS=none");
	assert_good(&loaded);
	assert_false(loaded.settings->has_order_limits);
	fixture_free(&loaded);
}

static void a_challenge_may_be_looked_for_elsewhere(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAIN=app.example.com");
	assert_int_equal(loaded.settings->propagation_check, PROPAGATION_AUTHORITATIVE);
	fixture_free(&loaded);
	fixture_load(&loaded, "PROPAGATION_CHECK=resolvers");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->propagation_check, PROPAGATION_RESOLVERS);
	fixture_free(&loaded);
	fixture_load(&loaded, "PROPAGATION_CHECK=off");
	assert_int_equal(loaded.settings->propagation_check, PROPAGATION_OFF);
	fixture_free(&loaded);
}

static void records_may_stand_in_another_zone(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DELEGATION_ZONE=Deleg.Example.NET.");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	const struct settings *s = loaded.settings;
	assert_string_equal(s->delegation_zone, "deleg.example.net");
	assert_true(s->set_caa);
	assert_true(settings_delegates(s, "app.example.com"));
	assert_true(settings_delegates(s, "adeleg.example.net"));
	assert_true(settings_delegates(s, "example.net"));
	assert_false(settings_delegates(s, "deleg.example.net"));
	assert_false(settings_delegates(s, "app.deleg.example.net"));
	assert_false(settings_delegates(s, "*.deleg.example.net"));
	fixture_free(&loaded);

	fixture_load(&loaded, "DELEGATION_ZONE=deleg.example.net", "SET_CAA=no");
	assert_good(&loaded);
	assert_true(loaded.settings->set_caa);
	assert_contains(buffer_text(&loaded.warnings),
			"SET_CAA is false, but with DELEGATION_ZONE");
	fixture_free(&loaded);

	fixture_load(&loaded, "ACME_CHALLENGE_ALIAS=deleg.example.net");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->delegation_zone, "deleg.example.net");
	assert_contains(buffer_text(&loaded.warnings), "is an older name of DELEGATION_ZONE");
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

	fixture_load(&loaded, "CERTBOT_STAGING=false",
		     "ACME_DIRECTORY_URL=https://ca.example.com/d");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->acme_server, "https://ca.example.com/d");
	fixture_free(&loaded);

	fixture_load(&loaded, "ACME_SERVER=https://ca.example.com/d",
		     "ACME_DIRECTORY_URL=https://ca.example.com/d");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->acme_server, "https://ca.example.com/d");
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
	assert_refused(&loaded,
		       "DNS_PROVIDER is not set, and no credentials tell which it is: set "
		       "one of CLOUDFLARE_API_TOKEN, LINODE_API_TOKEN, NAMECHEAP_USERNAME, "
		       "AWS_ACCESS_KEY_ID, RFC2136_SERVER, DNS_EXEC\n");
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

static void keys_of_aws_go_together_or_are_not_there(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
		     "AWS_SECRET_ACCESS_KEY=" CANARY);
	assert_good(&loaded);
	assert_string_equal(loaded.settings->dns_provider, "route53");
	fixture_free(&loaded);

	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE");
	assert_refused(&loaded,
		       "DNS_PROVIDER is \"route53\", which needs AWS_SECRET_ACCESS_KEY too\n");
	fixture_free(&loaded);

	fixture_load(&loaded, "DNS_PROVIDER=route53", "AWS_SECRET_ACCESS_KEY=" CANARY);
	assert_refused(&loaded, "DNS_PROVIDER is \"route53\", which needs AWS_ACCESS_KEY_ID too\n");
	fixture_free(&loaded);

	/* A container or an instance has others. */
	fixture_load(&loaded, "DNS_PROVIDER=route53",
		     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/4-2",
		     "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/v1?a=b",
		     "AWS_CONTAINER_AUTHORIZATION_TOKEN=" CANARY, "AWS_EC2_METADATA_DISABLED=1",
		     "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://169.254.169.254");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	fixture_free(&loaded);

	/* Every container of ECS has this, whatever its provider is. */
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=",
		     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/4-2");
	assert_null(loaded.settings);
	assert_contains(buffer_text(&loaded.problems), "no credentials tell which it is");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_those_of_the_table),
	    cmocka_unit_test(given_values_are_taken),
	    cmocka_unit_test(an_empty_value_is_no_value),
	    cmocka_unit_test(what_is_not_supported_yet_may_be_turned_off),
	    cmocka_unit_test(adopted_keys_are_served_or_renewed),
	    cmocka_unit_test(the_limits_of_a_ca_can_be_left_to_it),
	    cmocka_unit_test(a_challenge_may_be_looked_for_elsewhere),
	    cmocka_unit_test(records_may_stand_in_another_zone),
	    cmocka_unit_test(alpn_without_h2),
	    cmocka_unit_test(http_is_for_loopback_only),
	    cmocka_unit_test(older_names_count),
	    cmocka_unit_test(provider_is_detected),
	    cmocka_unit_test(provider_cannot_be_detected),
	    cmocka_unit_test(keys_of_aws_go_together_or_are_not_there),
	    cmocka_unit_test(provider_needs_its_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
