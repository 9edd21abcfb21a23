/* What a value picked up on its way here, and what leads back to the ingress, is told. */
#include "test_settings_fixture.h"

#define BOM "\xef\xbb\xbf"
#define NBSP "\xc2\xa0"
#define ZWSP "\xe2\x80\x8b"
#define SEEN_BOM "\\xef\\xbb\\xbf"
#define SEEN_NBSP "\\xc2\\xa0"
#define SEEN_ZWSP "\\xe2\\x80\\x8b"
#define BEGINS_WITH_BOM "; it begins with a byte order mark: remove that\n"
#define ENDS_WITH_CR "; it ends with a carriage return, the line end of Windows: remove that\n"
#define QUOTED "; the quotes are part of it, as `docker --env-file` keeps them: leave them out\n"
#define UNSEEN                                                                                \
	"must be a domain name such as app.example.com or *.example.com; it has a character " \
	"that cannot be seen"
#define PORT_RULE "must be a port from 1 to 65535"
#define SECRET_RULE "must be one line of at most 4096 printable ASCII characters without spaces"
#define CHARACTER                                                                     \
	"has a character that domain names cannot have (letters, digits and hyphens " \
	"are allowed; write international names as xn--...)"
#define SELF "which is this ingress itself (PORT is 443): give the host and port of the app\n"
#define EVIDENCE                                                                        \
	"where this ingress itself serves the evidence (EVIDENCE_PORT): give the host " \
	"and port of the app, or another EVIDENCE_PORT\n"
#define COMES_BACK                                                                      \
	"a name that this ingress serves: connections would come back here unless the " \
	"name is another host's in this network\n"

struct told {
	const char *variables[4];
	const char *problems, *warnings;
};

static void check_told(const struct told *told)
{
	const char *variables[5] = {NULL};
	struct loaded loaded;

	memcpy(variables, told->variables, sizeof(told->variables));
	fixture_load_for(&loaded, FOR_SUPERVISOR, variables);
	assert_string_equal(buffer_text(&loaded.problems), told->problems);
	assert_string_equal(buffer_text(&loaded.warnings), told->warnings);
	assert_lacks(buffer_text(&loaded.problems), CANARY);
	assert_lacks(buffer_text(&loaded.warnings), CANARY);
	fixture_free(&loaded);
}

#define CHECK_TOLD(table)                                                       \
	static void test_##table(void **state)                                  \
	{                                                                       \
		(void)state;                                                    \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
			check_told(&(table)[i]);                                \
	}

/* ---- one of each kind of setting */

