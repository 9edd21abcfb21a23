/* Domains and routes that are refused, each with the entry and the rule; and how many
 * problems are told at once. */
#include "test_settings_refused.h"

#define DOMAIN_LIKE "must be a domain name such as app.example.com or *.example.com; "
#define BAD_LABEL                                                                         \
	"has a label that is empty, longer than 63 characters, or begins or ends with a " \
	"hyphen"
#define BAD_STAR                                                                        \
	"has a '*' that is not allowed there (only *.example.com, where wildcards are " \
	"possible)"
#define XN "write an international name in its xn-- form, such as xn--mnchen-3ya.example"

#define SEPARATORS "; entries are separated by commas and line ends"

static const struct refused domains[] = {
    {{"DOMAIN=bad domain.example"},
     "DOMAIN is \"bad domain.example\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com\nlog 127.0.0.1"},
     "DOMAIN is \"app.example.com\\x0alog 127.0.0.1\": must be one domain name; put several in "
     "DOMAINS"},
    {{"DOMAIN=a.example.com,b.example.com"},
     "DOMAIN is \"a.example.com,b.example.com\": must be one domain name; put several in "
     "DOMAINS"},
    {{"DOMAIN=app.example.com;x"},
     "DOMAIN is \"app.example.com;x\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com#x"},
     "DOMAIN is \"app.example.com#x\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com\t"},
     "DOMAIN is \"app.example.com\\x09\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=\"app.example.com\""},
     "DOMAIN is \"\"app.example.com\"\": " DOMAIN_LIKE "it " BAD_CHARACTER
     "; the quotes are part of it, as `docker --env-file` keeps them: leave them out"},
    {{"DOMAIN=$HOME.example.com"},
     "DOMAIN is \"$HOME.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app%41.example.com"},
     "DOMAIN is \"app%41.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app\\.example.com"},
     "DOMAIN is \"app\\.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=my_app.example.com"},
     "DOMAIN is \"my_app.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=-app.example.com"}, "DOMAIN is \"-app.example.com\": " DOMAIN_LIKE "it " BAD_LABEL},
    {{"DOMAIN=a..example.com"}, "DOMAIN is \"a..example.com\": " DOMAIN_LIKE "it " BAD_LABEL},
    {{"DOMAIN=a.*.example.com"}, "DOMAIN is \"a.*.example.com\": " DOMAIN_LIKE "it " BAD_STAR},
    {{"DOMAIN=localhost"},
     "DOMAIN is \"localhost\": " DOMAIN_LIKE "it has no dot, so no public CA issues for it"},
    {{"DOMAIN=192.0.2.1"},
     "DOMAIN is \"192.0.2.1\": " DOMAIN_LIKE "it is an IP address, not a domain name"},
    {{"DOMAIN=m\xc3\xbcnchen.example"}, "DOMAIN is \"m\xc3\xbcnchen.example\": " DOMAIN_LIKE XN},
    {{"DOMAIN=app\x80.example.com"}, "DOMAIN is \"app\\x80.example.com\": " DOMAIN_LIKE XN},
    {{"DOMAIN=" HUNDRED HUNDRED HUNDRED},
     "DOMAIN is \"" FIFTY TEN TEN TEN "...\": " DOMAIN_LIKE "it is longer than 253 characters"},
    {{"DOMAIN="}, "DOMAIN is not set: give the domain to serve, or several in DOMAINS"},
    {{"DOMAIN=", "DOMAINS= \n # none\n,"},
     "DOMAIN is not set: give the domain to serve, or several in DOMAINS"},
    {{"DOMAINS=a.example.com\nb c.example.com"},
     "DOMAINS has \"b c.example.com\" (entry 2): " DOMAIN_LIKE "it " BAD_CHARACTER SEPARATORS},
    {{"DOMAINS=a.example.com,b.example.com\x0b"},
     "DOMAINS has \"b.example.com\\x0b\" (entry 2): " DOMAIN_LIKE
     "it has a character that cannot be "
     "seen; it ends with a control character: remove that"},
    {{"DOMAINS=https://a.example.com/"},
     "DOMAINS has \"https://a.example.com/\" (entry 1): " DOMAIN_LIKE "it is more than a domain "
     "name: give the name alone, without https://, port and path"},
    {{"GATEWAY_DOMAIN="},
     "GATEWAY_DOMAIN is not set: give the name of the dstack gateway that the domain points at, "
     "such as gateway.dstack-prod5.phala.network"},
    {{"GATEWAY_DOMAIN=gateway"},
     "GATEWAY_DOMAIN is \"gateway\": must be the gateway's name, such as "
     "gateway.dstack-prod5.phala.network; it has no dot"},
    {{"GATEWAY_DOMAIN=https://gateway.example.com"},
     "GATEWAY_DOMAIN is \"https://gateway.example.com\": must be the gateway's name, such as "
     "gateway.dstack-prod5.phala.network; it is more than a domain name: give the name alone, "
     "without https://, port and path"},
    {{"GATEWAY_DOMAIN=192.0.2.1"},
     "GATEWAY_DOMAIN is \"192.0.2.1\": must be the gateway's name, such as "
     "gateway.dstack-prod5.phala.network; it is an IP address, not a domain name"},
    {{"GATEWAY_DOMAIN=App.example.com"},
     "GATEWAY_DOMAIN is \"app.example.com\", which is also a domain to serve: its CNAME would "
     "point at itself"},
    {{"TXT_PREFIX=a.b"},
     "TXT_PREFIX is \"a.b\": must be one DNS label of at most 54 letters, digits, \"_\" and "
     "\"-\", such as \"_dstack-app-address\""},
    {{"TXT_PREFIX=-x"},
     "TXT_PREFIX is \"-x\": must be one DNS label of at most 54 letters, digits, \"_\" and "
     "\"-\", such as \"_dstack-app-address\""},
    {{"TXT_PREFIX=" FIFTY TEN},
     "TXT_PREFIX is \"" FIFTY TEN "\": must be one DNS label of at most 54 letters, digits, "
     "\"_\" and \"-\", such as \"_dstack-app-address\""},
    {{"APP_ID=x y"}, "APP_ID is \"x y\": must be 1 to 128 characters: letters, digits and \"._-\""},
    {{"APP_ID=-x"}, "APP_ID is \"-x\": must begin with a letter or digit"},
    {{"SERVER_FIRST=true,mail example.com"},
     "SERVER_FIRST has \"true\" (entry 1): must be true, false, or domain names; it has no dot, "
     "so no public CA issues for it\n"
     "SERVER_FIRST has \"mail example.com\" (entry 2): must be true, false, or domain names; "
     "it " BAD_CHARACTER SEPARATORS},
};

