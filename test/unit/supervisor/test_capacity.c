/* What MAXCONN and the limit of open files come to. */
#include "test/unit/common/unit.h"

#include "common/log.h"
#include "supervisor/haproxy/capacity.h"

static domain_name one_domain[] = {"app.example.com"};
static struct route one_route[] = {{.pattern = "app.example.com"}};

/* What has TLS sessions resumed: one name, one route. */
#define ONE_NAME .domains = one_domain, .domain_count = 1, .routes = one_route, .route_count = 1

static const struct settings plain = {.maxconn = 1000, ONE_NAME};
static const struct settings inspected = {.maxconn = 1000, .evidence_server = true};
static const struct settings with_h2 = {.maxconn = 1000, .evidence_server = true, .alpn_h2 = true};
static const struct settings by_request = {
    .maxconn = 1000, .evidence_server = true, .evidence_routing = ROUTE_BY_REQUEST};
static const struct settings server_first = {
    .maxconn = 1000, .evidence_server = true, .server_first = {.scope = CHOICE_ALL}};

static void test_a_client_counts_in_every_frontend_on_its_way(void **state)
{
	(void)state;
	assert_int_equal(capacity_find(&plain, 1 << 20).connections, 1000 + 320);
	assert_int_equal(capacity_find(&inspected, 1 << 20).connections, 3 * 1000 + 320);
	assert_int_equal(capacity_find(&with_h2, 1 << 20).connections, 3 * 1000 + 250 + 320);
	assert_int_equal(capacity_find(&by_request, 1 << 20).connections, 3 * 1000 + 320);
	assert_int_equal(capacity_find(&server_first, 1 << 20).connections, 1000 + 320);
}

static void test_what_is_needed_is_enough_and_one_less_is_not(void **state)
{
	const struct settings *all[] = {&plain, &inspected, &with_h2, &by_request, &server_first};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		long needed = capacity_find(all[i], 1 << 20).files_needed;
		assert_int_equal(capacity_find(all[i], needed).clients, 1000);
		assert_int_equal(capacity_find(all[i], needed - 1).clients, 999);
	}
}

static void test_nothing_is_refused_and_little_is_not(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	for (long files = 0; files < 2000; files++) {
		struct capacity found = capacity_find(&by_request, files);
		int rc = capacity_check(&by_request, files, &err);
		assert_int_equal(rc, found.clients < 1 ? -1 : 0);
		if (rc != 0)
			assert_int_equal(err.code, EXIT_BAD_CONFIG);
		else
			assert_true(found.connections * 2 < files);
	}
}

static void test_sessions_are_kept_for_as_many_as_may_come_within_limits(void **state)
{
	struct settings most = plain;

	(void)state;
	most.maxconn = 1000000;
	assert_int_equal(capacity_find(&plain, 1 << 20).tls_sessions, 10 * 1000);
	assert_int_equal(capacity_find(&most, 1L << 30).tls_sessions, 500000);
}

static void test_no_session_is_kept_where_names_lead_to_different_things(void **state)
{
	static domain_name two_domains[] = {"app.example.com", "www.example.com"};
	static domain_name wildcard[] = {"*.example.com"};
	struct settings domains = plain, routes = plain, part = plain, listed = plain;
	const struct settings *all[] = {&domains, &routes, &part, &listed};

	(void)state;
	domains.domains = two_domains;
	domains.domain_count = 2;
	routes.route_count = 2;
	part.domains = wildcard; /* its certificate covers names that the route does not */
	listed.server_first.scope = CHOICE_LISTED;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_int_equal(capacity_find(all[i], 1 << 20).tls_sessions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_client_counts_in_every_frontend_on_its_way),
	    cmocka_unit_test(test_what_is_needed_is_enough_and_one_less_is_not),
	    cmocka_unit_test(test_nothing_is_refused_and_little_is_not),
	    cmocka_unit_test(test_sessions_are_kept_for_as_many_as_may_come_within_limits),
	    cmocka_unit_test(test_no_session_is_kept_where_names_lead_to_different_things),
	};

	log_setup("test_capacity", LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
