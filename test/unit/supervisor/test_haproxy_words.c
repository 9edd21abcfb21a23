/* What HAProxy says: how serious it is, and which certificates are named. */
#include "test/unit/common/unit.h"

#include "supervisor/haproxy/haproxy_words.h"

#define ALERT "[ALERT]    (7) : config : parsing [haproxy.cfg:85] : 'bind :443' : 'crt-list' : "

/* "": none is */
static void assert_named(const char *words, const char *expected)
{
	char file[SERVED_PAIR_NAME_MAX] = "";

	assert_int_equal(haproxy_refused(words, file), expected[0] != '\0');
	assert_string_equal(file, expected);
}

/* As HAProxy 2.6, 3.0 and 3.2 have it. */
static void the_certificate_of_an_alert_is_found(void **state)
{
	(void)state;
	assert_named("[NOTICE]   (7) : haproxy version is 2.6.12\n" ALERT
		     "error processing line 2 in file 'crt-list.txt' : unable to load SSL private "
		     "key into SSL Context 'certs/b.example.com.pem': unknown certificate type.\n"
		     "[ALERT]    (7) : config : Fatal errors found in configuration.\n",
		     "b.example.com");
	assert_named(ALERT
		     "unable to load certificate from file 'certs/_wildcard.example.com.pem'.",
		     "_wildcard.example.com");
	assert_named(
	    "[ALERT]    (7) : config : parsing [haproxy.cfg:58] : 'bind :443' : \n"
	    "  'crt-list' : error processing line 2 in file 'crt-list.txt' : unable to load "
	    "certificate from file 'certs/b.example.com.pem': no start line.\n"
	    "  unable to load SSL private key into SSL Context 'certs/b.example.com.pem'.\n",
	    "b.example.com");
	/* Of several the latest. */
	assert_named(ALERT "unable to load certificate from file 'certs/_wildcard.example.com.pem'."
			   "\n" ALERT "unable to stat SSL certificate from file "
			   "'certs/a.pem.example.com.pem' : No such file or directory.",
		     "a.pem.example.com");
}

static void nothing_else_is(void **state)
{
	char words[3 * SERVED_PAIR_NAME_MAX];

	(void)state;
	assert_named("", "");
	assert_named("\n\n", "");
	assert_named("[WARNING]  (7) : 'certs/b.example.com.pem' is old\n", "");
	assert_named(ALERT "line 2 in file 'crt-list.txt' : certs/b.example.com.pem", "");
	assert_named(ALERT "'certs/b.example.com.pem", "");
	assert_named(ALERT "'certs/b.example.com.pem\n'", "");
	assert_named("[WARNING]  (7) : x\n  'certs/b.example.com.pem'", "");
	assert_named(ALERT "'certs/.pem'", "");
	assert_named(ALERT "'certs/'", "");
	assert_named(ALERT "'certs/b.example.com.crt'", "");
	snprintf(words, sizeof(words), "[ALERT] 'certs/%0*d.pem'", SERVED_PAIR_NAME_MAX, 0);
	assert_named(words, "");
}

static void a_line_is_as_serious_as_haproxy_says(void **state)
{
	static const struct {
		const char *line;
		enum log_level level;
	} lines[] = {
	    {"[NOTICE]   (7) : haproxy version is 2.6.12", LOG_DEBUG},
	    {"[WARNING]  (7) : Server x is DOWN", LOG_WARN},
	    {"[WARNING]  (7) : Proxy x stopped (cumulated conns: FE: 0, BE: 0).", LOG_DEBUG},
	    {"[ALERT]    (7) : config : no such section", LOG_ERROR},
	    {"[ALERT]    (7) : config : Error(s) found in configuration file : x.cfg", LOG_DEBUG},
	    {"[ALERT]    (7) : config : Fatal errors found in configuration.", LOG_DEBUG},
	    {"192.0.2.1:443 stopped (cumulated", LOG_INFO}, /* a client's words in its log */
	    {"  'crt-list' : unable to load", LOG_ERROR},
	    {"", LOG_INFO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(haproxy_judge_line(lines[i].line), lines[i].level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_as_serious_as_haproxy_says),
	    cmocka_unit_test(the_certificate_of_an_alert_is_found),
	    cmocka_unit_test(nothing_else_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
