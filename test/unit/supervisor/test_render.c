/* The HAProxy configuration: what each setting does to it.  That HAProxy takes it, and what
 * it does then, is seen end to end. */
#include "test/unit/common/unit.h"

#include "supervisor/haproxy/render.h"

enum { FILE_MAX = 1024 * 1024, VARIABLES_MAX = 32 };

static const char *const basics[] = {
    "DOMAINS=app.example.com,*.wild.example.com,mail.example.com",
    "ROUTING_MAP=app.example.com=app:80,*.wild.example.com=[fd00::1]:8080,"
    "mail.example.com=192.0.2.7:25",
    "GATEWAY_DOMAIN=gateway.example.net",
    "DNS_PROVIDER=cloudflare",
    "CLOUDFLARE_API_TOKEN=canary-5f0c1d",
    NULL,
};

struct rendered {
	char *config, *routes, *crt_list, *server_first;
};

static char *read_one(const char *folder, const char *name)
{
	AUTO_FREE char *path = file_join(folder, name);
	struct error err = ERROR_INIT;
	struct buffer text;

	buffer_init(&text, FILE_MAX);
	if (file_read(path, &text, &err) != 0)
		fail_msg("%s", err.text);
	return buffer_take(&text);
}

static struct settings *load(const char *const *more)
{
	struct buffer problems, warnings;
	struct error err = ERROR_INIT;
	char *environment[VARIABLES_MAX];
	size_t count = 0;

	for (; basics[count] != NULL; count++)
		environment[count] = (char *)basics[count];
	for (; more != NULL && *more != NULL; more++)
		environment[count++] = (char *)*more;
	environment[count] = NULL;
	buffer_init(&problems, FILE_MAX);
	buffer_init(&warnings, FILE_MAX);
	struct settings *settings = settings_load(environment, &problems, &warnings, &err);
	if (settings == NULL)
		fail_msg("%s", buffer_text(&problems));
	buffer_free(&problems);
	buffer_free(&warnings);
	return settings;
}

/* The name "app" is at `app_address`; NULL: nowhere yet. */
static struct rendered render_at(const char *folder, const char *const *more, bool with_certificate,
				 const char *app_address)
{
	static const struct haproxy_facts facts = {.version = "3.0.11",
						   .has_mlkem = true,
						   .is_root = true,
						   .has_ipv6 = true,
						   .open_files = 1048576,
						   .user = "haproxy",
						   .group = "haproxy"};
	struct settings *settings = load(more);
	struct served_pair pairs[3] = {{.present = with_certificate}};
	AUTO_FREE char *certs = file_join(folder, "source");
	AUTO_FREE char *pem = file_join(folder, "source/app.example.com.pem");
	struct error err = ERROR_INIT;

	assert_int_equal(file_make_dirs(certs, 0700, &err), 0);
	assert_int_equal(file_write(pem, 0600, "PEM", 3, &err), 0);
	struct backend_addresses *addresses = backend_addresses_new(settings, &err);
	assert_non_null(addresses);
	if (app_address != NULL) {
		struct dns_answer answer = {.name = "app", .count = 1};
		struct ip_network any[] = {{{.is_ipv6 = false}, 0}, {{.is_ipv6 = true}, 0}};
		const struct allowed_networks allowed = {.listed = any, .listed_count = 2};
		assert_true(ip_parse(app_address, &answer.addresses[0]));
		backend_addresses_take(addresses, &answer, &allowed, time(NULL));
	}
	const struct render_input input = {settings, &facts, pairs, addresses, certs, certs};
	if (render_write(&input, folder, &err) != 0)
		fail_msg("%s", err.text);
	backend_addresses_free(addresses);
	settings_free(settings);
	return (struct rendered){read_one(folder, "haproxy.cfg"), read_one(folder, "routes.map"),
				 read_one(folder, "crt-list.txt"),
				 read_one(folder, "server-first.lst")};
}

static struct rendered render(const char *folder, const char *const *more, bool with_certificate)
{
	return render_at(folder, more, with_certificate, "10.0.0.5");
}

static void rendered_free(struct rendered *r)
{
	free(r->config);
	free(r->routes);
	free(r->crt_list);
	free(r->server_first);
}

static void names_lead_to_backends(void **state)
{
	struct rendered r = render(*state, NULL, true);

	assert_contains(r.routes, "app.example.com app:80\n");
	assert_contains(r.routes, "*.wild.example.com fd00::1:8080\n");
	assert_contains(r.config, "backend app:80 from tcp_defaults\n");
	assert_contains(r.config, "    server app 10.0.0.5:80\n");
	assert_contains(r.config, "    server app [fd00::1]:8080\n");
	assert_contains(r.config, "    server app 192.0.2.7:25\n");
	assert_contains(r.config, "    default_backend app:80\n");
	rendered_free(&r);
}

/* HAProxy must not look names up: DNS would keep it from starting. */
static void a_name_without_an_address_is_a_server_that_is_down(void **state)
{
	static const char *const more[] = {"EVIDENCE_ROUTING=request", NULL};
	struct rendered r = render_at(*state, more, true, NULL);

	assert_contains(r.config, "    server app 255.255.255.255:80 disabled\n");
	assert_contains(r.config, "    server h2 255.255.255.255:80 disabled proto h2 ");
	assert_lacks(r.config, "server app app:80");
	assert_lacks(r.config, "init-addr");
	assert_lacks(r.config, "\nresolvers");
	rendered_free(&r);
}

static void an_ipv6_address_is_in_brackets(void **state)
{
	struct rendered r = render_at(*state, NULL, true, "fd00::5");

	assert_contains(r.config, "    server app [fd00::5]:80\n");
	rendered_free(&r);
}

