/* The lines between ingress-resolve and ingressd. */
#include "supervisor/addresses/dns_answer.h"

#include "test/unit/common/unit.h"

#include <netinet/in.h>

static void check_line(int status, const struct addrinfo *list, const char *wanted)
{
	struct buffer line;

	buffer_init(&line, DNS_ANSWER_LINE_MAX);
	dns_answer_format("app.test", status, list, &line);
	assert_string_equal(buffer_text(&line), wanted);
	buffer_free(&line);
}

static void what_libc_says_becomes_a_line(void **state)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_scope_id = 7};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct addrinfo third = {.ai_addr = (struct sockaddr *)&ipv6};
	struct addrinfo second = {.ai_addr = &other, .ai_next = &third};
	struct addrinfo first = {.ai_addr = (struct sockaddr *)&ipv4, .ai_next = &second};

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &ipv4.sin_addr);
	inet_pton(AF_INET6, "fe80::1", &ipv6.sin6_addr);
	check_line(0, &first, "app.test 192.0.2.1 fe80::1\n");
	check_line(EAI_NONAME, NULL, "app.test gone\n");
	check_line(EAI_NODATA, NULL, "app.test gone\n");
	check_line(EAI_AGAIN, NULL, "app.test failed\n");
	check_line(EAI_FAIL, NULL, "app.test failed\n");
	check_line(EAI_SYSTEM, NULL, "app.test failed\n");
}

static void more_addresses_than_a_line_holds_are_left_out(void **state)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	struct addrinfo list[DNS_ANSWER_ADDRESSES_MAX + 1];
	char name[DOMAIN_MAX + 1];
	struct dns_answer answer;
	struct buffer line;

	(void)state;
	memset(&address.sin6_addr, 0xfd, sizeof(address.sin6_addr));
	memset(name, 'a', DOMAIN_MAX);
	name[DOMAIN_MAX] = '\0';
	for (size_t i = 0; i < DNS_ANSWER_ADDRESSES_MAX + 1; i++)
		list[i] = (struct addrinfo){.ai_addr = (struct sockaddr *)&address,
					    .ai_next =
						i < DNS_ANSWER_ADDRESSES_MAX ? &list[i + 1] : NULL};
	buffer_init(&line, DNS_ANSWER_LINE_MAX);
	dns_answer_format(name, 0, list, &line);
	assert_false(line.failed);
	line.data[line.length - 1] = '\0';
	assert_true(dns_answer_parse(line.data, &answer));
	assert_int_equal(answer.count, DNS_ANSWER_ADDRESSES_MAX);
	buffer_free(&line);
}

static void a_line_is_read_back(void **state)
{
	struct ip_address wanted;
	struct dns_answer answer;

	(void)state;
	assert_true(dns_answer_parse("app.test 192.0.2.1 2001:db8::7", &answer));
	assert_string_equal(answer.name, "app.test");
	assert_int_equal(answer.kind, DNS_ANSWER_ADDRESSES);
	assert_int_equal(answer.count, 2);
	assert_true(ip_parse("2001:db8::7", &wanted));
	assert_true(ip_equal(&answer.addresses[1], &wanted));
	assert_true(dns_answer_parse("gone gone", &answer));
	assert_int_equal(answer.kind, DNS_ANSWER_GONE);
	assert_true(dns_answer_parse("app failed", &answer));
	assert_int_equal(answer.kind, DNS_ANSWER_FAILED);
}

static void anything_else_is_no_answer(void **state)
{
	static const char *const wrong[] = {"",
					    " ",
					    "app",
					    "app ",
					    " 192.0.2.1",
					    "app  10.0.0.1",
					    "app 10.0.0.1  ",
					    "app gone ",
					    "app Failed",
					    "app 10.0.0.1 gone",
					    "app 10.0.0",
					    "app fe80::1%lo"};
	char long_name[DOMAIN_MAX + 16] = "";
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (dns_answer_parse(wrong[i], &answer))
			fail_msg("\"%s\" was understood", wrong[i]);
	memset(long_name, 'a', DOMAIN_MAX + 1);
	memcpy(long_name + DOMAIN_MAX + 1, " gone", 6);
	assert_false(dns_answer_parse(long_name, &answer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_libc_says_becomes_a_line),
	    cmocka_unit_test(more_addresses_than_a_line_holds_are_left_out),
	    cmocka_unit_test(a_line_is_read_back),
	    cmocka_unit_test(anything_else_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
