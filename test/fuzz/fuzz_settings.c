/* common: whole environments.  A line that begins with a capital letter begins a variable; what
 * follows up to the next one is its value. */
#include "common/settings/table.h"

#include "test/fuzz/settings_properties.h"

enum { VARIABLES_MAX = 64 };

/* What the secrets of the seeds have in them. */
static const char canary[] = "canary-4f1d8a27c09b";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static bool begins_variable(const char *at)
{
	return at[0] == '\n' && at[1] >= 'A' && at[1] <= 'Z';
}

/* Cuts `text` into an environment block, in place. */
static void cut(char *text, char *environment[VARIABLES_MAX + 1])
{
	size_t count = 0;

	environment[count++] = text;
	for (char *at = text; *at != '\0'; at++)
		if (begins_variable(at) && count < VARIABLES_MAX) {
			*at = '\0';
			environment[count++] = at + 1;
		}
	environment[count] = NULL;
}

static bool is_secret(const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < settings_table_length; i++)
		if ((settings_table[i].flags & SETTING_SECRET) != 0 &&
		    strlen(settings_table[i].name) == length &&
		    strncmp(settings_table[i].name, variable, length) == 0)
			return true;
	return false;
}

/* Whether only secrets hold the canary: then nobody may see it. */
static bool is_kept_secret(char *const *environment)
{
	for (; *environment != NULL; environment++)
		if (strstr(*environment, canary) != NULL && !is_secret(*environment))
			return false;
	return true;
}

static void check_text(const char *text, bool kept_secret)
{
	check_lines(text);
	CHECK(!kept_secret || strstr(text, canary) == NULL);
}

static void check_table(const struct settings *settings, bool kept_secret)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	CHECK(out != NULL && settings_print(settings, out) == 0);
	CHECK(fclose(out) == 0 && strlen(text) == length);
	check_text(text, kept_secret);
	free(text);
}

/* A child understands of its part what the supervisor understood of the whole. */
static void check_child(const struct settings *settings, unsigned audience, bool kept_secret)
{
	struct error err = ERROR_INIT;
	struct buffer problems, warnings;
	char **environment = settings_child_environment(settings, audience, NULL, &err);

	CHECK(environment != NULL);
	for (char **at = environment; audience == FOR_EVIDENCE && kept_secret && *at != NULL; at++)
		CHECK(strstr(*at, canary) == NULL);
	buffer_init(&problems, FUZZ_FINDINGS_MAX);
	buffer_init(&warnings, FUZZ_FINDINGS_MAX);
	struct settings *child =
	    settings_load_for(audience, environment, &problems, &warnings, &err);
	CHECK(child != NULL);
	if ((audience & FOR_DNS) != 0) {
		CHECK(child->domain_count == settings->domain_count);
		CHECK(strcmp(child->dns_provider, settings->dns_provider) == 0);
		CHECK(strcmp(child->gateway_domain, settings->gateway_domain) == 0);
		CHECK(strcmp(child->acme_server, settings->acme_server) == 0);
	}
	settings_free(child);
	settings_free_environment(environment);
	buffer_free(&problems);
	buffer_free(&warnings);
}

static void check_good(const struct settings *settings, bool kept_secret)
{
	check_served(settings);
	check_choice(&settings->server_first);
	check_choice(&settings->send_proxy_protocol);
	check_word(settings->timeout_connect);
	check_word(settings->timeout_client);
	check_word(settings->timeout_server);
	check_word(settings->gateway_domain);
	check_word(settings->dns_provider);
	check_word(settings->acme_server);
	CHECK(settings->letsencrypt_dir[0] == '/' && settings->run_dir[0] == '/');
	CHECK(settings->maxconn > 0 && settings->renew_interval > 0 && settings->port > 0);
	check_child(settings, FOR_EVIDENCE, kept_secret);
	check_child(settings, FOR_DNS, kept_secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *environment[VARIABLES_MAX + 1];
	struct error err = ERROR_INIT;
	struct buffer problems, warnings;

	cut(text, environment);
	bool kept_secret = is_kept_secret(environment);
	buffer_init(&problems, FUZZ_FINDINGS_MAX);
	buffer_init(&warnings, FUZZ_FINDINGS_MAX);
	struct settings *settings = settings_load(environment, &problems, &warnings, &err);
	CHECK((settings == NULL) == (problems.length > 0));
	check_text(buffer_text(&problems), kept_secret);
	check_text(buffer_text(&warnings), kept_secret);
	if (settings != NULL) {
		check_table(settings, kept_secret);
		check_good(settings, kept_secret);
	} else {
		fuzz_check_error(&err);
		CHECK(err.code == EXIT_BAD_CONFIG);
	}
	settings_free(settings);
	buffer_free(&problems);
	buffer_free(&warnings);
	free(text);
	return 0;
}
