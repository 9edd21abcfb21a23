/* Settings when memory runs out: the answer is "out of memory" or a good result. */
#include "memory.h"

#include "test_settings_fixture.h"

static const char *const bad[] = {
    "DOMAIN=app.example.com",
    "DOMAINS=b.example.com,*.w.example.com,bad_name,b.example.com",
    "TARGET_ENDPOINT=app:8080",
    "ROUTING_MAP=b.example.com=b:80\nx.w.example.com=x:80\nother.example.com=o:1",
    "GATEWAY_DOMAIN=gateway.example.net",
    "SERVER_FIRST=b.example.com",
    "BACKEND_NETWORKS=10.0.0.0/8,10.0.0.1/8",
    "RUN_DIR=/run/x/",
    "CLOUDFLARE_API_TOKEN=" CANARY,
    "CLOUDFLARE_API_TOKEN_FILE=/dev/null",
    "RFC2136_KEY_SECRET_FILE=/nonexistent",
    "DOMIAN=x",
    NULL};

static const char *const good[] = {"DOMAIN=app.example.com",
				   "DOMAINS=b.example.com,*.w.example.com",
				   "TARGET_ENDPOINT=app:8080",
				   "ROUTING_MAP=b.example.com=b:80\nx.w.example.com=x:80",
				   "GATEWAY_DOMAIN=gateway.example.net",
				   "SERVER_FIRST=b.example.com",
				   "BACKEND_NETWORKS=10.0.0.0/8,fd00::/8",
				   "CLOUDFLARE_API_TOKEN=" CANARY,
				   NULL};

struct load {
	const char *const *variables;
	enum exit_code otherwise; /* what the error says when no allocation fails */
};

static bool load(const void *arg, struct error *err)
{
	const struct load *load = arg;
	struct buffer problems, warnings;
	char **child = NULL;

	buffer_init(&problems, FIXTURE_TEXT_MAX);
	buffer_init(&warnings, FIXTURE_TEXT_MAX);
	err->code = EXIT_OK;
	struct settings *settings =
	    settings_load((char *const *)(uintptr_t)load->variables, &problems, &warnings, err);
	if (settings != NULL)
		child = settings_child_environment(settings, FOR_DNS, NULL, err);
	settings_free_environment(child);
	settings_free(settings);
	buffer_free(&problems);
	buffer_free(&warnings);
	return err->code == EXIT_OK;
}

static void says_so(const void *arg, bool has_failed_then, bool ended_well, const struct error *err)
{
	const struct load *load = arg;

	(void)ended_well;
	assert_int_equal(err->code, has_failed_then ? EXIT_TRY_LATER : load->otherwise);
}

static void torture(const char *const *variables, enum exit_code otherwise)
{
	const struct load arg = {variables, otherwise};

	fail_every_allocation(load, &arg, says_so, 10);
}

static void good_settings_survive_every_failure(void **state)
{
	(void)state;
	torture(good, EXIT_OK);
}

static void bad_settings_survive_every_failure(void **state)
{
	(void)state;
	torture(bad, EXIT_BAD_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_settings_survive_every_failure),
	    cmocka_unit_test(bad_settings_survive_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
