/* Addresses and networks. */
#include "common/ip_network.h"

#include "test/unit/common/unit.h"

static struct ip_address address(const char *text)
{
	struct ip_address parsed;

	if (!ip_parse(text, &parsed))
		fail_msg("%s is no address", text);
	return parsed;
}

static struct ip_network network(const char *text)
{
	char reason[IP_REASON_SIZE];
	struct ip_network parsed;

	if (!ip_network_parse(text, strlen(text), &parsed, reason))
		fail_msg("%s: %s", text, reason);
	return parsed;
}

static bool has(const char *of, const char *text)
{
	struct ip_network parsed = network(of);
	struct ip_address inside = address(text);

	return ip_network_has(&parsed, &inside);
}

static void a_network_has_its_addresses_and_no_others(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.255.255"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_true(has("192.0.2.128/25", "192.0.2.128"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("192.0.2.1", "192.0.2.1"));
	assert_false(has("192.0.2.1", "192.0.2.2"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_true(has("fd00::/8", "fdff::1"));
	assert_false(has("fd00::/8", "fe00::1"));
	assert_true(has("2001:db8::7", "2001:db8::7"));
	assert_true(has("::/0", "2001:db8::7"));
}

static void the_families_are_apart(void **state)
{
	(void)state;
	assert_false(has("::/0", "192.0.2.1"));
	assert_false(has("0.0.0.0/0", "2001:db8::7"));
}

static void ipv4_in_the_clothes_of_ipv6_is_ipv4(void **state)
{
	char text[IP_TEXT_SIZE];
	struct ip_address mapped = address("::ffff:192.0.2.1");

	(void)state;
	ip_text(&mapped, text);
	assert_string_equal(text, "192.0.2.1");
	assert_true(has("192.0.2.0/24", "::ffff:192.0.2.1"));
	assert_false(has("::/0", "::ffff:192.0.2.1"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_false(has("::ffff:10.0.0.0/104", "11.1.2.3"));
	assert_true(has("::ffff:10.0.0.1", "10.0.0.1"));
	mapped = address("::ffff:127.0.0.1");
	assert_true(ip_is_loopback(&mapped));
	mapped = address("::ffff:0.0.0.0");
	assert_true(ip_is_no_peer(&mapped));
}

static void some_addresses_are_special(void **state)
{
	static const char *const loopback[] = {"127.0.0.1", "127.255.255.254", "::1"};
	static const char *const nobody[] = {"0.0.0.0", "::", "fe80::1", "febf::1"};
	static const char *const others[] = {"10.0.0.1",    "128.0.0.1", "::2",
					     "::127.0.0.1", "fec0::1",	 "169.254.1.1"};
	struct ip_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
		a = address(loopback[i]);
		assert_true(ip_is_loopback(&a) && !ip_is_no_peer(&a));
	}
	for (size_t i = 0; i < sizeof(nobody) / sizeof(*nobody); i++) {
		a = address(nobody[i]);
		assert_true(!ip_is_loopback(&a) && ip_is_no_peer(&a));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		a = address(others[i]);
		assert_true(!ip_is_loopback(&a) && !ip_is_no_peer(&a));
	}
}

static void what_is_no_network_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} wrong[] = {
	    {"", "there is no IP address at its beginning"},
	    {"/8", "there is no IP address at its beginning"},
	    {"app", "there is no IP address at its beginning"},
	    {"10.0.0/8", "there is no IP address at its beginning"},
	    {"fe80::1%lo/64", "there is no IP address at its beginning"},
	    {"2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999/64",
	     "there is no IP address at its beginning"},
	    {"10.0.0.0/", "behind the / stands no number of bits"},
	    {"10.0.0.0/+8", "behind the / stands no number of bits"},
	    {"10.0.0.0/255.0.0.0", "behind the / stands no number of bits"},
	    {"10.0.0.0/8 ", "behind the / stands no number of bits"},
	    {"10.0.0.0/33", "the prefix is longer than 32 bits"},
	    {"fd00::/129", "the prefix is longer than 128 bits"},
	    {"::ffff:0.0.0.0/0", "IPv4 networks are written as such (10.0.0.0/8)"},
	    {"10.1.2.3/8", "the network of that prefix begins at 10.0.0.0/8"},
	    {"fd00::1/8", "the network of that prefix begins at fd00::/8"},
	};
	char reason[IP_REASON_SIZE];
	struct ip_network parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_false(
		    ip_network_parse(wrong[i].text, strlen(wrong[i].text), &parsed, reason));
		assert_string_equal(reason, wrong[i].reason);
	}
}

static void a_prefix_may_end_within_a_byte(void **state)
{
	struct ip_address a = address("192.168.255.255");
	struct ip_network n = ip_network_of(&a, 20);
	char text[IP_TEXT_SIZE];

	(void)state;
	ip_text(&n.first, text);
	assert_string_equal(text, "192.168.240.0");
	assert_true(has("fd00:8000::/17", "fd00:ffff::"));
	assert_false(has("fd00:8000::/17", "fd00:7fff::"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_network_has_its_addresses_and_no_others),
	    cmocka_unit_test(the_families_are_apart),
	    cmocka_unit_test(ipv4_in_the_clothes_of_ipv6_is_ipv4),
	    cmocka_unit_test(some_addresses_are_special),
	    cmocka_unit_test(what_is_no_network_is_refused_with_a_reason),
	    cmocka_unit_test(a_prefix_may_end_within_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
