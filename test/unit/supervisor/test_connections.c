/* Connections as the kernel tells of them, with real ones on loopback; and which count as busy. */
#include "supervisor/haproxy/connections.h"

#include "common/clock.h"
#include "test/unit/common/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECOND = 1000, PATIENCE_MS = 30 * SECOND };

struct pair {
	int client, server;
};

static int listener = -1;
static unsigned short port;
static unsigned char ports[PORTS];

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0)
		return -1;
	port = ntohs(address.sin_port);
	return 0;
}

/* The listener's port is one of clients, or of backends, or of nobody. */
static void port_is(unsigned char flag)
{
	ports[port] = flag;
}

static int tear_down(void **state)
{
	(void)state;
	return close(listener);
}

static struct pair connect_one(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(port)};
	struct pair pair = {.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	assert_true(pair.client >= 0);
	assert_int_equal(connect(pair.client, (struct sockaddr *)&address, sizeof(address)), 0);
	pair.server = accept(listener, NULL, NULL);
	assert_true(pair.server >= 0);
	return pair;
}

static void say(int from, int to)
{
	char byte;

	assert_int_equal(send(from, "x", 1, 0), 1);
	assert_int_equal(recv(to, &byte, 1, 0), 1);
}

static struct connection_list read_list(void)
{
	struct connection_list list;
	struct error err = ERROR_INIT;

	if (connections_read(ports, &list, &err) != 0)
		fail_msg("%s", err.text);
	return list;
}

/* The only one there is. */
static struct connection read_one(void)
{
	struct connection_list list = read_list();
	struct connection one;

	assert_int_equal(list.count, 1);
	one = list.items[0];
	connections_free(&list);
	return one;
}

static void those_at_the_port_are_listed_while_they_are_open(void **state)
{
	struct pair first, second;
	struct connection_list before, after;

	(void)state;
	port_is(PORT_OF_CLIENTS);
	before = read_list();
	assert_int_equal(before.count, 0);
	connections_free(&before);
	first = connect_one();
	before = read_list();
	assert_int_equal(before.count, 1); /* the client's own end is at another port */
	second = connect_one();
	after = read_list();
	assert_int_equal(after.count, 2);
	assert_true(connections_have(&after, before.items[0].id));
	assert_true(connections_have(&before, after.items[0].id) !=
		    connections_have(&before, after.items[1].id));
	connections_free(&after);
	close(first.client);
	close(first.server);
	after = read_list();
	assert_int_equal(after.count, 1);
	assert_false(connections_have(&after, before.items[0].id));
	connections_free(&before);
	connections_free(&after);
	assert_false(connections_have(&after, 0));
	close(second.client);
	close(second.server);
}

static void wait_until_silent_for(uint32_t ms)
{
	long long end = clock_now_ms() + PATIENCE_MS;
	struct connection seen;

	do {
		clock_sleep_ms(10);
		seen = read_one();
		assert_true(clock_now_ms() < end);
	} while (seen.asked_ms < ms || (seen.answered_ms < ms) || seen.is_owed);
}

static void who_spoke_last_is_known(unsigned char flag)
{
	struct pair pair = connect_one();
	struct connection seen;

	port_is(flag);
	seen = read_one();
	assert_true(seen.asked_ms == CONNECTION_NEVER && seen.answered_ms == CONNECTION_NEVER);
	say(pair.client, pair.server);
	seen = read_one();
	assert_true(seen.asked_ms < seen.answered_ms && seen.answered_ms == CONNECTION_NEVER);
	wait_until_silent_for(100);
	say(pair.server, pair.client);
	seen = read_one();
	assert_true(seen.answered_ms < seen.asked_ms);
	wait_until_silent_for(100);
	say(pair.client, pair.server);
	seen = read_one();
	assert_true(seen.asked_ms < seen.answered_ms);
	close(pair.client);
	close(pair.server);
}

/* HAProxy's end is the one that accepted. */
static void who_spoke_last_to_a_client_is_known(void **state)
{
	(void)state;
	who_spoke_last_is_known(PORT_OF_CLIENTS);
}

/* HAProxy's end is the one that connected. */
static void who_spoke_last_to_a_backend_is_known(void **state)
{
	(void)state;
	who_spoke_last_is_known(PORT_OF_BACKENDS);
}

static void other_ports_are_nobodys_business(void **state)
{
	struct pair pair = connect_one();
	struct connection_list list;

	(void)state;
	port_is(0);
	list = read_list();
	assert_int_equal(list.count, 0);
	close(pair.client);
	close(pair.server);
}

static void what_a_client_has_yet_to_take_keeps_it_busy(void **state)
{
	static char much[64 * 1024];
	struct pair pair = connect_one();

	(void)state;
	port_is(PORT_OF_CLIENTS);
	while (send(pair.server, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	assert_true(read_one().is_owed);
	close(pair.client);
	close(pair.server);
}

static bool busy(uint32_t asked_ms, uint32_t answered_ms, bool is_owed)
{
	struct connection c = {0, asked_ms, answered_ms, is_owed};

	return connection_is_busy(&c, 2 * SECOND, 8 * SECOND);
}

static void silence_behind_an_answer_is_idle_and_behind_a_question_is_not(void **state)
{
	(void)state;
	/* An answer that goes on, one that is over. */
	assert_true(busy(3 * SECOND, 1, false));
	assert_true(busy(9 * SECOND, 2 * SECOND - 1, false));
	assert_false(busy(9 * SECOND, 2 * SECOND, false));
	/* A question that may be answered yet, one that will not be. */
	assert_true(busy(3 * SECOND, 60 * SECOND, false));
	assert_true(busy(8 * SECOND - 1, 60 * SECOND, false));
	assert_false(busy(8 * SECOND, 60 * SECOND, false));
	/* An answer within the same tick of the kernel's clock; a question without one; silence. */
	assert_true(busy(1 * SECOND, 1 * SECOND, false));
	assert_false(busy(4 * SECOND, 4 * SECOND, false));
	assert_true(busy(4 * SECOND, CONNECTION_NEVER, false));
	assert_false(busy(CONNECTION_NEVER, CONNECTION_NEVER, false));
	/* Bytes on their way. */
	assert_true(busy(600 * SECOND, 600 * SECOND, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(those_at_the_port_are_listed_while_they_are_open),
	    cmocka_unit_test(who_spoke_last_to_a_client_is_known),
	    cmocka_unit_test(who_spoke_last_to_a_backend_is_known),
	    cmocka_unit_test(other_ports_are_nobodys_business),
	    cmocka_unit_test(what_a_client_has_yet_to_take_keeps_it_busy),
	    cmocka_unit_test(silence_behind_an_answer_is_idle_and_behind_a_question_is_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
