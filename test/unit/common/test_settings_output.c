/* What leaves the settings: the table of --check, and the environments of children. */
#include "test_settings_fixture.h"

#include "common/settings_places.h"
#include "common/settings_table.h"

/* Something good for each variable; every secret holds the canary. */
static const char *const everything[] = {"DOMAIN=app.example.com",
					 "DOMAINS=b.example.com\n*.example.com",
					 "TARGET_ENDPOINT=app:8080",
					 "ROUTING_MAP=b.example.com=b:1\na.example.com=a:1",
					 "GATEWAY_DOMAIN=_.gateway.example.net",
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
					 "RFC2136_SERVER=ns.example.net",
					 "RFC2136_KEY_NAME=key",
					 "RFC2136_KEY_SECRET=Y2FuYXJ5LTRmMWQ4YTI3YzA5Yg==",
					 "DNS_EXEC=/opt/hook",
					 "HTTPS_PROXY=http://proxy.example.net:3128",
					 "HOME=/root",
					 "TZ=UTC",
					 "SOMETHING_ELSE=1",
					 NULL};

/* ---- the table */

static char *printed(const struct settings *settings)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(settings_print(settings, out), 0);
	fclose(out);
	return text; /* free() by the caller */
}

/* The line of a variable, its columns separated by single spaces. */
static void assert_line(const char *table, const char *wanted)
{
	const char *from = table;
	char squeezed[512];

	while (from != NULL && *from != '\0') {
		size_t used = 0;
		for (; *from != '\n' && *from != '\0' && used + 1 < sizeof(squeezed); from++)
			if (*from != ' ' || used == 0 || squeezed[used - 1] != ' ')
				squeezed[used++] = *from;
		squeezed[used] = '\0';
		if (strcmp(squeezed, wanted) == 0)
			return;
		from = *from == '\0' ? NULL : from + 1;
	}
	fail_msg("\"%s\" is no line of:\n%s", wanted, table);
}

static void every_variable_is_printed_and_no_secret(void **state)
{
	char start[64];
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, everything);
	assert_good(&loaded);
	char *table = printed(loaded.settings);
	const char *at = table;
	for (size_t i = 0; i < settings_table_length; i++) {
		snprintf(start, sizeof(start), "\n%s ", settings_table[i].name);
		const char *found = strstr(at, start); /* in the order of the table */
		if (found == NULL)
			fail_msg("%s is not printed", settings_table[i].name);
		at = found + 1;
	}
	assert_lacks(table, CANARY);
	assert_lacks(table, "Y2FuYXJ5");
	free(table);
	fixture_free(&loaded);
}

static void values_come_with_their_source(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CERTBOT_EMAIL=ops@example.com", "CERTBOT_STAGING=Yes",
		     "DOMAINS=b.example.com,c.example.com", "TIMEOUT_CONNECT=5s");
	assert_good(&loaded);
	char *table = printed(loaded.settings);
	assert_line(table, "VARIABLE VALUE SOURCE");
	assert_line(table, "DOMAIN app.example.com environment");
	assert_line(table, "DOMAINS b.example.com environment");
	assert_line(table, " c.example.com");
	assert_line(table, "DNS_PROVIDER cloudflare detected");
	assert_line(table, "PORT 443 default");
	assert_line(table, "APP_ID asked at start guest agent");
	assert_line(table, "ACME_EMAIL ops@example.com CERTBOT_EMAIL");
	assert_line(table, "ACME_STAGING true CERTBOT_STAGING");
	assert_line(table, "ACME_SERVER https://acme-staging-v02.api.letsencrypt.org/directory "
			   "CERTBOT_STAGING");
	assert_line(table, "RENEW_DAYS_BEFORE a third of the lifetime default");
	assert_line(table, "TIMEOUT_CONNECT 5s environment");
	assert_line(table, "CLOUDFLARE_API_TOKEN *** environment");
	assert_line(table, "LINODE_API_TOKEN - not set");
	free(table);
	fixture_free(&loaded);
}

static void columns_are_aligned(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded);
	char *table = printed(loaded.settings);
	size_t value_column = (size_t)(strstr(table, "VALUE") - table);
	size_t source_column = (size_t)(strstr(table, "SOURCE") - table);
	for (const char *line = table; *line != '\0'; line = strchr(line, '\n') + 1) {
		assert_true(strcspn(line, "\n") > source_column);
		assert_int_equal(line[value_column - 1], ' ');
		assert_int_not_equal(line[value_column], ' ');
		assert_int_equal(line[source_column - 1], ' ');
		assert_int_not_equal(line[source_column], ' ');
	}
	free(table);
	fixture_free(&loaded);
}

static void a_secret_from_a_file_names_the_file(void **state)
{
	char path[200], variable[256], line[300];
	struct error err = ERROR_INIT;
	struct loaded loaded;

	snprintf(path, sizeof(path), "%s/token", (const char *)*state);
	assert_int_equal(file_write(path, 0600, CANARY, strlen(CANARY), &err), 0);
	snprintf(variable, sizeof(variable), "CLOUDFLARE_API_TOKEN_FILE=%s", path);
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
	assert_good(&loaded);
	char *table = printed(loaded.settings);
	snprintf(line, sizeof(line), "CLOUDFLARE_API_TOKEN *** file %s", path);
	assert_line(table, line);
	assert_lacks(table, CANARY);
	free(table);
	fixture_free(&loaded);
}