static const struct told unseen[] = {
    {{"DOMAIN=" BOM "app.example.com"},
     "DOMAIN is \"" SEEN_BOM "app.example.com\": " UNSEEN BEGINS_WITH_BOM,
     ""},
    {{"DOMAIN=app" ZWSP ".example.com"},
     "DOMAIN is \"app" SEEN_ZWSP ".example.com\": " UNSEEN
     "; it has a zero-width space in it: remove that\n",
     ""},
    {{"DOMAIN=app.example.com\r"}, "DOMAIN is \"app.example.com\\x0d\": " UNSEEN ENDS_WITH_CR, ""},
    {{"DOMAINS=" BOM "b.example.com\nc.example.com" NBSP "\nd.example.com\r"},
     "DOMAINS has \"" SEEN_BOM "b.example.com\" (entry 1): " UNSEEN BEGINS_WITH_BOM
     "DOMAINS has \"c.example.com" SEEN_NBSP "\" (entry 2): " UNSEEN
     "; it ends with a no-break space: remove that\n",
     ""},
    {{"PORT=443\r"}, "PORT is \"443\\x0d\": " PORT_RULE ENDS_WITH_CR, ""},
    {{"PORT=\"443\""}, "PORT is \"\"443\"\": " PORT_RULE QUOTED, ""},
    {{"PORT='443'"}, "PORT is \"'443'\": " PORT_RULE QUOTED, ""},
    {{"PORT=\xe2\x80\x9c"
      "443\xe2\x80\x9d"},
     "PORT is \"\xe2\x80\x9c"
     "443\xe2\x80\x9d\": " PORT_RULE QUOTED,
     ""},
    {{"MAXCONN=" NBSP "10"},
     "MAXCONN is \"" SEEN_NBSP "10\": must be a whole number from 1 to 1000000; it begins with a "
     "no-break space: remove that\n",
     ""},
    {{"SET_CAA=\"true\""},
     "SET_CAA is \"\"true\"\": must be true or false (or yes, no, 1, 0)" QUOTED,
     ""},
    {{"LOG_LEVEL=info\r"},
     "LOG_LEVEL is \"info\\x0d\": must be one of: error, warn, info, debug" ENDS_WITH_CR,
     ""},
    {{"DNS_PROVIDER=cloudflare\r"},
     "DNS_PROVIDER is \"cloudflare\\x0d\": must be one of: cloudflare, linode, namecheap, route53, "
     "rfc2136, exec" ENDS_WITH_CR,
     ""},
    {{"TIMEOUT_CONNECT='10s'"},
     "TIMEOUT_CONNECT is \"'10s'\": must be a time with a unit (us, ms, s, m, h, d), for example "
     "\"10s\"" QUOTED,
     ""},
    {{"ACME_EMAIL=ops@example.com\r"},
     "ACME_EMAIL is \"ops@example.com\\x0d\": must be one mail address such as "
     "ops@example.com" ENDS_WITH_CR,
     ""},
    {{"ACME_SERVER=\"https://ca.example.com/d\""},
     "ACME_SERVER is \"\"https://ca.example.com/d\"\": must begin with https://" QUOTED,
     ""},
    {{"RUN_DIR=" BOM "/run/x"},
     "RUN_DIR is \"" SEEN_BOM "/run/x\": must be an absolute path of letters, digits and "
     "\"._/@+-\"" BEGINS_WITH_BOM,
     ""},
    {{"TARGET_ENDPOINT=\"app:80\""},
     "TARGET_ENDPOINT is \"\"app:80\"\": must be host:port, such as app:8080 or "
     "[2001:db8::7]:8080; the host " CHARACTER QUOTED,
     ""},
    {{"ROUTING_MAP=" BOM "app.example.com=app:80"},
     "ROUTING_MAP has \"" SEEN_BOM "app.example.com=app:80\" (entry 1): must be domain=host:port; "
     "of the domain: it has a character that cannot be seen" BEGINS_WITH_BOM,
     ""},
    {{"GATEWAY_DOMAIN=gateway.example.net\r"},
     "GATEWAY_DOMAIN is \"gateway.example.net\\x0d\": must be the gateway's name, such as "
     "gateway.dstack-prod5.phala.network; it " CHARACTER ENDS_WITH_CR,
     ""},
    /* The writing direction, turned around. */
    {{"LOG_FORMAT=\xe2\x80\xaetxet"},
     "LOG_FORMAT is \"\\xe2\\x80\\xaetxet\": must be one of: text, json; it begins with a mark of "
     "the writing direction: remove that\n",
     ""},
};
CHECK_TOLD(unseen)

/* What is cut is cut between characters, also when they are escaped. */
static const struct told cut[] = {
    {{"PORT=" NBSP NBSP NBSP NBSP NBSP NBSP NBSP NBSP NBSP NBSP "1"},
     "PORT is \"" SEEN_NBSP SEEN_NBSP SEEN_NBSP SEEN_NBSP SEEN_NBSP SEEN_NBSP SEEN_NBSP SEEN_NBSP
	 SEEN_NBSP SEEN_NBSP "...\": " PORT_RULE "; it begins with a no-break space: remove that\n",
     ""},
};
CHECK_TOLD(cut)

/* ---- what a shell or Compose would have taken off, or put in */

#define NOT_REPLACED                                                                     \
	"; ${...} was not replaced by the variable's value: Compose does that, `docker " \
	"--env-file` does not\n"
#define DOMAIN_RULE "must be a domain name such as app.example.com or *.example.com; it " CHARACTER

