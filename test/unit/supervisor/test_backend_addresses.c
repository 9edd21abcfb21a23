/* Which address a backend's name has, by what DNS answered and when. */
#include "supervisor/addresses/backend_addresses.h"

#include "supervisor/haproxy/worker_addresses.h"
#include "test/unit/common/unit.h"

enum { NOW = 1764000000 };

/* Two names, one of them in two routes, and addresses that need no DNS. */
static struct route routes[] = {
    {.pattern = "a.test", .target = {.host = "app", .port = 80}},
    {.pattern = "b.test", .target = {.host = "db", .port = 5432}},
    {.pattern = "c.test", .target = {.host = "app", .port = 81}},
    {.pattern = "d.test", .target = {.host = "192.0.2.7", .port = 80}},
    {.pattern = "e.test", .target = {.host = "fd00::1", .port = 80, .is_ipv6 = true}},
};
static const struct settings settings = {.routes = routes, .route_count = 5};

/* The container is on 10.0.0.0/24; BACKEND_NETWORKS has 172.16.0.0/12. */
static struct ip_network own, listed;
static struct allowed_networks allowed;

static struct ip_network network(const char *text)
{
	char reason[IP_REASON_SIZE];
	struct ip_network parsed;

	assert_true(ip_network_parse(text, strlen(text), &parsed, reason));
	return parsed;
}

static int set_up(void **state)
{
	struct error err = ERROR_INIT;

	own = network("10.0.0.0/24");
	listed = network("172.16.0.0/12");
	allowed = (struct allowed_networks){&listed, 1, &own, 1};
	*state = backend_addresses_new(&settings, &err);
	return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	backend_addresses_free(*state);
	return 0;
}

static unsigned take(struct backend_addresses *table, const char *line, time_t now)
{
	struct dns_answer answer;

	if (!dns_answer_parse(line, &answer))
		fail_msg("\"%s\" is no answer", line);
	return backend_addresses_take(table, &answer, &allowed, now);
}

/* The address of "app", or "-". */
static const char *app(const struct backend_addresses *table)
{
	static char text[IP_TEXT_SIZE];
	const struct backend_address *entry = backend_addresses_find(table, "app");

	if (!entry->known)
		return "-";
	ip_text(&entry->address, text);
	return text;
}

static enum address_answer app_answer(const struct backend_addresses *table)
{
	return backend_addresses_find(table, "app")->answer;
}

static void each_name_is_there_once(void **state)
{
	assert_int_equal(backend_addresses_count(*state), 2);
	assert_string_equal(backend_addresses_at(*state, 0)->name, "app");
	assert_string_equal(backend_addresses_at(*state, 1)->name, "db");
	assert_null(backend_addresses_find(*state, "192.0.2.7"));
	assert_null(backend_addresses_find(*state, "fd00::1"));
	assert_int_equal(take(*state, "stranger 10.0.0.5", NOW), 0);
}

static void silence_changes_nothing_however_long(void **state)
{
	assert_int_equal(take(*state, "app 10.0.0.5", NOW), ADDRESS_CHANGED);
	for (int i = 1; i < 1000; i++)
		assert_int_equal(take(*state, "app failed", NOW + i * 3600), 0);
	assert_string_equal(app(*state), "10.0.0.5");
	assert_int_equal(app_answer(*state), ANSWER_FAILED);
	assert_int_equal(backend_addresses_find(*state, "app")->since, NOW);
}

static void the_address_in_use_stays_among_several(void **state)
{
	take(*state, "app 10.0.0.5", NOW);
	assert_int_equal(take(*state, "app 10.0.0.4 10.0.0.5 10.0.0.6", NOW), 0);
	assert_string_equal(app(*state), "10.0.0.5");
	assert_int_equal(take(*state, "app 203.0.113.9 10.0.0.6 10.0.0.7", NOW), ADDRESS_CHANGED);
	assert_string_equal(app(*state), "10.0.0.6");
	assert_int_equal(app_answer(*state), ANSWER_GOOD);
}

