/* Namecheap's answers, good, odd and broken. */
#include "test/unit/dns-hooks/namecheap_zones.h"

#define ERROR(number, text) \
	RESPONSE("ERROR", "<Errors><Error Number=\"" number "\">" text "</Error></Errors>", "")

struct failure_case {
	long status;
	const char *body;
	enum exit_code code;
	const char *words; /* in the message */
};

static void failures_tell_numbers_words_and_what_to_do(void **state)
{
	static const struct failure_case cases[] = {
	    {200, ERROR("1011102", "API Key is invalid or API access has not been enabled"),
	     EXIT_BAD_CONFIG, "error 1011102: API Key is invalid"},
	    {200, ERROR("1011102", "x"), EXIT_BAD_CONFIG, "NAMECHEAP_API_KEY"},
	    {200, ERROR("1011150", "Invalid request IP: 198.51.100.7"), EXIT_BAD_CONFIG,
	     "NAMECHEAP_CLIENT_IP"},
	    {200, ERROR("1017101", "Parameter ApiUser is disabled or locked"), EXIT_BAD_CONFIG,
	     "NAMECHEAP_USERNAME"},
	    {200, ERROR("1050900", "Unknown error when validating APIUser"), EXIT_UNREACHABLE,
	     "1050900"},
	    {200, ERROR("2019166", "Domain not found"), EXIT_FAILED, "does not have this domain"},
	    {200, ERROR("2016166", "Domain is not associated with your account"), EXIT_FAILED,
	     "does not have this domain"},
	    {200, ERROR("2030166", "Edit permission for domain is not supported"), EXIT_FAILED,
	     "may not edit"},
	    {200, ERROR("2030288", "this domain is not using proper DNS servers"), EXIT_FAILED,
	     "DNS_PROVIDER"},
	    {200, ERROR("2050900", "CAA record with tag \"issue\" has incorrect value."),
	     EXIT_FAILED, "has incorrect value"},
	    {200, ERROR("3031510", "Error From Enom when Errorcount &lt;&gt; 0"), EXIT_FAILED,
	     "Errorcount <> 0"},
	    {200, ERROR("3050900", "Unknown error from Enom"), EXIT_UNREACHABLE, "3050900"},
	    {200, ERROR("5019169", "Unknown exceptions"), EXIT_UNREACHABLE, "5019169"},
	    {200, ERROR("5050169", "Unknown exceptions"), EXIT_UNREACHABLE, "5050169"},
	    {200, ERROR("5050900", "Unknown exceptions"), EXIT_UNREACHABLE, "5050900"},
	    {200, ERROR("500000", "Too many requests"), EXIT_TRY_LATER, "Too many requests"},
	    {405, "<html><h1>405 Not Allowed</h1></html>", EXIT_TRY_LATER, "rate limit"},
	    {405, SUCCESS(""), EXIT_TRY_LATER, "rate limit"},
	    {500, "<html>oh</html>", EXIT_UNREACHABLE, "500"},
	    {502, "<!DOCTYPE html><html>Bad gateway", EXIT_UNREACHABLE, "502"},
	    {403, "<html>Forbidden", EXIT_BAD_CONFIG, "403"},
	    {500, ERROR("5050900", "Unknown exceptions"), EXIT_UNREACHABLE, "5050900"},
	    {500, SUCCESS(""), EXIT_UNREACHABLE, "500"},
	    {200, "<html>Log in to the hotel's network</html>", EXIT_UNREACHABLE, "no ApiResponse"},
	    {200, "", EXIT_UNREACHABLE, "not XML"},
	    {200, "{\"a\":1}", EXIT_UNREACHABLE, "not XML"},
	    {200, "<ApiResponse Status=\"OK\"><Errors/><CommandResponse>", EXIT_UNREACHABLE,
	     "not XML"},
	    {200, "<ApiResponse/>", EXIT_UNREACHABLE, "Status"},
	    {200, "<ApiResponse Status=\"OK\"/>", EXIT_UNREACHABLE, "CommandResponse"},
	    {200, "<ApiResponse Status=\"OK\"><CommandResponse/><CommandResponse/></ApiResponse>",
	     EXIT_UNREACHABLE, "CommandResponse"},
	    {200, RESPONSE("ERROR", "<Errors />", "<CommandResponse/>"), EXIT_FAILED,
	     "without a reason"},
	    {200, RESPONSE("OK", "<Errors><Error>odd</Error></Errors>", "<CommandResponse/>"),
	     EXIT_FAILED, "error ?: odd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct namecheap_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, cases[i].status, cases[i].body, &err), -1);
		assert_null(answer.response);
		assert_contains(err.text, "Namecheap: " CALL);
		assert_contains(err.text, cases[i].words);
		assert_int_equal(err.code, cases[i].code);
		namecheap_answer_free(&answer);
	}
}

static void the_rate_limit_says_when_to_come_back(void **state)
{
	struct namecheap_answer answer = {.status = 405};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(namecheap_judge(&answer, CALL, "", 0, &err), -1);
	assert_int_equal(err.retry_after, NAMECHEAP_RATE_LIMIT_S);
	answer.retry_after = 3600;
	assert_int_equal(namecheap_judge(&answer, CALL, "", 0, &err), -1);
	assert_int_equal(err.retry_after, 3600);
}

static void what_an_error_says_of_a_domain(void **state)
{
	static const struct {
		const char *body;
		bool is_unknown, is_elsewhere;
	} cases[] = {
	    {ERROR("2019166", "x"), true, false},  {ERROR("2016166", "x"), true, false},
	    {ERROR("2030280", "x"), true, false},  {ERROR("2030288", "x"), false, true},
	    {ERROR("1011102", "x"), false, false}, {ERROR("3050900", "x"), false, false},
	    {ERROR("x", "x"), false, false},	   {"<html/>", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct namecheap_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, 200, cases[i].body, &err), -1);
		assert_int_equal(namecheap_knows_no_such_domain(&answer), cases[i].is_unknown);
		assert_int_equal(namecheap_serves_elsewhere(&answer), cases[i].is_elsewhere);
		namecheap_answer_free(&answer);
	}
}