static const struct told leftovers[] = {
    {{"PORT=443 "}, "PORT is \"443 \": " PORT_RULE "; it ends with a space: remove that\n", ""},
    {{"PORT= 443"}, "PORT is \" 443\": " PORT_RULE "; it begins with a space: remove that\n", ""},
    {{"PORT=443 # the port"},
     "PORT is \"443 # the port\": " PORT_RULE "; what begins with # is part of it, as `docker "
     "--env-file` keeps it: leave it out\n",
     ""},
    {{"PORT=${PORT}"}, "PORT is \"${PORT}\": " PORT_RULE NOT_REPLACED, ""},
    {{"DOMAIN=", "DOMAINS=\"a.example.com,b.example.com\""},
     "DOMAINS has \"\"a.example.com\" (entry 1): " DOMAIN_RULE QUOTED
     "DOMAINS has \"b.example.com\"\" (entry 2): " DOMAIN_RULE QUOTED,
     ""},
    {{"DOMAIN=", "DOMAINS=a.example.com b.example.com"},
     "DOMAINS has \"a.example.com b.example.com\" (entry 1): " DOMAIN_RULE
     "; entries are separated by commas and line ends\n",
     ""},
    {{"CLOUDFLARE_API_TOKEN=${CLOUDFLARE_API_TOKEN}"},
     "",
     "CLOUDFLARE_API_TOKEN: its value looks like a variable that was not replaced, and is taken as "
     "the secret\n"},
    {{"CLOUDFLARE_API_TOKEN=$TOKEN"},
     "",
     "CLOUDFLARE_API_TOKEN: its value looks like a variable that was not replaced, and is taken as "
     "the secret\n"},
    {{"CLOUDFLARE_API_TOKEN=$" CANARY}, "", ""},
    {{"CLOUDFLARE_API_TOKEN=${TOKEN}x"}, "", ""},
};
CHECK_TOLD(leftovers)

/* ---- secrets: their value is never shown */

static const struct told secrets[] = {
    {{"CLOUDFLARE_API_TOKEN=" BOM CANARY},
     "CLOUDFLARE_API_TOKEN is \"***\": " SECRET_RULE BEGINS_WITH_BOM,
     ""},
    {{"CLOUDFLARE_API_TOKEN=" CANARY "\r"},
     "CLOUDFLARE_API_TOKEN is \"***\": " SECRET_RULE ENDS_WITH_CR,
     ""},
    {{"CLOUDFLARE_API_TOKEN=\"" CANARY "\""},
     "",
     "CLOUDFLARE_API_TOKEN: its value stands in quotes, which are taken as part of the secret\n"},
    {{"CLOUDFLARE_API_TOKEN='" CANARY "'"},
     "",
     "CLOUDFLARE_API_TOKEN: its value stands in quotes, which are taken as part of the secret\n"},
    {{"CLOUDFLARE_API_TOKEN=CLOUDFLARE_API_TOKEN=" CANARY},
     "",
     "CLOUDFLARE_API_TOKEN: its value looks like NAME=VALUE, and all of it is taken as the secret: "
     "give the value alone\n"},
    {{"RFC2136_KEY_SECRET=ABCDEQ==", "DNS_PROVIDER=cloudflare"}, "", ""},
    {{"CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_API_TOKEN_FILE=\"/run/secrets/token\""},
     "CLOUDFLARE_API_TOKEN_FILE is \"\"/run/secrets/token\"\": must be an absolute path" QUOTED,
     ""},
    {{"CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_API_TOKEN_FILE=/nonexistent/token\r"},
     "CLOUDFLARE_API_TOKEN_FILE is \"/nonexistent/token\\x0d\": cannot read /nonexistent/token\\r: "
     "No such file or directory" ENDS_WITH_CR,
     ""},
    {{"ROUTING_MAP_FILE=/nonexistent/map\r"},
     "ROUTING_MAP_FILE is \"/nonexistent/map\\x0d\": cannot read /nonexistent/map\\r: No such file "
     "or "
     "directory" ENDS_WITH_CR,
     ""},
};
CHECK_TOLD(secrets)

