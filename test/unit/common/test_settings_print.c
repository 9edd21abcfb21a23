/* The table of --check. */
#include "test_settings_fixture.h"

#include "common/settings/table.h"

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
	fixture_load_for(&loaded, FOR_SUPERVISOR, fixture_everything);
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
	assert_line(table, "APP_ID the guest agent's guest agent");
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
	assert_contains(buffer_text(&problems), "PORT is \"x\\x0ay\"");
	assert_line(table, "PORT x\\x0ay environment, wrong");
	assert_line(table, "DOMAINS b.example.com environment");
	assert_line(table, "MAXCONN 4096 default");
	free(table);
	buffer_free(&problems);
	buffer_free(&warnings);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