static void only_certificates_that_are_there_are_listed(void **state)
{
	struct rendered r = render(*state, NULL, true);

	assert_string_equal(r.crt_list,
			    "certs/app.example.com.pem app.example.com app.example.com.\n");
	assert_lacks(r.config, "strict-sni");
	rendered_free(&r);
}

static void without_a_certificate_the_port_opens_strictly(void **state)
{
	struct rendered r = render(*state, NULL, false);

	assert_string_equal(r.crt_list, "");
	assert_contains(r.config, " strict-sni");
	rendered_free(&r);
}

static void no_secret_and_no_placeholder_is_in_it(void **state)
{
	struct rendered r = render(*state, NULL, true);

	assert_lacks(r.config, "canary");
	assert_lacks(r.config, "{{");
	assert_lacks(r.config, "@if");
	assert_lacks(r.config, "@end");
	rendered_free(&r);
}

static void without_the_evidence_server_nothing_is_inspected(void **state)
{
	static const char *const more[] = {"EVIDENCE_SERVER=false", NULL};
	struct rendered r = render(*state, more, true);

	assert_lacks(r.config, "inspect-delay");
	assert_lacks(r.config, "tcp-request content");
	assert_contains(r.config, "frontend evidence_http"); /* on its own port still */
	rendered_free(&r);
}

static void server_first_for_all_inspects_nothing_either(void **state)
{
	static const char *const more[] = {"SERVER_FIRST=true", NULL};
	struct rendered r = render(*state, more, true);

	assert_lacks(r.config, "inspect-delay");
	rendered_free(&r);
}

static void server_first_for_some_is_a_list(void **state)
{
	static const char *const more[] = {"SERVER_FIRST=mail.example.com", NULL};
	struct rendered r = render(*state, more, true);

	assert_string_equal(r.server_first, "mail.example.com\n");
	assert_contains(r.config, "-f server-first.lst");
	rendered_free(&r);
}

static void the_proxy_protocol_goes_to_those_named(void **state)
{
	static const char *const more[] = {"SEND_PROXY_PROTOCOL=mail.example.com",
					   "ACCEPT_PROXY_PROTOCOL=true", NULL};
	struct rendered r = render(*state, more, true);

	assert_contains(r.routes, "mail.example.com 192.0.2.7:25:proxy\n");
	assert_contains(r.config, "    server app 192.0.2.7:25 send-proxy-v2\n");
	assert_contains(r.routes, "app.example.com app:80\n");
	assert_contains(r.config, " accept-proxy defer-accept ssl ");
	rendered_free(&r);
}

/* A wildcard names the routes that it covers. */
static void it_goes_to_those_under_a_wildcard(void **state)
{
	static const char *const more[] = {"SEND_PROXY_PROTOCOL=*.example.com", NULL};
	struct rendered r = render(*state, more, true);

	assert_contains(r.routes, "mail.example.com 192.0.2.7:25:proxy\n");
	assert_contains(r.routes, "app.example.com app:80:proxy\n");
	assert_contains(r.routes, "*.wild.example.com fd00::1:8080\n");
	rendered_free(&r);
}

static void requests_are_routed_one_by_one_when_asked_for(void **state)
{
	static const char *const more[] = {"EVIDENCE_ROUTING=request", "ALPN=h2,http/1.1", NULL};
	struct rendered r = render(*state, more, true);

	assert_contains(r.config, "frontend http from http_defaults\n");
	assert_contains(r.config, "backend http:app:80 from http_defaults\n");
	assert_contains(r.config, " alpn h2,http/1.1");
	rendered_free(&r);
}

static void an_older_haproxy_limits_the_opening_by_the_client_s_time(void **state)
{
	static const char *const more[] = {"TIMEOUT_CONNECT=5s", "TIMEOUT_SERVER=30m",
					   "EVIDENCE_WAIT=2s", NULL};
	static const char *const shorter[] = {"TIMEOUT_CLIENT=30s", NULL};
	static const char *const longest[] = {"TIMEOUT_CLIENT=2147483647ms",
					      "TIMEOUT_CONNECT=2147483647ms",
					      "EVIDENCE_WAIT=2147483647ms", NULL};
	struct rendered r = render(*state, more, true);

	assert_contains(r.config, "    timeout tunnel 30m\n");
	assert_contains(r.config, ".else\n    timeout client 40000ms\n.endif\n");
	rendered_free(&r);
	r = render(*state, shorter, true);
	assert_contains(r.config, ".else\n    timeout client 30000ms\n.endif\n");
	rendered_free(&r);
	r = render(*state, longest, true);
	assert_contains(r.config, ".else\n    timeout client 2147483647ms\n.endif\n");
	rendered_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(names_lead_to_backends),
	    scratch_test(a_name_without_an_address_is_a_server_that_is_down),
	    scratch_test(an_ipv6_address_is_in_brackets),
	    scratch_test(only_certificates_that_are_there_are_listed),
	    scratch_test(without_a_certificate_the_port_opens_strictly),
	    scratch_test(no_secret_and_no_placeholder_is_in_it),
	    scratch_test(without_the_evidence_server_nothing_is_inspected),
	    scratch_test(server_first_for_all_inspects_nothing_either),
	    scratch_test(server_first_for_some_is_a_list),
	    scratch_test(the_proxy_protocol_goes_to_those_named),
	    scratch_test(it_goes_to_those_under_a_wildcard),
	    scratch_test(requests_are_routed_one_by_one_when_asked_for),
	    scratch_test(an_older_haproxy_limits_the_opening_by_the_client_s_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
