/* Variables that are not settings. */
#include "test_settings_fixture.h"

#include "common/settings/table.h"

static void assert_warning(const char *variable, const char *warning)
{
	struct loaded loaded;

	fixture_load(&loaded, variable);
	assert_good(&loaded);
	assert_string_equal(buffer_text(&loaded.warnings), warning);
	fixture_free(&loaded);
}

static void mistyped_names_draw_a_guess(void **state)
{
	(void)state;
	assert_warning("DOMIAN=x", "DOMIAN is not a setting; did you mean DOMAIN?\n");
	assert_warning("DOMAINES=x", "DOMAINES is not a setting; did you mean DOMAINS?\n");
	assert_warning("domain=x", "domain is not a setting; did you mean DOMAIN?\n");
	assert_warning("PROT=x", "PROT is not a setting; did you mean PORT?\n");
	assert_warning("MAXCON=1", "MAXCON is not a setting; did you mean MAXCONN?\n");
	assert_warning("TARGET_ENDPIONT=x",
		       "TARGET_ENDPIONT is not a setting; did you mean TARGET_ENDPOINT?\n");
	assert_warning("ROUTINGMAP=x", "ROUTINGMAP is not a setting; did you mean ROUTING_MAP?\n");
	assert_warning("TIMEOUT_CONECT=1s",
		       "TIMEOUT_CONECT is not a setting; did you mean TIMEOUT_CONNECT?\n");
	assert_warning("EVIDENCES_SERVR=x",
		       "EVIDENCES_SERVR is not a setting; did you mean EVIDENCE_SERVER?\n");
	assert_warning("CLOUDFLARE_APITOKEN_FILE=/x",
		       "CLOUDFLARE_APITOKEN_FILE is not a setting; did you mean "
		       "CLOUDFLARE_API_TOKEN_FILE?\n");
	assert_warning(
	    "CLOUDFARE_API_TOKEN=" CANARY,
	    "CLOUDFARE_API_TOKEN is not a setting; did you mean CLOUDFLARE_API_TOKEN?\n");
}

static void other_names_are_left_alone(void **state)
{
	static const char *const names[] = {"PATH",
					    "HOME",
					    "LANG",
					    "TERM",
					    "HOSTNAME",
					    "PWD",
					    "OLDPWD",
					    "SHLVL",
					    "TZ",
					    "_",
					    "LC_ALL",
					    "USER",
					    "LOGNAME",
					    "SHELL",
					    "PS1",
					    "HOST",
					    "container",
					    "DEBIAN_FRONTEND",
					    "SSL_CERT_FILE",
					    "https_proxy",
					    "NO_PROXY",
					    "PYTHONPATH",
					    "PYTHONPYCACHEPREFIX",
					    "PYTHONDONTWRITEBYTECODE",
					    "REDIS_PORT",
					    "APP_NAME",
					    "KUBERNETES_SERVICE_HOST",
					    "DATABASE_URL",
					    "INGRESS_SUPERVISED",
					    "NODE_ENV",
					    "GPG_KEY"};
	char variable[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(variable, sizeof(variable), "%s=/x", names[i]);
		assert_warning(variable, "");
	}
}

static void names_that_look_like_nothing_are_harmless(void **state)
{
	char variable[400];

	(void)state;
	assert_warning("=x", "");
	assert_warning("DOMIAN", "");
	assert_warning("DOMAI\x01N=x", "");
	assert_warning("DOMIAN=", "");
	memset(variable, 'A', sizeof(variable));
	memcpy(variable + sizeof(variable) - 3, "=x", 3);
	assert_warning(variable, "");
}

static void variables_of_the_older_product_are_named(void **state)
{
	static const struct {
		const char *name, *why;
	} variables[] = {
	    {"CLIENT_MAX_BODY_SIZE", "connections are handed on as they are"},
	    {"PROXY_READ_TIMEOUT", "connections are handed on as they are"},
	    {"PROXY_BUSY_BUFFERS_SIZE", "connections are handed on as they are"},
	    {"CLOUDFLARE_ZONE_ID", "the zone is found by its name"},
	    {"CERTBOT_PROPAGATION_SECONDS", "PROPAGATION_TIMEOUT"},
	    {"L4_MODE", "connections are handed on as they are, always"},
	    {"DELEGATION_PROPAGATION_SECONDS", "PROPAGATION_TIMEOUT"},
	    {"RENEW_DAYS", "set RENEW_DAYS_BEFORE"},
	    {"DNS_SETTLE_SECONDS", "nothing waits for a time that is set"},
	    {"TLSALPN_ADDRESS", "there is no lego here"},
	    {"TLSALPN_PORT", "there is no lego here"},
	    {"TLS_TERMINATE_PORT", "there is no lego here"},
	    {"LEGO_BIN", "there is no lego here"},
	    {"LEGO_PATH", "LETSENCRYPT_DIR/lego"},
	};
	char variable[128], begin[128];
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		snprintf(variable, sizeof(variable), "%s=" CANARY, variables[i].name);
		snprintf(begin, sizeof(begin), "%s has no effect here: ", variables[i].name);
		fixture_load(&loaded, variable);
		assert_good(&loaded);
		assert_int_equal(strncmp(buffer_text(&loaded.warnings), begin, strlen(begin)), 0);
		assert_contains(buffer_text(&loaded.warnings), variables[i].why);
		assert_lacks(buffer_text(&loaded.warnings), CANARY);
		fixture_free(&loaded);
	}
	assert_warning("L4_MODE=true", "");
}

static void few_settings_come_from_files(void **state)
{
	(void)state;
	assert_warning("DOMAIN_FILE=/x",
		       "DOMAIN_FILE is not a setting: only secrets, DOMAINS and ROUTING_MAP can be "
		       "given as files\n");
}

static void no_setting_is_taken_for_a_slip_of_another(void **state)
{
	char variable[128];
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < settings_table_length; i++) {
		snprintf(variable, sizeof(variable), "%s=1", settings_table[i].name);
		fixture_load(&loaded, variable);
		assert_lacks(buffer_text(&loaded.warnings), "did you mean");
		fixture_free(&loaded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mistyped_names_draw_a_guess),
	    cmocka_unit_test(other_names_are_left_alone),
	    cmocka_unit_test(names_that_look_like_nothing_are_harmless),
	    cmocka_unit_test(variables_of_the_older_product_are_named),
	    cmocka_unit_test(few_settings_come_from_files),
	    cmocka_unit_test(no_setting_is_taken_for_a_slip_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
