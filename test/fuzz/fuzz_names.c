/* common: names of domains and hosts, alone and in pairs: two lines. */
#include "common/settings/checks.h"

#include "test/fuzz/settings_properties.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_made_from(const char *name)
{
	domain_name made, again;

	if (domain_challenge_name(name, made) == 0) {
		CHECK(strlen(made) <= DOMAIN_MAX);
		CHECK(strcmp(strchr(made, '.') + 1, domain_base(name)) == 0);
		CHECK(domain_parse_host(made, strlen(made), again) == DOMAIN_VALID);
	} else {
		CHECK(strlen(domain_base(name)) + strlen("_acme-challenge.") > DOMAIN_MAX);
	}
	if (domain_txt_name("_dstack-app-address", name, made) == 0)
		CHECK(domain_parse_host(made, strlen(made), again) == DOMAIN_VALID);
	else
		CHECK(made[0] == '\0');
}

static enum domain_verdict check_name(const char *text, domain_name name)
{
	domain_name host, dotted;
	size_t length = strlen(text);
	enum domain_verdict verdict = domain_parse(text, length, name);

	CHECK(domain_verdict_text(verdict)[0] != '\0');
	if (verdict != DOMAIN_VALID) {
		CHECK(name[0] == '\0');
		return verdict;
	}
	check_domain(name);
	check_word(name);
	CHECK(strchr(domain_base(name), '.') != NULL);
	CHECK(domain_covers(name, name));
	int dotted_length = snprintf(dotted, sizeof(dotted), "%s.", name);
	CHECK(domain_parse(dotted, (size_t)dotted_length, host) == DOMAIN_VALID);
	CHECK(strcmp(host, name) == 0);
	enum domain_verdict as_host = domain_parse_host(text, length, host);
	CHECK(domain_is_wildcard(name) ? as_host == DOMAIN_BAD_WILDCARD
				       : as_host == DOMAIN_VALID && strcmp(host, name) == 0);
	check_made_from(name);
	return verdict;
}

static void check_host(const char *text)
{
	char reason[SETTING_REASON_SIZE] = "";
	struct endpoint endpoint;
	domain_name host, again;
	enum domain_verdict verdict = domain_parse_host(text, strlen(text), host);

	if (verdict == DOMAIN_VALID || verdict == DOMAIN_IS_ADDRESS) {
		check_word(host);
		CHECK(domain_parse_host(host, strlen(host), again) == verdict);
		CHECK(strcmp(host, again) == 0);
	} else {
		CHECK(host[0] == '\0');
	}
	if (settings_parse_host_port(text, strlen(text), 53, &endpoint, reason))
		check_endpoint(&endpoint);
	else
		CHECK(reason[0] != '\0');
	if (settings_parse_target(text, strlen(text), &endpoint, reason))
		check_endpoint(&endpoint);
}

static void check_shown(const char *text)
{
	char shown[SETTING_SHOWN_SIZE];

	settings_show(text, strlen(text), shown);
	CHECK(strlen(shown) < sizeof(shown));
	fuzz_check_plain(shown);
}

static size_t labels(const char *name)
{
	size_t count = 1;

	for (; *name != '\0'; name++)
		count += *name == '.';
	return count;
}

static void check_pair(const char *pattern, const char *name)
{
	if (!domain_covers(pattern, name))
		return;
	CHECK(labels(pattern) == labels(name));
	CHECK(strcmp(strchr(pattern, '.'), strchr(name, '.')) == 0);
	CHECK(strcmp(pattern, name) == 0 || !domain_covers(name, pattern));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *first = fuzz_line(&input), *second = fuzz_line(&input);
	domain_name left, right;

	check_host(first);
	check_shown(first);
	if (check_name(first, left) == DOMAIN_VALID && check_name(second, right) == DOMAIN_VALID) {
		check_pair(left, right);
		check_pair(right, left);
	}
	free(first);
	free(second);
	return 0;
}
