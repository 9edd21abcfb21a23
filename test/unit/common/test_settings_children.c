/* What children get to see, and what they make of it. */
#include "test_settings_fixture.h"

#include "common/settings/table.h"

#include <sys/stat.h>

static const char *find(char **environment, const char *name)
{
	return settings_given(environment, name);
}

static char **child(const struct loaded *loaded, unsigned audience, const char *const *extra)
{
	struct error err = ERROR_INIT;
	char **environment = settings_child_environment(loaded->settings, audience, extra, &err);

	assert_non_null(environment);
	return environment;
}

static void assert_no_canary(char **environment)
{
	for (char **at = environment; *at != NULL; at++)
		assert_lacks(*at, CANARY);
}

static void evidence_sees_places_only(void **state)
{
	static const char *const wanted[] = {"INGRESS_SUPERVISED=1",
					     "PATH=/usr/bin:/bin",
					     "HOME=/root",
					     "TZ=UTC",
					     "LOG_LEVEL=debug",
					     "LOG_FORMAT=text",
					     "EVIDENCE_DIR=/data/ev",
					     "RUN_DIR=/data/run",
					     "DSTACK_SOCKET=/data/dstack.sock",
					     "TAPPD_SOCKET=/var/run/tappd.sock",
					     "HTTPS_PROXY=http://proxy.example.net:3128",
					     "PYTHONPYCACHEPREFIX=/data/compiled",
					     "PYTHONDONTWRITEBYTECODE=1"};
	size_t count = 0;
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, fixture_everything);
	assert_good(&loaded);
	char **environment = child(&loaded, FOR_EVIDENCE, NULL);
	assert_no_canary(environment);
	while (environment[count] != NULL)
		count++;
	assert_int_equal(count, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;
		while (environment[j] != NULL && strcmp(environment[j], wanted[i]) != 0)
			j++;
		if (environment[j] == NULL)
			fail_msg("%s is missing", wanted[i]);
	}
	settings_free_environment(environment);
	fixture_free(&loaded);
}

static void dns_sees_records_and_one_provider(void **state)
{
	static const char *const absent[] = {"LINODE_API_TOKEN",
					     "NAMECHEAP_API_KEY",
					     "AWS_SECRET_ACCESS_KEY",
					     "RFC2136_KEY_SECRET",
					     "RFC2136_SERVER",
					     "ACME_EAB_HMAC_KEY",
					     "ACME_EAB_KID",
					     "DSTACK_SOCKET",
					     "TAPPD_SOCKET",
					     "TARGET_ENDPOINT",
					     "ROUTING_MAP",
					     "HAPROXY",
					     "SOMETHING_ELSE",
					     "EVIDENCE_DIR",
					     "ACME_EMAIL",
					     "CLOUDFLARE_API_TOKEN_FILE"};
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, fixture_everything);
	assert_good(&loaded);
	char **environment = child(&loaded, FOR_DNS, NULL);
	assert_string_equal(find(environment, "CLOUDFLARE_API_TOKEN"), CANARY);
	assert_string_equal(find(environment, "CLOUDFLARE_API_URL"), "https://api.example.com/v4");
	assert_string_equal(find(environment, "DOMAINS"), "b.example.com\n*.example.com");
	assert_string_equal(find(environment, "GATEWAY_DOMAIN"), "gateway.example.net");
	assert_string_equal(find(environment, "ACME_SERVER"), "https://ca.example.com/d");
	assert_string_equal(find(environment, "LETSENCRYPT_DIR"), "/data/le");
	assert_string_equal(find(environment, "RUN_DIR"), "/data/run");
	for (size_t j = 0; j < sizeof(absent) / sizeof(absent[0]); j++)
		if (find(environment, absent[j]) != NULL)
			fail_msg("%s is there", absent[j]);
	settings_free_environment(environment);
	fixture_free(&loaded);
}

static void extra_variables_override(void **state)
{
	static const char *const extra[] = {"PATH=/opt/bin", "RUN_DIR=/other", "APP_ID=resolved",
					    "INGRESS_ASK=/run/x", NULL};
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, fixture_everything);
	assert_good(&loaded);
	char **environment = child(&loaded, FOR_DNS, extra);
	assert_string_equal(find(environment, "PATH"), "/opt/bin");
	assert_string_equal(find(environment, "RUN_DIR"), "/other");
	assert_string_equal(find(environment, "APP_ID"), "resolved");
	assert_string_equal(find(environment, "INGRESS_ASK"), "/run/x");
	for (char **a = environment; *a != NULL; a++)
		for (char **b = a + 1; *b != NULL; b++)
			assert_int_not_equal(strncmp(*a, *b, strcspn(*a, "=") + 1), 0);
	settings_free_environment(environment);
	fixture_free(&loaded);
}