static void files_of_secrets(void **state)
{
	static const struct {
		const char *content, *problem, *warning;
	} files[] = {
	    {CANARY, "", ""},
	    {CANARY "\n", "", ""},
	    {CANARY "\r\n", "", ""},
	    {CANARY "\n\n", "", ""},
	    {CANARY " \t\r\n \n", "", ""},
	    {BOM CANARY "\n", "its content " SECRET_RULE BEGINS_WITH_BOM, ""},
	    {CANARY NBSP "\n",
	     "its content " SECRET_RULE "; it ends with a no-break space: remove that\n", ""},
	    {"\"" CANARY "\"\n", "", "the content of its file stands in quotes"},
	    {"CLOUDFLARE_API_TOKEN=" CANARY "\r\n", "", "the content of its file looks like NAME="},
	    {"\xff\xfe" CANARY,
	     "; it is UTF-16, as some editors and shells of Windows write: ", ""},
	    {"TOKEN=\"" CANARY "\"\n", "", "the content of its file looks like NAME="},
	};
	AUTO_FREE char *path = file_join(*state, "token");
	AUTO_FREE char *variable = NULL;

	assert_true(asprintf(&variable, "CLOUDFLARE_API_TOKEN_FILE=%s", path) > 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct error err = ERROR_INIT;
		struct loaded loaded;
		const char *content = files[i].content;
		assert_int_equal(file_write(path, 0600, content, strlen(content), &err), 0);
		fixture_load(&loaded, "CLOUDFLARE_API_TOKEN=", variable);
		if (files[i].problem[0] == '\0')
			assert_good(&loaded);
		assert_contains(buffer_text(&loaded.problems), files[i].problem);
		if (files[i].warning[0] == '\0')
			assert_string_equal(buffer_text(&loaded.warnings), "");
		assert_contains(buffer_text(&loaded.warnings), files[i].warning);
		assert_lacks(buffer_text(&loaded.problems), CANARY);
		assert_lacks(buffer_text(&loaded.warnings), CANARY);
		fixture_free(&loaded);
	}
}

/* As much as a secret may have, with blanks behind it, into a buffer that holds just that. */
static void a_program_reads_the_same_file(void **state)
{
	char content[4096 + 4];
	struct error err = ERROR_INIT;
	struct buffer value;
	AUTO_FREE char *path = file_join(*state, "token");

	memset(content, 'x', 4096);
	memcpy(content + 4096, "\r\n\n", 4);
	assert_int_equal(file_write(path, 0600, content, strlen(content), &err), 0);
	unsetenv("LINODE_API_TOKEN");
	setenv("LINODE_API_TOKEN_FILE", path, 1);
	buffer_init(&value, 4096);
	assert_int_equal(settings_secret("LINODE_API_TOKEN", &value, &err), 1);
	assert_int_equal(value.length, 4096);
	buffer_free(&value);
}

/* ---- names */

static const struct told names[] = {
    {{BOM "DOMAIN=app.example.com"},
     "",
     "the variable \"" SEEN_BOM "DOMAIN\" is not a setting; did you mean DOMAIN?" BEGINS_WITH_BOM},
    {{"PORT" NBSP "=443"},
     "",
     "the variable \"PORT" SEEN_NBSP "\" is not a setting; did you mean PORT?; it ends with a "
     "no-break space: remove that\n"},
    {{"export SET_CAA=true"},
     "",
     "the variable \"export SET_CAA\" is not a setting; did you mean SET_CAA?\n"},
    {{"\"LINODE_API_TOKEN_FILE=/x"},
     "",
     "the variable \"\"LINODE_API_TOKEN_FILE\" is not a setting; did you mean "
     "LINODE_API_TOKEN_FILE?\n"},
    {{"MAXCONN =1"},
     "",
     "the variable \"MAXCONN \" is not a setting; did you mean MAXCONN?; it ends with a space: "
     "remove that\n"},
    {{BOM "PATH=/bin", BOM "=x", "a-b=x", "npm.config=1"}, "", ""},
};
CHECK_TOLD(names)

/* ---- targets */