#define NETWORK_LIKE "must be an address or a network such as 10.0.0.0/8 or fd00::/8; "

static const struct refused networks[] = {
    {{"BACKEND_NETWORKS=10.0.0.0/8,10.1.2.3/8,fd00::/129"},
     "BACKEND_NETWORKS has \"10.1.2.3/8\" (entry 2): " NETWORK_LIKE
     "the network of that prefix begins at 10.0.0.0/8\n"
     "BACKEND_NETWORKS has \"fd00::/129\" (entry 3): " NETWORK_LIKE
     "the prefix is longer than 128 bits"},
    {{"BACKEND_NETWORKS=true"},
     "BACKEND_NETWORKS has \"true\" (entry 1): " NETWORK_LIKE
     "there is no IP address at its beginning"},
};

#define TARGET_LIKE "must be host:port, such as app:8080 or [2001:db8::7]:8080; "
#define HOST_CHARACTER "the host " BAD_CHARACTER
#define PATH_CHARACTER "the path has a character other than letters, digits and \"/._~:?&=+@-\""

static const struct refused routes[] = {
    {{"TARGET_ENDPOINT=app:0"}, "TARGET_ENDPOINT is \"app:0\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:65536"}, "TARGET_ENDPOINT is \"app:65536\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:"}, "TARGET_ENDPOINT is \"app:\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:+80"}, "TARGET_ENDPOINT is \"app:+80\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:80 check"},
     "TARGET_ENDPOINT is \"app:80 check\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:80\n    server evil 192.0.2.1:80"},
     "TARGET_ENDPOINT is \"app:80\\x0a    server evil 192.0.2.1:80\": " TARGET_LIKE
     "an IPv6 address needs brackets: [::1]:8080"},
    {{"TARGET_ENDPOINT=app resolvers x"},
     "TARGET_ENDPOINT is \"app resolvers x\": " TARGET_LIKE HOST_CHARACTER},
    {{"TARGET_ENDPOINT=-f"}, "TARGET_ENDPOINT is \"-f\": " TARGET_LIKE "the host " BAD_LABEL},
    {{"TARGET_ENDPOINT=/run/app.sock"},
     "TARGET_ENDPOINT is \"/run/app.sock\": " TARGET_LIKE "the host is empty"},
    {{"TARGET_ENDPOINT=:80"}, "TARGET_ENDPOINT is \":80\": " TARGET_LIKE "the host is empty"},
    {{"TARGET_ENDPOINT=256.1.1.1:80"},
     "TARGET_ENDPOINT is \"256.1.1.1:80\": " TARGET_LIKE
     "the host looks like an IPv4 address but is none (four numbers from 0 to 255, without "
     "leading zeros)"},
    {{"TARGET_ENDPOINT=::1:80"},
     "TARGET_ENDPOINT is \"::1:80\": " TARGET_LIKE "an IPv6 address needs brackets: [::1]:8080"},
    {{"TARGET_ENDPOINT=[::1"},
     "TARGET_ENDPOINT is \"[::1\": " TARGET_LIKE "there is no IPv6 address in the brackets"},
    {{"TARGET_ENDPOINT=[fe80::1%eth0]:80"},
     "TARGET_ENDPOINT is \"[fe80::1%eth0]:80\": " TARGET_LIKE
     "there is no IPv6 address in the brackets"},
    {{"TARGET_ENDPOINT=[::1]80"}, "TARGET_ENDPOINT is \"[::1]80\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=ftp://app:21"},
     "TARGET_ENDPOINT is \"ftp://app:21\": " TARGET_LIKE
     "the scheme is none of http, https, grpc, tcp"},
    {{"TARGET_ENDPOINT=http://user:" CANARY "@app:80"},
     "TARGET_ENDPOINT is \"http://***@app:80\": " TARGET_LIKE "no user may stand before the host"},
    {{"TARGET_ENDPOINT=http://user:" CANARY "/x@app:80/y"},
     "TARGET_ENDPOINT is \"http://***@app:80/y\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=http://app/a b"},
     "TARGET_ENDPOINT is \"http://app/a b\": " TARGET_LIKE PATH_CHARACTER},
    {{"TARGET_ENDPOINT=http://app/%0alog"},
     "TARGET_ENDPOINT is \"http://app/%0alog\": " TARGET_LIKE PATH_CHARACTER},
    {{"TARGET_ENDPOINT=http://app/${HOME}"},
     "TARGET_ENDPOINT is \"http://app/${HOME}\": " TARGET_LIKE PATH_CHARACTER
     "; ${...} was not replaced by the variable's value: Compose does that, `docker --env-file` "
     "does not"},
    {{"TARGET_ENDPOINT="},
     "\"app.example.com\" has no backend: set TARGET_ENDPOINT, or add app.example.com=host:port "
     "to ROUTING_MAP"},
    {{"TARGET_ENDPOINT=", "ROUTING_MAP=*.app.example.com=app:1"},
     "\"app.example.com\" has no backend: set TARGET_ENDPOINT, or add app.example.com=host:port "
     "to ROUTING_MAP"},
    {{"ROUTING_MAP=app.example.com"},
     "ROUTING_MAP has \"app.example.com\" (entry 1): must be domain=host:port, such as "
     "app.example.com=app:8080"},
    {{"ROUTING_MAP=app.example.com=a:1\n\nx y=b:2"},
     "ROUTING_MAP has \"x y=b:2\" (entry 2): must be domain=host:port; of the domain: "
     "it " BAD_CHARACTER SEPARATORS},
    {{"ROUTING_MAP=app.example.com=app:80 send-proxy"},
     "ROUTING_MAP has \"app.example.com=app:80 send-proxy\" (entry 1): must be "
     "domain=host:port; " BAD_PORT SEPARATORS},
    {{"ROUTING_MAP=app.example.com=app:80 # http"}, NULL},
    {{"ROUTING_MAP=app.example.com=app:80#http"},
     "ROUTING_MAP has \"app.example.com=app:80#http\" (entry 1): must be "
     "domain=host:port; " BAD_PORT},
    {{"ROUTING_MAP=app.example.com="},
     "ROUTING_MAP has \"app.example.com=\" (entry 1): must be domain=host:port; the host is "
     "empty"},
    {{"ROUTING_MAP=m\xc3\xbcnchen.example=app:80"},
     "ROUTING_MAP has \"m\xc3\xbcnchen.example=app:80\" (entry 1): must be domain=host:port; of "
     "the domain: " XN},
    {{"ROUTING_MAP=app.example.com=a:1,APP.example.com.=b:1"},
     "ROUTING_MAP routes \"app.example.com\" to a:1 and to b:1: keep one"},
};

