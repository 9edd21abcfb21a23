/* Secrets come from a variable or a file, and never out again. */
#include "test_settings_fixture.h"

#include "common/settings/table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_secret(const char *folder, const void *content, size_t length, char variable[256])
{
	char path[200];
	struct error err = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/token", folder);
	assert_int_equal(file_write(path, 0600, content, length, &err), 0);
	snprintf(variable, 256, "CLOUDFLARE_API_TOKEN_FILE=%s", path);
}

/* ---- while settings are loaded */

static void a_file_does(void **state)
{
	char variable[256];
	struct loaded loaded;

	write_secret(*state, CANARY "\n", strlen(CANARY) + 1, variable);
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), "");
	assert_string_equal(loaded.settings->dns_provider, "cloudflare");
	fixture_free(&loaded);
}

static void both_are_too_many(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN_FILE=/run/secrets/token");
	assert_refused(&loaded, "CLOUDFLARE_API_TOKEN and CLOUDFLARE_API_TOKEN_FILE are both set: "
				"keep one of them\n");
	fixture_free(&loaded);
}

static void assert_file_refused(const char *variable, const char *reason)
{
	char wanted[512];
	struct loaded loaded;

	snprintf(wanted, sizeof(wanted), "CLOUDFLARE_API_TOKEN_FILE is \"%s\": %s\n",
		 strchr(variable, '=') + 1, reason);
	fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
	assert_refused(&loaded, wanted);
	assert_lacks(buffer_text(&loaded.problems), CANARY);
	fixture_free(&loaded);
}

#define SHAPE                                                                      \
	"its content must be one line of at most 4096 printable ASCII characters " \
	"without spaces"

static void bad_files_are_refused_without_their_content(void **state)
{
	static const char two_lines[] = CANARY "\n" CANARY "\n";
	static const char nul[] = CANARY "\0" CANARY;
	char variable[256], reason[300], large[5000];

	write_secret(*state, two_lines, strlen(two_lines), variable);
	assert_file_refused(variable, SHAPE);
	write_secret(*state, nul, sizeof(nul), variable);
	assert_file_refused(variable, SHAPE "; it has a control character in it: remove that");
	write_secret(*state, CANARY " b", strlen(CANARY) + 2, variable);
	assert_file_refused(variable, SHAPE);
	write_secret(*state, "\n", 1, variable);
	assert_file_refused(variable, "the file is empty");
	write_secret(*state, " \r\n\n", 4, variable);
	assert_file_refused(variable, "the file is empty");
	write_secret(*state, "", 0, variable);
	assert_file_refused(variable, "the file is empty");
	memset(large, 'x', sizeof(large));
	write_secret(*state, large, 4097, variable);
	assert_file_refused(variable, SHAPE);
	write_secret(*state, large, sizeof(large), variable);
	snprintf(reason, sizeof(reason), "%s is larger than 4608 bytes", strchr(variable, '=') + 1);
	assert_file_refused(variable, reason);
}

static void what_is_no_file_is_refused(void **state)
{
	char variable[256], reason[300], path[200];

	assert_file_refused("CLOUDFLARE_API_TOKEN_FILE=/nonexistent/token",
			    "cannot read /nonexistent/token: No such file or directory");
	assert_file_refused("CLOUDFLARE_API_TOKEN_FILE=/dev/zero",
			    "cannot read /dev/zero: it is not a regular file");
	snprintf(path, sizeof(path), "%s/fifo", (const char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(variable, sizeof(variable), "CLOUDFLARE_API_TOKEN_FILE=%s", path);
	snprintf(reason, sizeof(reason), "cannot read %s: it is not a regular file", path);
	assert_file_refused(variable, reason);
}

/* In the messages and in the table of --check. */
static void a_secret_given_as_its_file_is_not_shown(void **state)
{
	static const char *const given[] = {CANARY, "/" CANARY "=", "\"" CANARY "\"",
					    "/run/" CANARY "/x="};
	char variable[128];
	AUTO_FREE char *table = NULL;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		struct loaded loaded;
		snprintf(variable, sizeof(variable), "CLOUDFLARE_API_TOKEN_FILE=%s", given[i]);
		fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
		assert_null(loaded.settings);
		assert_lacks(buffer_text(&loaded.problems), CANARY);
		assert_contains(buffer_text(&loaded.problems),
				"it is not shown, since it may be the secret itself, which belongs "
				"into CLOUDFLARE_API_TOKEN\n");
		FILE *out = open_memstream(&table, &size);
		struct buffer ignored;
		buffer_init(&ignored, FIXTURE_TEXT_MAX);
		settings_check((char *const *)loaded.environment, out, &ignored, &ignored,
			       &loaded.err);
		buffer_free(&ignored);
		fclose(out);
		assert_contains(table, "CLOUDFLARE_API_TOKEN");
		assert_lacks(table, CANARY);
		free(table);
		table = NULL;
		fixture_free(&loaded);
	}
}

static void secrets_in_base64(void **state)
{
	static const char *const good[] = {"AAAA",
					   "+/9=", "ab==", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"};
	static const char *const bad[] = {"AAA", "A===", "====", "AA=A", "AAAA=", "_-AA", "AAAAA"};
	char variable[128];
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(variable, sizeof(variable), "RFC2136_KEY_SECRET=%s", good[i]);
		fixture_load(&loaded, variable, "DNS_PROVIDER=cloudflare");
		assert_good(&loaded);
		fixture_free(&loaded);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(variable, sizeof(variable), "RFC2136_KEY_SECRET=%s", bad[i]);
		fixture_load(&loaded, variable, "DNS_PROVIDER=cloudflare");
		assert_null(loaded.settings);
		assert_contains(buffer_text(&loaded.problems),
				"RFC2136_KEY_SECRET is \"***\": must be base64");
		fixture_free(&loaded);
	}
}

/* Every secret of the table in turn, with a value that is refused. */
static void no_secret_is_shown_when_refused(void **state)
{
	char variable[128];
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < settings_table_length; i++) {
		if ((settings_table[i].flags & SETTING_SECRET) == 0)
			continue;
		snprintf(variable, sizeof(variable), "%s=" CANARY " \x01", settings_table[i].name);
		fixture_load(&loaded, variable);
		assert_null(loaded.settings);
		assert_contains(buffer_text(&loaded.problems), settings_table[i].name);
		assert_contains(buffer_text(&loaded.problems), " is \"***\": must be one line");
		assert_lacks(buffer_text(&loaded.problems), CANARY);
		assert_lacks(buffer_text(&loaded.warnings), CANARY);
		assert_lacks(loaded.err.text, CANARY);
		fixture_free(&loaded);
	}
}

