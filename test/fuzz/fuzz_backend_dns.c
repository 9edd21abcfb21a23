/* supervisor: what ingress-resolve tells, and the file of known addresses. */
#include "supervisor/addresses/backend_addresses.h"

#include "test/fuzz/fuzz.h"

enum { NOW = 1764000000 };

static struct route routes[] = {
    {.pattern = "a.test", .target = {.host = "app", .port = 80}},
    {.pattern = "b.test", .target = {.host = "db.test", .port = 80}},
};
static const struct settings settings = {.routes = routes, .route_count = 2};
static struct ip_network own;
static const struct allowed_networks allowed = {.own = &own, .own_count = 1};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char reason[IP_REASON_SIZE];

	(void)argc;
	(void)argv;
	fuzz_quiet();
	CHECK(ip_network_parse("10.0.0.0/8", 10, &own, reason));
	return 0;
}

/* Whatever was said, decrypted traffic goes nowhere else. */
static void check_table(const struct backend_addresses *table)
{
	for (size_t i = 0; i < backend_addresses_count(table); i++) {
		const struct backend_address *entry = backend_addresses_at(table, i);
		CHECK(!entry->known || networks_allow(&allowed, &entry->address));
	}
}

/* The file is read first, then come the lines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct error err = ERROR_INIT;
	struct backend_addresses *table = backend_addresses_new(&settings, &err);
	char *file = fuzz_text(data, size);
	time_t now = NOW;

	CHECK(table != NULL);
	backend_addresses_load(table, file, &allowed);
	check_table(table);
	while (input.left > 0) {
		char *line = fuzz_line(&input);
		struct dns_answer answer;
		if (dns_answer_parse(line, &answer)) {
			unsigned long before = backend_addresses_changes(table);
			unsigned decisions =
			    backend_addresses_take(table, &answer, &allowed, now += 20);
			CHECK((backend_addresses_changes(table) != before) ==
			      ((decisions & ADDRESS_CHANGED) != 0));
			CHECK((answer.kind == DNS_ANSWER_ADDRESSES) == (answer.count > 0));
		}
		check_table(table);
		free(line);
	}
	free(file);
	backend_addresses_free(table);
	return 0;
}