/* ---- getHosts */

static void a_zone_is_read_whole(void **state)
{
	static const char body[] =
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<ApiResponse Status=\"OK\" xmlns=\"https://api.namecheap.com/xml.response\">\n"
	    "  <Errors />\n  <Warnings />\n"
	    "  <RequestedCommand>namecheap.domains.dns.gethosts</RequestedCommand>\n"
	    "  <CommandResponse Type=\"namecheap.domains.dns.getHosts\">\n"
	    "    <DomainDNSGetHostsResult Domain=\"Example.co.uk\" EmailType=\"MX\" "
	    "IsUsingOurDNS=\"true\">\n"
	    "      <host HostId=\"160859434\" Name=\"@\" Type=\"MX\" Address=\"my.example.org.\" "
	    "MXPref=\"20\" TTL=\"300\" AssociatedAppTitle=\"\" FriendlyName=\"\" IsActive=\"true\" "
	    "IsDDNSEnabled=\"false\" />\n"
	    "      <Host HostID=\"2\" Name=\"@\" Type=\"CAA\" "
	    "Address=\"0 issue &quot;ca.test&quot;\" TTL=\"1800\" />\n"
	    "      <host HostId=\"3\" Name=\"x\" Type=\"FUTURE\" Address=\"a &amp; &lt;b&gt;\" "
	    "MXPref=\"10\" TTL=\"60\" IsDDNSEnabled=\"True\" IsActive=\"false\" Weight=\"7\"/>\n"
	    "    </DomainDNSGetHostsResult>\n  </CommandResponse>\n</ApiResponse>";
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;

	(void)state;
	read_good(body, &zone);
	assert_string_equal(zone.name, ZONE);
	assert_string_equal(zone.email_type, "MX");
	assert_true(zone.is_served);
	assert_int_equal(zone.count, 3);
	assert_string_equal(zone.hosts[0].id, "160859434");
	assert_string_equal(zone.hosts[0].name, "@");
	assert_string_equal(zone.hosts[0].address, "my.example.org.");
	assert_string_equal(zone.hosts[0].mx_pref, "20");
	assert_string_equal(zone.hosts[0].ttl, "300");
	assert_false(zone.hosts[0].is_dynamic || zone.hosts[0].is_inactive);
	assert_null(zone.hosts[0].odd);
	assert_string_equal(zone.hosts[1].id, "2");
	assert_string_equal(zone.hosts[1].address, "0 issue \"ca.test\"");
	assert_null(zone.hosts[1].mx_pref);
	assert_string_equal(zone.hosts[2].address, "a & <b>");
	assert_true(zone.hosts[2].is_dynamic && zone.hosts[2].is_inactive);
	assert_string_equal(zone.hosts[2].odd, "Weight");
}

static void an_empty_zone_is_read(void **state)
{
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;

	(void)state;
	read_good(HOSTS("IsUsingOurDNS=\"false\"", ""), &zone);
	assert_int_equal(zone.count, 0);
	assert_null(zone.email_type);
	assert_false(zone.is_served);
}