static void long_lists_are_cut(void **state)
{
	struct buffer value;
	struct loaded loaded;

	(void)state;
	buffer_init(&value, 64 * 1024);
	buffer_puts(&value, "DOMAINS=");
	for (int i = 0; i < 50; i++)
		buffer_printf(&value, "d%d.example.com\n", i);
	fixture_load(&loaded, buffer_text(&value));
	char *table = printed(loaded.settings);
	assert_contains(table, " d15.example.com\n");
	assert_lacks(table, " d16.example.com\n");
	assert_contains(table, " and 34 more\n");
	free(table);
	fixture_free(&loaded);
	buffer_free(&value);
}

static void a_full_disk_is_an_error(void **state)
{
	struct loaded loaded;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	fixture_load(&loaded);
	assert_int_equal(settings_print(loaded.settings, full), -1);
	fclose(full);
	fixture_free(&loaded);
}

static void check_prints_the_table_whatever_is_wrong(void **state)
{
	const char *environment[FIXTURE_VARIABLES_MAX];
	struct buffer problems, warnings;
	struct error err = ERROR_INIT;
	char *table = NULL;
	size_t length;

	(void)state;
	fixture_environment(environment, VARIABLES("PORT=x\ny", "DOMAINS=b.example.com"));
	buffer_init(&problems, FIXTURE_TEXT_MAX);
	buffer_init(&warnings, FIXTURE_TEXT_MAX);
	FILE *out = open_memstream(&table, &length);
	assert_non_null(out);
	assert_int_equal(
	    settings_check((char *const *)(uintptr_t)environment, out, &problems, &warnings, &err),
	    -1);
	fclose(out);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_string_equal(err.text, "1 setting is wrong");
	assert_contains(buffer_text(&problems), "PORT is \"x?y\"");
	assert_line(table, "PORT x?y environment, wrong");
	assert_line(table, "DOMAINS b.example.com environment");
	assert_line(table, "MAXCONN 4096 default");
	free(table);
	buffer_free(&problems);
	buffer_free(&warnings);
}

/* ---- children */

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
					     "HTTPS_PROXY=http://proxy.example.net:3128"};
	size_t count = 0;
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, everything);
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
	fixture_load_for(&loaded, FOR_SUPERVISOR, everything);
	assert_good(&loaded);
	for (int i = 0; i < 2; i++) {
		char **environment = child(&loaded, i == 0 ? FOR_DNS : FOR_CERTBOT, NULL);
		assert_string_equal(find(environment, "CLOUDFLARE_API_TOKEN"), CANARY);
		assert_string_equal(find(environment, "CLOUDFLARE_API_URL"),
				    "https://api.example.com/v4");
		assert_string_equal(find(environment, "DOMAINS"), "b.example.com\n*.example.com");
		assert_string_equal(find(environment, "GATEWAY_DOMAIN"), "_.gateway.example.net");
		assert_string_equal(find(environment, "ACME_SERVER"), "https://ca.example.com/d");
		assert_string_equal(find(environment, "LETSENCRYPT_DIR"), "/data/le");
		assert_string_equal(find(environment, "RUN_DIR"), "/data/run");
		for (size_t j = 0; j < sizeof(absent) / sizeof(absent[0]); j++)
			if (find(environment, absent[j]) != NULL)
				fail_msg("%s is there", absent[j]);
		settings_free_environment(environment);
	}
	fixture_free(&loaded);
}

static void extra_variables_override(void **state)
{
	static const char *const extra[] = {"PATH=/opt/bin", "RUN_DIR=/other", "APP_ID=resolved",
					    "INGRESS_LOG_PIPE=/run/x", NULL};
	struct loaded loaded;

	(void)state;
	fixture_load_for(&loaded, FOR_SUPERVISOR, everything);
	assert_good(&loaded);
	char **environment = child(&loaded, FOR_DNS, extra);
	assert_string_equal(find(environment, "PATH"), "/opt/bin");
	assert_string_equal(find(environment, "RUN_DIR"), "/other");
	assert_string_equal(find(environment, "APP_ID"), "resolved");
	assert_string_equal(find(environment, "INGRESS_LOG_PIPE"), "/run/x");
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
	fixture_load(&loaded, "DOMAINS=*.example.com", "CERTBOT_STAGING=true", "SET_CAA=1",
		     "RUN_DIR=/data/run/", "DSTACK_SOCKET=/data/dstack.sock");
	assert_good(&loaded);

	char **environment = child(&loaded, FOR_CERTBOT, NULL);
	struct settings *dns = settings_load_for(FOR_DNS, environment, &problems, &warnings, &err);
	assert_string_equal(buffer_text(&problems), "");
	assert_non_null(dns);
	assert_int_equal(dns->domain_count, 2);
	assert_int_equal(dns->route_count, 0);
	assert_string_equal(dns->dns_provider, "cloudflare");
	assert_string_equal(dns->acme_server, loaded.settings->acme_server);
	assert_string_equal(dns->run_dir, "/data/run");
	assert_true(dns->set_caa);
	settings_free(dns);
	settings_free_environment(environment);

	environment = child(&loaded, FOR_EVIDENCE, NULL);
	struct settings *places = settings_load_places(environment, &problems, &err);
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
	    cmocka_unit_test(every_variable_is_printed_and_no_secret),
	    cmocka_unit_test(values_come_with_their_source),
	    cmocka_unit_test(columns_are_aligned),
	    scratch_test(a_secret_from_a_file_names_the_file),
	    cmocka_unit_test(long_lists_are_cut),
	    cmocka_unit_test(a_full_disk_is_an_error),
	    cmocka_unit_test(check_prints_the_table_whatever_is_wrong),
	    cmocka_unit_test(evidence_sees_places_only),
	    cmocka_unit_test(dns_sees_records_and_one_provider),
	    cmocka_unit_test(extra_variables_override),
	    scratch_test(a_secret_in_a_file_stays_there),
	    cmocka_unit_test(children_load_what_they_were_given),
	    cmocka_unit_test(what_a_program_does_not_see_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