static const struct told targets[] = {
    {{"TARGET_ENDPOINT=localhost:443"}, "TARGET_ENDPOINT leads to localhost:443, " SELF, ""},
    {{"TARGET_ENDPOINT=127.0.0.1:443"}, "TARGET_ENDPOINT leads to 127.0.0.1:443, " SELF, ""},
    {{"TARGET_ENDPOINT=127.1.2.3:443"}, "TARGET_ENDPOINT leads to 127.1.2.3:443, " SELF, ""},
    {{"TARGET_ENDPOINT=0.0.0.0:443"}, "TARGET_ENDPOINT leads to 0.0.0.0:443, " SELF, ""},
    {{"TARGET_ENDPOINT=[::1]:443"}, "TARGET_ENDPOINT leads to [::1]:443, " SELF, ""},
    {{"TARGET_ENDPOINT=[::]:443"}, "TARGET_ENDPOINT leads to [::]:443, " SELF, ""},
    {{"TARGET_ENDPOINT=[::ffff:127.0.0.1]:443"},
     "TARGET_ENDPOINT leads to [::ffff:127.0.0.1]:443, " SELF,
     ""},
    {{"TARGET_ENDPOINT=App.example.com:443"},
     "TARGET_ENDPOINT leads to app.example.com:443, " SELF,
     ""},
    {{"TARGET_ENDPOINT=x.example.com:443", "DOMAINS=*.example.com"},
     "TARGET_ENDPOINT leads to x.example.com:443, " SELF,
     ""},
    {{"TARGET_ENDPOINT=http://localhost"}, "TARGET_ENDPOINT leads to localhost:80, " EVIDENCE, ""},
    {{"TARGET_ENDPOINT=127.0.0.1:80"}, "TARGET_ENDPOINT leads to 127.0.0.1:80, " EVIDENCE, ""},
    {{"ROUTING_MAP=app.example.com=localhost:443"},
     "ROUTING_MAP's app.example.com leads to localhost:443, " SELF,
     ""},
    {{"TARGET_ENDPOINT=app.example.com:8080"},
     "",
     "TARGET_ENDPOINT leads to app.example.com:8080, " COMES_BACK},
    /* Others, which may well be there. */
    {{"TARGET_ENDPOINT=localhost:8443"}, "", ""},
    {{"TARGET_ENDPOINT=[::1]:80"}, "", ""},
    {{"TARGET_ENDPOINT=127.0.0.2:80"}, "", ""},
    {{"TARGET_ENDPOINT=app:443"}, "", ""},
    {{"TARGET_ENDPOINT=www.example.org:443"}, "", ""},
    {{"TARGET_ENDPOINT=192.0.2.7:443"}, "", ""},
    {{"TARGET_ENDPOINT=localhost:443", "PORT=8443"}, "", ""},
    {{"TARGET_ENDPOINT=localhost:80", "EVIDENCE_PORT=8080"}, "", ""},
};
CHECK_TOLD(targets)

#define ANDROID                                                                                   \
	"\": Android finds no name whose CNAME has a label that begins or ends with \"_\"; take " \
	"another label, such as \"gateway\", since the zones of dstack's gateways answer to any\n"

static const struct told gateways[] = {
    {{"GATEWAY_DOMAIN=_.dstack.example.net"},
     "",
     "GATEWAY_DOMAIN is \"_.dstack.example.net" ANDROID},
    {{"GATEWAY_DOMAIN=gw._tcp.example.net"}, "", "GATEWAY_DOMAIN is \"gw._tcp.example.net" ANDROID},
    {{"GATEWAY_DOMAIN=gateway_.example.net"},
     "",
     "GATEWAY_DOMAIN is \"gateway_.example.net" ANDROID},
    {{"GATEWAY_DOMAIN=gate_way.example.net"}, "", ""},
    {{"GATEWAY_DOMAIN=gateway.dstack-prod5.phala.network"}, "", ""},
};
CHECK_TOLD(gateways)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unseen),    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_leftovers), cmocka_unit_test(test_secrets),
	    scratch_test(files_of_secrets),   scratch_test(a_program_reads_the_same_file),
	    cmocka_unit_test(test_names),     cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
