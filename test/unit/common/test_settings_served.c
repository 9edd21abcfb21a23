/* Domains and routes: what is served, and where it goes. */
#include "test_settings_fixture.h"

#include <time.h>

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

static void a_shared_domain_is_served_as_well(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ALIAS_DOMAIN=Shared.example.com.");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_int_equal(loaded.settings->domain_count, 2);
	assert_string_equal(loaded.settings->domains[0], "app.example.com");
	assert_string_equal(loaded.settings->domains[1], "shared.example.com");
	assert_string_equal(loaded.settings->alias_domain, "shared.example.com");
	assert_int_equal(loaded.settings->route_count, 2);
	fixture_free(&loaded);
	fixture_load(&loaded, "DOMAINS=shared.example.com", "ALIAS_DOMAIN=shared.example.com");
	assert_good(&loaded);
	assert_int_equal(loaded.settings->domain_count, 2);
	assert_string_equal(loaded.settings->alias_domain, "shared.example.com");
	fixture_free(&loaded);
}

static void server_first_is_all_none_or_some(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "SERVER_FIRST=True");
	assert_int_equal(loaded.settings->server_first.scope, CHOICE_ALL);
	fixture_free(&loaded);
	fixture_load(&loaded, "SERVER_FIRST=no");
	assert_int_equal(loaded.settings->server_first.scope, CHOICE_NONE);
	fixture_free(&loaded);
	fixture_load(&loaded, "SERVER_FIRST=App.example.com,\nmail.example.com",
		     "DOMAINS=*.example.com");
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_int_equal(loaded.settings->server_first.scope, CHOICE_LISTED);
	assert_int_equal(loaded.settings->server_first.count, 2);
	assert_string_equal(loaded.settings->server_first.names[0], "app.example.com");
	assert_string_equal(loaded.settings->server_first.names[1], "mail.example.com");
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

static void a_certificate_that_covers_more_than_the_routes_draws_a_warning(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=a.example.com=a:1",
		     "TARGET_ENDPOINT=");
	assert_good(&loaded);
	assert_string_equal(
	    buffer_text(&loaded.warnings),
	    "\"*.example.com\" has no route of its own: names under it that ROUTING_MAP does not "
	    "list go to the first route, a:1; add *.example.com=host:port, or set "
	    "STRICT_SNI=true to refuse them\n");
	fixture_free(&loaded);
	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=a.example.com=a:1",
		     "TARGET_ENDPOINT=", "STRICT_SNI=true");
	assert_good(&loaded);
	assert_string_equal(
	    buffer_text(&loaded.warnings),
	    "\"*.example.com\" has no route of its own: names under it that ROUTING_MAP does not "
	    "list are refused (STRICT_SNI); add *.example.com=host:port to serve them\n");
	fixture_free(&loaded);
	/* TARGET_ENDPOINT is such a route. */
	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=a.example.com=a:1");
	assert_string_equal(buffer_text(&loaded.warnings), "");
	fixture_free(&loaded);
	fixture_load(&loaded, "DOMAIN=*.example.com", "ROUTING_MAP=*.example.com=a:1",
		     "TARGET_ENDPOINT=");
	assert_string_equal(buffer_text(&loaded.warnings), "");
	fixture_free(&loaded);
}

static void a_proxy_header_for_a_name_without_a_route_draws_a_warning(void **state)
{
	static const char *const fine[] = {
	    "SEND_PROXY_PROTOCOL=app.example.com,*.example.com",
	    "SEND_PROXY_PROTOCOL=a.example.com",
	};
	static const char warning[] =
	    "SEND_PROXY_PROTOCOL lists \"b.example.com\", which has no route of its own, so its "
	    "backend gets no header: add b.example.com=host:port to ROUTING_MAP\n";
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		fixture_load(&loaded, "DOMAINS=*.example.com", "ROUTING_MAP=a.example.com=a:1",
			     fine[i]);
		assert_good(&loaded);
		assert_string_equal(buffer_text(&loaded.warnings), "");
		fixture_free(&loaded);
	}
	fixture_load(&loaded, "DOMAINS=*.example.com", "SEND_PROXY_PROTOCOL=b.example.com");
	assert_string_equal(buffer_text(&loaded.warnings), warning);
	fixture_free(&loaded);
	/* As a domain of its own, too: the wildcard's route has it. */
	fixture_load(&loaded, "DOMAINS=b.example.com", "ROUTING_MAP=*.example.com=w:1",
		     "SEND_PROXY_PROTOCOL=b.example.com");
	assert_string_equal(buffer_text(&loaded.warnings), warning);
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

/* ---- size */

static double seconds_of_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void thousands_of_names_load_at_once(void **state)
{
	enum { DOMAINS = SETTINGS_DOMAINS_MAX, ROUTES = 10000 };
	/* Comparing each with each would take ten times this. */
#ifdef __SANITIZE_ADDRESS__
	const double limit = 2.0;
#else
	const double limit = 0.2;
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
	assert_route(loaded.settings, ROUTES - 1, "h9999.w1.example.com", "backend-9999", 80);
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
	assert_refused(&loaded, "DOMAIN and DOMAINS have more than 10000 domains together\n");
	fixture_free(&loaded);
	fixture_load(&loaded, buffer_text(&domains), "DOMAIN=");
	assert_good(&loaded);
	fixture_free(&loaded);
	buffer_puts(&domains, "one.more.example.com");
	fixture_load(&loaded, buffer_text(&domains), "DOMAIN=");
	assert_refused(&loaded, "DOMAINS has more than 10000 domains: split them over several "
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

static void backend_networks_are_a_list(void **state)
{
	struct loaded loaded;
	struct ip_address address;

	(void)state;
	fixture_load(&loaded, "BACKEND_NETWORKS=10.0.0.0/8, 2001:db8::7 # two\n0.0.0.0/0,::/0");
	assert_good(&loaded);
	const struct settings *s = loaded.settings;
	assert_int_equal(s->backend_network_count, 4);
	assert_true(ip_parse("10.9.8.7", &address));
	assert_true(ip_network_has(&s->backend_networks[0], &address));
	assert_true(ip_parse("2001:db8::7", &address));
	assert_true(ip_network_has(&s->backend_networks[1], &address));
	assert_int_equal(s->backend_networks[2].prefix, 0);
	assert_int_equal(s->backend_networks[3].prefix, 0);
	fixture_free(&loaded);
	fixture_load(&loaded, "BACKEND_NETWORKS=");
	assert_int_equal(loaded.settings->backend_network_count, 0);
	fixture_free(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(domains_in_order_and_once),
	    cmocka_unit_test(a_shared_domain_is_served_as_well),
	    cmocka_unit_test(server_first_is_all_none_or_some),
	    cmocka_unit_test(backend_networks_are_a_list),
	    cmocka_unit_test(target_endpoint_forms),
	    cmocka_unit_test(a_backend_with_tls_draws_a_warning),
	    cmocka_unit_test(routes_come_before_the_target),
	    cmocka_unit_test(a_wildcard_route_serves_the_names_under_it),
	    cmocka_unit_test(a_certificate_that_covers_more_than_the_routes_draws_a_warning),
	    cmocka_unit_test(a_proxy_header_for_a_name_without_a_route_draws_a_warning),
	    cmocka_unit_test(remarks_about_routes),
	    cmocka_unit_test(thousands_of_names_load_at_once),
	    cmocka_unit_test(more_than_the_maximum_is_refused),
	    cmocka_unit_test(long_names_leave_room_for_their_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