static void a_secret_in_a_file_stays_there(void **state)
{
	char path[200], variable[256];
	struct error err = ERROR_INIT;
	struct loaded loaded;

	snprintf(path, sizeof(path), "%s/token", (const char *)*state);
	assert_int_equal(file_write(path, 0600, CANARY, strlen(CANARY), &err), 0);
	snprintf(variable, sizeof(variable), "CLOUDFLARE_API_TOKEN_FILE=%s", path);
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
	assert_good(&loaded);
	char **environment = child(&loaded, FOR_DNS, NULL);
	assert_string_equal(find(environment, "CLOUDFLARE_API_TOKEN_FILE"), path);
	assert_null(find(environment, "CLOUDFLARE_API_TOKEN"));
	assert_no_canary(environment);
	settings_free_environment(environment);
	fixture_free(&loaded);
}

/* A child reads what its parent gave it the way the parent did. */
static void children_load_what_they_were_given(void **state)
{
	struct buffer problems, warnings;
	struct error err = ERROR_INIT;
	struct loaded loaded;

	(void)state;
	buffer_init(&problems, FIXTURE_TEXT_MAX);
	buffer_init(&warnings, FIXTURE_TEXT_MAX);
	fixture_load(&loaded, "DOMAINS=*.example.com", "ALIAS_DOMAIN=shared.example.com",
		     "ACME_DIRECTORY_URL=https://ca.example.com/d", "SET_CAA=1",
		     "RUN_DIR=/data/run/", "DSTACK_SOCKET=/data/dstack.sock");
	assert_good(&loaded);

	char **environment = child(&loaded, FOR_DNS, NULL);
	struct settings *dns = settings_load_for(FOR_DNS, environment, &problems, &warnings, &err);
	assert_string_equal(buffer_text(&problems), "");
	assert_non_null(dns);
	assert_int_equal(dns->domain_count, 3);
	assert_string_equal(dns->alias_domain, "shared.example.com");
	assert_int_equal(dns->route_count, 0);
	assert_string_equal(dns->dns_provider, "cloudflare");
	assert_string_equal(dns->acme_server, "https://ca.example.com/d");
	assert_string_equal(dns->run_dir, "/data/run");
	assert_true(dns->set_caa);
	settings_free(dns);
	settings_free_environment(environment);

	environment = child(&loaded, FOR_EVIDENCE, NULL);
	struct settings *places =
	    settings_load_for(FOR_EVIDENCE, environment, &problems, &warnings, &err);
	assert_non_null(places);
	assert_string_equal(places->run_dir, "/data/run");
	assert_string_equal(places->evidence_dir, "/evidences");
	assert_string_equal(places->dstack_socket, "/data/dstack.sock");
	settings_free(places);
	settings_free_environment(environment);
	fixture_free(&loaded);
	buffer_free(&problems);
	buffer_free(&warnings);
}

static void what_a_program_does_not_see_does_not_matter(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_EVIDENCE,
			 VARIABLES("DOMAIN=", "PORT=x", "GATEWAY_DOMAIN=", "EVIDENCE_DIR=/ev"));
	assert_good(&loaded);
	assert_string_equal(loaded.settings->evidence_dir, "/ev");
	assert_null(loaded.settings->dns_provider);
	fixture_free(&loaded);

	fixture_load_for(&loaded, FOR_EVIDENCE, VARIABLES("EVIDENCE_DIR=ev"));
	assert_refused(&loaded,
		       "EVIDENCE_DIR is \"ev\": must be an absolute path of letters, digits "
		       "and \"._/@+-\"\n");
	fixture_free(&loaded);

	fixture_load_for(&loaded, FOR_DNS, VARIABLES("MAXCONN=x", "TARGET_ENDPOINT=", "DOMIAN=x"));
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	fixture_free(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(evidence_sees_places_only),
	    cmocka_unit_test(dns_sees_records_and_one_provider),
	    cmocka_unit_test(extra_variables_override),
	    scratch_test(a_secret_in_a_file_stays_there),
	    cmocka_unit_test(children_load_what_they_were_given),
	    cmocka_unit_test(what_a_program_does_not_see_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