static void what_is_not_understood_is_no_zone(void **state)
{
	static const char *const bodies[] = {
	    SUCCESS(""),
	    SUCCESS("<DomainDNSGetHostsResult IsUsingOurDNS=\"true\"/>"),
	    SUCCESS("<DomainDNSGetHostsResult Domain=\"co.uk\" IsUsingOurDNS=\"true\"/>"),
	    SUCCESS("<DomainDNSSetHostsResult Domain=\"" ZONE "\" IsUsingOurDNS=\"true\"/>"),
	    SUCCESS("<DomainDNSGetHostsResult Domain=\"" ZONE "\" IsUsingOurDNS=\"true\"/>"
		    "<DomainDNSGetHostsResult Domain=\"" ZONE "\" IsUsingOurDNS=\"true\"/>"),
	    HOSTS("EmailType=\"MX\"", ""),
	    HOSTS("IsUsingOurDNS=\"true\"", "<record Name=\"@\" Type=\"A\" Address=\"1.2.3.4\"/>"),
	    HOSTS("IsUsingOurDNS=\"true\"", "<host Type=\"A\" Address=\"1.2.3.4\"/>"),
	    HOSTS("IsUsingOurDNS=\"true\"", "<host Name=\"@\" Address=\"1.2.3.4\"/>"),
	    HOSTS("IsUsingOurDNS=\"true\"", "<host Name=\"@\" Type=\"A\"/>"),
	    HOSTS("IsUsingOurDNS=\"true\"", HOST("", "A", "1.2.3.4")),
	    HOSTS("IsUsingOurDNS=\"true\"", HOST("@", "", "1.2.3.4")),
	    HOSTS("IsUsingOurDNS=\"true\" HostCount=\"2\"", HOST("@", "A", "1.2.3.4")),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;
		struct error err = ERROR_INIT;
		assert_int_equal(read_body(bodies[i], &zone, &err), -1);
		assert_contains(err.text, ZONE " is not understood");
		assert_int_equal(err.code, EXIT_UNREACHABLE);
	}
}

static void a_zone_has_an_end(void **state)
{
	static const char host[] = HOST("a", "A", "192.0.2.1");
	AUTO_NAMECHEAP_ZONE struct namecheap_zone zone;
	struct error err = ERROR_INIT;
	struct buffer body;

	(void)state;
	buffer_init(&body, 1 << 20);
	buffer_puts(&body, "<ApiResponse Status=\"OK\"><CommandResponse><DomainDNSGetHostsResult "
			   "Domain=\"" ZONE "\" EmailType=\"MX\" IsUsingOurDNS=\"true\">");
	for (int i = 0; i <= NAMECHEAP_HOSTS_MAX; i++)
		buffer_puts(&body, host);
	buffer_puts(&body, "</DomainDNSGetHostsResult></CommandResponse></ApiResponse>");
	assert_int_equal(read_body(buffer_text(&body), &zone, &err), -1);
	assert_contains(err.text, "more than 2000 hosts");
	buffer_free(&body);
}

/* ---- the other commands */

static int read_with(int (*read)(const struct namecheap_answer *, struct error *), const char *body,
		     struct error *err)
{
	struct namecheap_answer answer;

	assert_int_equal(judge(&answer, 200, body, err), 0);
	int result = read(&answer, err);
	namecheap_answer_free(&answer);
	return result;
}

static int written(const struct namecheap_answer *answer, struct error *err)
{
	return namecheap_read_written(answer, ZONE, err);
}

static void only_is_success_is_success(void **state)
{
	static const char *const bad[] = {
	    SUCCESS("<DomainDNSSetHostsResult Domain=\"" ZONE "\" IsSuccess=\"false\"/>"),
	    SUCCESS("<DomainDNSSetHostsResult Domain=\"" ZONE "\"/>"),
	    SUCCESS("<DomainDNSSetHostsResult Domain=\"other.test\" IsSuccess=\"true\"/>"),
	    SUCCESS("<DomainDNSSetCustomResult Domain=\"" ZONE "\" IsSuccess=\"true\"/>"),
	    SUCCESS(""),
	};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_with(written,
				   SUCCESS("<DomainDNSSetHostsResult Domain=\"" ZONE
					   "\" EmailType=\"\" IsSuccess=\"true\"><Warnings/>"
					   "</DomainDNSSetHostsResult>"),
				   &err),
			 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_with(written, bad[i], &err), -1);
}

static int counted_three(const struct namecheap_answer *answer, struct error *err)
{
	long count = -1;
	int result = namecheap_read_host_count(answer, ZONE, &count, err);

	if (result == 0)
		assert_int_equal(count, 3);
	return result;
}

#define INFO(details) \
	SUCCESS("<DomainGetInfoResult DomainName=\"" ZONE "\">" details "</DomainGetInfoResult>")