static void only_near_addresses_are_believed(void **state)
{
	static const char *const good[] = {"127.0.0.1", "::1", "10.0.0.200", "172.31.0.1",
					   "::ffff:10.0.0.9"};
	static const char *const bad[] = {"203.0.113.9", "10.0.1.1",
					  "2001:db8::1", "0.0.0.0",
					  "::",		 "fe80::1",
					  "fd00::1",	 "::ffff:203.0.113.9",
					  "::10.0.0.9"};
	char line[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(line, sizeof(line), "app %s", good[i]);
		assert_int_equal(take(*state, line, NOW), ADDRESS_CHANGED);
	}
	assert_string_equal(app(*state), "10.0.0.9");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(line, sizeof(line), "app %s", bad[i]);
		assert_int_equal(take(*state, line, NOW) & ADDRESS_CHANGED, 0);
		assert_int_equal(app_answer(*state), ANSWER_REFUSED);
	}
	assert_string_equal(app(*state), "10.0.0.9");
}

/* Not even by BACKEND_NETWORKS=0.0.0.0/0,::/0. */
static void some_addresses_are_nobody_s(void **state)
{
	listed = network("0.0.0.0/0");
	assert_int_equal(take(*state, "app 203.0.113.9", NOW), ADDRESS_CHANGED);
	assert_int_equal(take(*state, "app 0.0.0.0", NOW), ADDRESS_REFUSAL);
	listed = network("::/0");
	assert_int_equal(take(*state, "app 2001:db8::9", NOW), ADDRESS_CHANGED);
	take(*state, "app fe80::1", NOW);
	assert_string_equal(app(*state), "2001:db8::9");
}

static void a_refusal_is_told_once_and_again_when_it_changes(void **state)
{
	assert_int_equal(take(*state, "app 203.0.113.9", NOW), ADDRESS_REFUSAL);
	assert_int_equal(take(*state, "app 203.0.113.9", NOW + 3600), 0);
	assert_int_equal(take(*state, "app 203.0.113.10", NOW + 3600), ADDRESS_REFUSAL);
	/* A host that lies anew every time is told of once a minute. */
	assert_int_equal(take(*state, "app 203.0.113.11", NOW + 3601), 0);
	assert_int_equal(take(*state, "app 203.0.113.12", NOW + 3661), ADDRESS_REFUSAL);
	assert_string_equal(app(*state), "-");
}

static void a_name_is_gone_after_a_minute_of_denials(void **state)
{
	take(*state, "app 10.0.0.5", NOW);
	for (int second = 0; second < ADDRESS_GONE_SECONDS; second++)
		assert_int_equal(take(*state, "app gone", NOW + second), 0);
	assert_string_equal(app(*state), "10.0.0.5");
	assert_int_equal(take(*state, "app gone", NOW + ADDRESS_GONE_SECONDS), ADDRESS_CHANGED);
	assert_string_equal(app(*state), "-");
	assert_int_equal(take(*state, "app gone", NOW + 2 * ADDRESS_GONE_SECONDS), 0);
	assert_int_equal(take(*state, "app 10.0.0.5", NOW + 3600), ADDRESS_CHANGED);
	assert_string_equal(app(*state), "10.0.0.5");
}

static void a_few_denials_far_apart_are_not_enough(void **state)
{
	take(*state, "app 10.0.0.5", NOW);
	for (int i = 0; i < ADDRESS_GONE_MIN - 1; i++)
		assert_int_equal(take(*state, "app gone", NOW + i * 3600), 0);
	assert_int_equal(take(*state, "app gone", NOW + 5 * 3600), ADDRESS_CHANGED);
}

static void denials_count_in_a_row_only(void **state)
{
	static const char *const between[] = {"app failed", "app 10.0.0.5", "app 203.0.113.9"};

	take(*state, "app 10.0.0.5", NOW);
	for (int second = 0; second < 1000; second += 10) {
		assert_int_equal(take(*state, "app gone", NOW + second) & ADDRESS_CHANGED, 0);
		if (second % 50 == 0)
			take(*state, between[second / 50 % 3], NOW + second);
	}
	assert_string_equal(app(*state), "10.0.0.5");
}

static void a_clock_that_is_set_back_ends_nothing_at_once(void **state)
{
	take(*state, "app 10.0.0.5", NOW);
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(*state, "app gone", NOW - i * 3600), 0);
}

static void every_name_is_waited_for_once(void **state)
{
	assert_int_equal(backend_addresses_unanswered(*state), 2);
	take(*state, "app failed", NOW);
	take(*state, "app 10.0.0.5", NOW);
	assert_int_equal(backend_addresses_unanswered(*state), 1);
	take(*state, "db gone", NOW);
	assert_int_equal(backend_addresses_unanswered(*state), 0);
}

