#include "unit.h"

#include "common/domain.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define LABEL63 A60 "aaa"
#define NAME253 LABEL63 "." LABEL63 "." LABEL63 "." A60 "a"

struct sample {
	const char *text;
	enum domain_verdict verdict;
	const char *out;
};

static void check(enum domain_verdict (*parse)(const char *, size_t, domain_name),
		  const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		domain_name out = "untouched";
		enum domain_verdict verdict = parse(samples[i].text, strlen(samples[i].text), out);
		if (verdict != samples[i].verdict)
			fail_msg("'%s' %s", samples[i].text, domain_verdict_text(verdict));
		assert_string_equal(out, samples[i].out);
	}
}

static void domains_are_checked_and_normalised(void **state)
{
	static const struct sample samples[] = {
	    {"example.com", DOMAIN_VALID, "example.com"},
	    {"App.EXAMPLE.com.", DOMAIN_VALID, "app.example.com"},
	    {"*.Example.com", DOMAIN_VALID, "*.example.com"},
	    {"xn--bcher-kva.example", DOMAIN_VALID, "xn--bcher-kva.example"},
	    {"a-b--c.example", DOMAIN_VALID, "a-b--c.example"},
	    {"1.example.com", DOMAIN_VALID, "1.example.com"},
	    {"1.2.3.example", DOMAIN_VALID, "1.2.3.example"},
	    {LABEL63 ".com", DOMAIN_VALID, LABEL63 ".com"},
	    {NAME253, DOMAIN_VALID, NAME253},
	    {NAME253 ".", DOMAIN_VALID, NAME253},
	    {"", DOMAIN_EMPTY, ""},
	    {".", DOMAIN_EMPTY, ""},
	    {NAME253 "a", DOMAIN_TOO_LONG, ""},
	    {"*." NAME253, DOMAIN_TOO_LONG, ""},
	    {LABEL63 "a.com", DOMAIN_BAD_LABEL, ""},
	    {"a..b", DOMAIN_BAD_LABEL, ""},
	    {".a.b", DOMAIN_BAD_LABEL, ""},
	    {"a.b..", DOMAIN_BAD_LABEL, ""},
	    {"..", DOMAIN_BAD_LABEL, ""},
	    {"-a.example", DOMAIN_BAD_LABEL, ""},
	    {"a-.example", DOMAIN_BAD_LABEL, ""},
	    {"a.example-", DOMAIN_BAD_LABEL, ""},
	    {"*..com", DOMAIN_BAD_LABEL, ""},
	    {"a_b.example", DOMAIN_BAD_CHARACTER, ""},
	    {"b\xc3\xbc"
	     "cher.example",
	     DOMAIN_BAD_CHARACTER, ""},
	    {"a b.example", DOMAIN_BAD_CHARACTER, ""},
	    {"example.com\n", DOMAIN_BAD_CHARACTER, ""},
	    {"https://example.com", DOMAIN_MORE_THAN_NAME, ""},
	    {"example.com:443", DOMAIN_MORE_THAN_NAME, ""},
	    {"*.example.com/", DOMAIN_MORE_THAN_NAME, ""},
	    {"*", DOMAIN_BAD_WILDCARD, ""},
	    {"*.", DOMAIN_BAD_WILDCARD, ""},
	    {"*.*.example.com", DOMAIN_BAD_WILDCARD, ""},
	    {"a.*.example.com", DOMAIN_BAD_WILDCARD, ""},
	    {"*a.example.com", DOMAIN_BAD_WILDCARD, ""},
	    {"**.example.com", DOMAIN_BAD_WILDCARD, ""},
	    {"localhost", DOMAIN_SINGLE_LABEL, ""},
	    {"*.com", DOMAIN_SINGLE_LABEL, ""},
	    {"192.0.2.1", DOMAIN_IS_ADDRESS, ""},
	    {"192.0.2.1.", DOMAIN_IS_ADDRESS, ""},
	    {"1.2", DOMAIN_IS_ADDRESS, ""},
	    {"999.999.999.999", DOMAIN_IS_ADDRESS, ""},
	    {"*.1.2.3", DOMAIN_IS_ADDRESS, ""},
	};

	(void)state;
	check(domain_parse, samples, sizeof(samples) / sizeof(*samples));
}

static void hosts_may_be_what_domains_may_not(void **state)
{
	static const struct sample samples[] = {
	    {"app", DOMAIN_VALID, "app"},
	    {"My_Service", DOMAIN_VALID, "my_service"},
	    {"_sip._tcp.example.com.", DOMAIN_VALID, "_sip._tcp.example.com"},
	    {"backend-1.internal", DOMAIN_VALID, "backend-1.internal"},
	    {"192.0.2.1", DOMAIN_IS_ADDRESS, "192.0.2.1"},
	    {"", DOMAIN_EMPTY, ""},
	    {NAME253 "a", DOMAIN_TOO_LONG, ""},
	    {"a..b", DOMAIN_BAD_LABEL, ""},
	    {"*.example.com", DOMAIN_BAD_WILDCARD, ""},
	    {"app:80", DOMAIN_MORE_THAN_NAME, ""},
	    {"https://app", DOMAIN_MORE_THAN_NAME, ""},
	    {"app web", DOMAIN_BAD_CHARACTER, ""},
	    /* inet_aton() would make addresses of these, and not the ones meant. */
	    {"192.0.2.256", DOMAIN_BAD_ADDRESS, ""},
	    {"192.0.2", DOMAIN_BAD_ADDRESS, ""},
	    {"192.0.2.010", DOMAIN_BAD_ADDRESS, ""},
	    {"8080", DOMAIN_BAD_ADDRESS, ""},
	};

	(void)state;
	check(domain_parse_host, samples, sizeof(samples) / sizeof(*samples));
}

