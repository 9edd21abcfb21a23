/* Names in Unicode become those that DNS has. */
#include "dns-hooks/records/idn.h"

#include "test/unit/common/unit.h"

static void names_have_the_form_of_dns(void **state)
{
	static const struct {
		const char *name, *ascii;
	} cases[] = {
	    {"Example.TEST.", "example.test"},
	    {"xn--mnchen-3ya.test", "xn--mnchen-3ya.test"},
	    {"m\xc3\xbcnchen.test", "xn--mnchen-3ya.test"},
	    {"_acme-challenge.App.b\xc3\xbc"
	     "cher.test.",
	     "_acme-challenge.app.xn--bcher-kva.test"},
	    {"*.m\xc3\xbcnchen.test", "*.xn--mnchen-3ya.test"},
	    {"fa\xc3\x9f.test", "xn--fa-hia.test"},
	    {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	     "xn--r8jz45g.xn--zckzah"},
	    {"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84",
	     "xn--e1afmkfd.xn--p1ai"},
	    {"\xf0\x9f\x98\x80.test", "xn--e28h.test"},
	};
	domain_name out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(idn_to_ascii(cases[i].name, out), 0);
		assert_string_equal(out, cases[i].ascii);
	}
}

static void what_is_no_name(void **state)
{
	static const char *const names[] = {
	    "\xff.test", "\xc3.test", "\xc0\xaf.test", "\xed\xa0\x80.test", "\xf4\x90\x80\x80.test",
	};
	char many[300];
	domain_name out;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(idn_to_ascii(names[i], out), -1);
	/* More letters than a label can have, and a name that is too long. */
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "\xc3\xbc", 3);
	assert_int_equal(idn_to_ascii(many, out), -1);
	for (size_t i = 0; i < 260; i++)
		many[i] = i % 40 == 39 ? '.' : 'a';
	memcpy(many + 260, "\xc3\xbc", 3);
	assert_int_equal(idn_to_ascii(many, out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_have_the_form_of_dns),
	    cmocka_unit_test(what_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