static void changes_are_in_their_order(void **state)
{
	assert_null(backend_addresses_after(*state, 0));
	take(*state, "app 10.0.0.5", NOW);
	take(*state, "db 10.0.0.6", NOW);
	assert_int_equal(backend_addresses_changes(*state), 2);
	assert_string_equal(backend_addresses_after(*state, 0)->name, "app");
	assert_string_equal(backend_addresses_after(*state, 1)->name, "db");
	assert_null(backend_addresses_after(*state, 2));
	take(*state, "app 10.0.0.7", NOW);
	assert_string_equal(backend_addresses_after(*state, 0)->name, "db");
	assert_string_equal(backend_addresses_after(*state, 2)->name, "app");
	assert_null(backend_addresses_after(*state, 3));
}

static void what_is_known_is_saved_and_loaded(void **state)
{
	struct error err = ERROR_INIT;
	struct backend_addresses *next = backend_addresses_new(&settings, &err);
	struct buffer text;

	take(*state, "app 10.0.0.5", NOW);
	take(*state, "db gone", NOW);
	buffer_init(&text, 1000);
	backend_addresses_save(*state, &text);
	assert_string_equal(buffer_text(&text), "app 10.0.0.5 1764000000\n");
	backend_addresses_load(next, buffer_text(&text), &allowed);
	assert_string_equal(app(next), "10.0.0.5");
	assert_int_equal(backend_addresses_find(next, "app")->since, NOW);
	assert_int_equal(backend_addresses_unanswered(next), 2);
	/* By the rule of now: the container may be on other networks. */
	buffer_free(&text);
	backend_addresses_free(next);
}

static void a_spoiled_file_is_passed_over(void **state)
{
	backend_addresses_load(*state,
			       "\n\nstranger 10.0.0.1 1\napp\napp 203.0.113.9 1\napp 10.0.0.x 1\n"
			       "app 10.0.0.5\ndb 10.0.0.6 7\ndb 10.0.0.7 8\napp 10.0.0.8",
			       &allowed);
	assert_string_equal(app(*state), "-");
	assert_int_equal(backend_addresses_changes(*state), 1);
	assert_int_equal(backend_addresses_find(*state, "db")->since, 7);
}

/* ---- HAProxy's answers to what is told of it */

static void check_reply(const char *reply, size_t changes, bool accepted)
{
	char complaint[COMPLAINT_SIZE];

	if (worker_addresses_accepted(reply, changes, complaint) != accepted)
		fail_msg("\"%s\": %s", reply, complaint);
}

static void haproxy_s_answers_are_understood(void **state)
{
	(void)state;
	/* 2.6 */
	check_reply(
	    "IP changed from '10.0.0.1' to '10.0.0.2', no need to change the port by 'stats "
	    "socket command'\n\n\n",
	    1, true);
	check_reply("no need to change the addr, no need to change the port by 'stats socket "
		    "command'\n\n\n",
		    1, true);
	/* 3.0 and 3.2 */
	check_reply("IP changed from '10.0.0.1' to '::1' by 'stats socket command'\n\n\n", 1, true);
	check_reply("nothing changed\n\n\nnothing changed\n\n\n", 2, true);
	check_reply("\n", 0, true);
	check_reply("nothing changed\n\n\n", 2, false);
	check_reply("", 1, false);
	check_reply("No such backend.\n\n", 1, false);
	check_reply("nothing changed\n\nNo such server.\n\n", 1, false);
	check_reply("Can't find the target PID matching the prefix '@!999999'\n", 1, false);
	check_reply("Proxy is disabled.\n\n", 1, false);
}

#define table_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    table_test(each_name_is_there_once),
	    table_test(silence_changes_nothing_however_long),
	    table_test(the_address_in_use_stays_among_several),
	    table_test(only_near_addresses_are_believed),
	    table_test(some_addresses_are_nobody_s),
	    table_test(a_refusal_is_told_once_and_again_when_it_changes),
	    table_test(a_name_is_gone_after_a_minute_of_denials),
	    table_test(a_few_denials_far_apart_are_not_enough),
	    table_test(denials_count_in_a_row_only),
	    table_test(a_clock_that_is_set_back_ends_nothing_at_once),
	    table_test(every_name_is_waited_for_once),
	    table_test(changes_are_in_their_order),
	    table_test(what_is_known_is_saved_and_loaded),
	    table_test(a_spoiled_file_is_passed_over),
	    cmocka_unit_test(haproxy_s_answers_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