static void the_length_counts_and_a_nul_is_a_character(void **state)
{
	domain_name out;

	(void)state;
	assert_int_equal(domain_parse("example.com,b", 11, out), DOMAIN_VALID);
	assert_string_equal(out, "example.com");
	assert_int_equal(domain_parse("a.com\0.b", 8, out), DOMAIN_BAD_CHARACTER);
	assert_int_equal(domain_parse(NULL, 0, out), DOMAIN_EMPTY);
}

static void every_verdict_has_its_words(void **state)
{
	(void)state;
	for (int i = DOMAIN_VALID; i <= DOMAIN_BAD_ADDRESS; i++) {
		const char *text = domain_verdict_text((enum domain_verdict)i);
		assert_true(strlen(text) > 5);
		for (int j = DOMAIN_VALID; j < i; j++)
			assert_string_not_equal(text, domain_verdict_text((enum domain_verdict)j));
	}
}

static void wildcards_have_a_base(void **state)
{
	const char *wildcard = "*.example.com";

	(void)state;
	assert_true(domain_is_wildcard(wildcard));
	assert_false(domain_is_wildcard("example.com"));
	assert_ptr_equal(domain_base(wildcard), wildcard + 2);
	assert_string_equal(domain_base("a.example.com"), "a.example.com");
}

static void a_wildcard_covers_exactly_one_label(void **state)
{
	(void)state;
	assert_true(domain_covers("a.example.com", "a.example.com"));
	assert_true(domain_covers("*.example.com", "a.example.com"));
	assert_true(domain_covers("*.example.com", "*.example.com"));
	assert_false(domain_covers("*.example.com", "example.com"));
	assert_false(domain_covers("*.example.com", "a.b.example.com"));
	assert_false(domain_covers("*.example.com", ".example.com"));
	assert_false(domain_covers("*.example.com", "a.example.org"));
	assert_false(domain_covers("*.example.com", "aexample.com"));
	assert_false(domain_covers("a.example.com", "*.example.com"));
	assert_false(domain_covers("*.example.com", "*.b.example.com"));
	assert_false(domain_covers("*.b.example.com", "*.example.com"));
	assert_false(domain_covers("b.example.com", "a.example.com"));
}

static void record_names_are_made_from_the_base(void **state)
{
	domain_name out;

	(void)state;
	assert_int_equal(domain_txt_name("_dstack-app-address", "a.example.com", out), 0);
	assert_string_equal(out, "_dstack-app-address.a.example.com");
	assert_int_equal(domain_txt_name("_dstack-app-address", "*.example.com", out), 0);
	assert_string_equal(out, "_dstack-app-address-wildcard.example.com");
	assert_int_equal(domain_challenge_name("a.example.com", out), 0);
	assert_string_equal(out, "_acme-challenge.a.example.com");
	assert_int_equal(domain_challenge_name("*.example.com", out), 0);
	assert_string_equal(out, "_acme-challenge.example.com");
}

static void record_names_are_never_cut(void **state)
{
	domain_name out;
	/* 237 bytes and "_acme-challenge." of 16 are 253. */
	const char *name = NAME253;
	const char *longest = name + 16;

	(void)state;
	assert_int_equal(domain_challenge_name(longest, out), 0);
	assert_int_equal(strlen(out), DOMAIN_MAX);
	assert_int_equal(domain_challenge_name(longest - 1, out), -1);
	assert_string_equal(out, "");
	assert_int_equal(domain_txt_name("_p", NAME253, out), -1);
	assert_int_equal(domain_txt_name("_p", "*." NAME253, out), -1);
}

static void a_domain_is_meant_however_it_is_written(void **state)
{
	(void)state;
	assert_true(domain_is_meant("app.example.com", "app.example.com"));
	assert_true(domain_is_meant("app.example.com", "APP.example.com."));
	assert_true(domain_is_meant("*.example.com", "*.Example.com."));
	assert_false(domain_is_meant("app.example.com", "app.example.com.."));
	assert_false(domain_is_meant("app.example.com", "*.example.com"));
	assert_false(domain_is_meant("*.example.com", "app.example.com"));
	assert_false(domain_is_meant("app.example.com", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(domains_are_checked_and_normalised),
	    cmocka_unit_test(hosts_may_be_what_domains_may_not),
	    cmocka_unit_test(the_length_counts_and_a_nul_is_a_character),
	    cmocka_unit_test(every_verdict_has_its_words),
	    cmocka_unit_test(a_domain_is_meant_however_it_is_written),
	    cmocka_unit_test(wildcards_have_a_base),
	    cmocka_unit_test(a_wildcard_covers_exactly_one_label),
	    cmocka_unit_test(record_names_are_made_from_the_base),
	    cmocka_unit_test(record_names_are_never_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
