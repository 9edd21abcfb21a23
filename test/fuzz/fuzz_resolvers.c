/* dns-hooks: DNS_RESOLVERS. */
#include "dns-hooks/resolve/resolver.h"

#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* A server that was understood is understood again as it is shown. */
static void check_server(const struct dns_server *server)
{
	struct resolver again;
	struct error err = ERROR_INIT;
	char listed[DNS_SERVER_TEXT_MAX + 2];
	bool is_bare_v6 = server->address.ss_family == AF_INET6 && server->text[0] != '[';

	CHECK(memchr(server->text, '\0', sizeof(server->text)) != NULL);
	CHECK(server->address.ss_family == AF_INET || server->address.ss_family == AF_INET6);
	snprintf(listed, sizeof(listed), is_bare_v6 ? "[%s]" : "%s", server->text);
	CHECK(resolver_init(&again, listed, &err) == 0 && again.count == 1);
	CHECK(strcmp(again.servers[0].text, server->text) == 0);
	CHECK(again.servers[0].length == server->length);
	CHECK(memcmp(&again.servers[0].address, &server->address, server->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *listed = fuzz_text(data, size);
	struct resolver resolver;
	struct error err = ERROR_INIT;

	if (resolver_init(&resolver, listed, &err) == 0) {
		CHECK(resolver.count >= 1 && resolver.count <= RESOLVERS_MAX);
		for (size_t i = 0; i < resolver.count; i++)
			check_server(&resolver.servers[i]);
	} else {
		fuzz_check_error(&err);
		CHECK(err.code == EXIT_BAD_CONFIG);
	}
	free(listed);
	return 0;
}