/* ---- when a program asks for one */

static void a_program_gets_its_secret(void **state)
{
	struct buffer value;
	struct error err = ERROR_INIT;
	char variable[256];

	buffer_init(&value, 8192);
	unsetenv("CLOUDFLARE_API_TOKEN");
	unsetenv("CLOUDFLARE_API_TOKEN_FILE");
	assert_int_equal(settings_secret("CLOUDFLARE_API_TOKEN", &value, &err), 0);
	setenv("CLOUDFLARE_API_TOKEN", CANARY, 1);
	assert_int_equal(settings_secret("CLOUDFLARE_API_TOKEN", &value, &err), 1);
	assert_string_equal(buffer_text(&value), CANARY);
	buffer_reset(&value);

	write_secret(*state, CANARY "-file\r\n", strlen(CANARY) + 7, variable);
	setenv("CLOUDFLARE_API_TOKEN_FILE", strchr(variable, '=') + 1, 1);
	assert_int_equal(settings_secret("CLOUDFLARE_API_TOKEN", &value, &err), -1);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_contains(err.text, "are both set");
	setenv("CLOUDFLARE_API_TOKEN", "", 1);
	assert_int_equal(settings_secret("CLOUDFLARE_API_TOKEN", &value, &err), 1);
	assert_string_equal(buffer_text(&value), CANARY "-file");

	buffer_reset(&value);
	write_secret(*state, CANARY "\nx\n", strlen(CANARY) + 3, variable);
	assert_int_equal(settings_secret("CLOUDFLARE_API_TOKEN", &value, &err), -1);
	assert_int_equal(value.length, 0);
	assert_int_equal(err.code, EXIT_BAD_CONFIG);
	assert_lacks(err.text, CANARY);
	unsetenv("CLOUDFLARE_API_TOKEN_FILE");
	buffer_free(&value);
}

static void a_program_gets_its_plain_variables(void **state)
{
	(void)state;
	setenv("RFC2136_SERVER", "ns.example.net", 1);
	setenv("RFC2136_ZONE", "", 1);
	assert_string_equal(settings_provider_variable("RFC2136_SERVER"), "ns.example.net");
	assert_null(settings_provider_variable("RFC2136_ZONE"));
	assert_null(settings_provider_variable("RFC2136_NOTHING"));
	assert_false(settings_provider_flag("NAMECHEAP_SANDBOX"));
	setenv("NAMECHEAP_SANDBOX", "Yes", 1);
	assert_true(settings_provider_flag("NAMECHEAP_SANDBOX"));
	setenv("NAMECHEAP_SANDBOX", "0", 1);
	assert_false(settings_provider_flag("NAMECHEAP_SANDBOX"));
	unsetenv("NAMECHEAP_SANDBOX");
	unsetenv("RFC2136_SERVER");
	unsetenv("RFC2136_ZONE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_file_does),
	    cmocka_unit_test(both_are_too_many),
	    scratch_test(bad_files_are_refused_without_their_content),
	    scratch_test(what_is_no_file_is_refused),
	    cmocka_unit_test(a_secret_given_as_its_file_is_not_shown),
	    cmocka_unit_test(secrets_in_base64),
	    cmocka_unit_test(no_secret_is_shown_when_refused),
	    scratch_test(a_program_gets_its_secret),
	    cmocka_unit_test(a_program_gets_its_plain_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