CHECK_TABLE(domains)
CHECK_TABLE(networks)
CHECK_TABLE(routes)

static void test_all_problems_at_once(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "PORT=x", "MAXCONN=y", "DOMAIN=z", "GATEWAY_DOMAIN=");
	assert_refused(&loaded,
		       "DOMAIN is \"z\": " DOMAIN_LIKE "it has no dot, so no public CA issues for "
		       "it\n"
		       "PORT is \"x\": must be a port from 1 to 65535\n"
		       "MAXCONN is \"y\": must be a whole number from 1 to 1000000\n"
		       "GATEWAY_DOMAIN is not set: give the name of the dstack gateway that the "
		       "domain points at, such as gateway.dstack-prod5.phala.network\n");
	assert_string_equal(loaded.err.text, "4 settings are wrong");
	fixture_free(&loaded);
	fixture_load(&loaded, "PORT=x");
	assert_string_equal(loaded.err.text, "1 setting is wrong");
	fixture_free(&loaded);
}

static void test_a_flood_of_problems_is_counted(void **state)
{
	struct buffer domains_value;
	struct loaded loaded;

	(void)state;
	buffer_init(&domains_value, 64 * 1024);
	buffer_puts(&domains_value, "DOMAINS=");
	for (int i = 0; i < 900; i++)
		buffer_printf(&domains_value, "bad_%d,", i);
	fixture_load(&loaded, buffer_text(&domains_value));
	const char *text = buffer_text(&loaded.problems);
	assert_non_null(strstr(text, "(entry 100)"));
	assert_null(strstr(text, "(entry 101)"));
	assert_non_null(strstr(text, "\nand 800 more\n"));
	assert_string_equal(loaded.err.text, "900 settings are wrong");
	fixture_free(&loaded);
	buffer_free(&domains_value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_domains),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_all_problems_at_once),
	    cmocka_unit_test(test_a_flood_of_problems_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