static void hosts_are_counted(void **state)
{
	static const char *const bad[] = {
	    INFO(""), INFO("<DnsDetails/>"), INFO("<DnsDetails HostCount=\"\"/>"),
	    INFO("<DnsDetails HostCount=\"-1\"/>"), INFO("<DnsDetails HostCount=\"3x\"/>")};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_with(counted_three,
				   INFO("<DnsDetails ProviderType=\"FREE\" HostCount=\"3\"/>"),
				   &err),
			 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_with(counted_three, bad[i], &err), -1);
}

/* ---- getList */

static int note(const char *domain, void *user, struct error *err)
{
	(void)err;
	buffer_printf(user, "%s ", domain);
	return 0;
}

static int take_page(struct namecheap_listing *listing, const char *body, struct buffer *seen)
{
	struct namecheap_answer answer;
	struct error err = ERROR_INIT;

	assert_int_equal(judge(&answer, 200, body, &err), 0);
	int result = namecheap_next_page(listing, &answer, note, seen, &err);
	namecheap_answer_free(&answer);
	return result;
}

#define PAGE(domains, total, page)                                               \
	SUCCESS("<DomainGetListResult>" domains "</DomainGetListResult><Paging>" \
		"<TotalItems>" total "</TotalItems><CurrentPage>" page           \
		"</CurrentPage><PageSize>2</PageSize></Paging>")
#define DOMAIN(name) "<Domain ID=\"1\" Name=\"" name "\" IsOurDNS=\"true\"/>"

static void pages_add_up(void **state)
{
	struct namecheap_listing listing = {.total = -1};
	struct buffer seen;

	(void)state;
	buffer_init(&seen, 1000);
	assert_int_equal(
	    take_page(&listing, PAGE(DOMAIN("A.test") DOMAIN("b.co.uk"), "3", "1"), &seen), 0);
	assert_true(listing.seen < listing.total);
	assert_int_equal(take_page(&listing, PAGE(DOMAIN("c.test"), "3", "2"), &seen), 0);
	assert_int_equal(listing.seen, listing.total);
	assert_string_equal(buffer_text(&seen), "a.test b.co.uk c.test ");
	buffer_free(&seen);
}

static void an_account_may_be_empty(void **state)
{
	static const char *const pages[] = {PAGE("", "0", "1"), PAGE("", "0", "0")};
	struct buffer seen;

	(void)state;
	buffer_init(&seen, 1000);
	for (size_t i = 0; i < 2; i++) {
		struct namecheap_listing listing = {.total = -1};
		assert_int_equal(take_page(&listing, pages[i], &seen), 0);
		assert_int_equal(listing.seen, listing.total);
	}
	buffer_free(&seen);
}

static void pages_that_do_not_fit_are_refused(void **state)
{
	static const char *const second[] = {
	    PAGE("", "3", "2"),
	    PAGE(DOMAIN("a") DOMAIN("b") DOMAIN("c"), "3", "2"),
	    PAGE(DOMAIN("a"), "2", "2"),
	    PAGE(DOMAIN("a"), "3", "1"),
	    PAGE(DOMAIN("a"), "x", "2"),
	    PAGE(DOMAIN("a"), "3", ""),
	    PAGE("<Domain/>", "3", "2"),
	    PAGE("<Zone Name=\"a\"/>", "3", "2"),
	    SUCCESS("<DomainGetListResult>" DOMAIN("a") "</DomainGetListResult>"),
	    SUCCESS("<Paging><TotalItems>3</TotalItems><CurrentPage>2</CurrentPage></Paging>"),
	};
	struct buffer seen;

	(void)state;
	buffer_init(&seen, 1000);
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		struct namecheap_listing listing = {.total = -1};
		assert_int_equal(
		    take_page(&listing, PAGE(DOMAIN("x") DOMAIN("y"), "3", "1"), &seen), 0);
		assert_int_equal(take_page(&listing, second[i], &seen), -1);
	}
	buffer_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_tell_numbers_words_and_what_to_do),
	    cmocka_unit_test(the_rate_limit_says_when_to_come_back),
	    cmocka_unit_test(what_an_error_says_of_a_domain),
	    cmocka_unit_test(a_zone_is_read_whole),
	    cmocka_unit_test(an_empty_zone_is_read),
	    cmocka_unit_test(what_is_not_understood_is_no_zone),
	    cmocka_unit_test(a_zone_has_an_end),
	    cmocka_unit_test(only_is_success_is_success),
	    cmocka_unit_test(hosts_are_counted),
	    cmocka_unit_test(pages_add_up),
	    cmocka_unit_test(an_account_may_be_empty),
	    cmocka_unit_test(pages_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
