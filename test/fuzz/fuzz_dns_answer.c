/* dns-hooks: what resolvers and authoritative servers answer. */
#include "dns-hooks/resolve/dns_answer.h"

#include "dns-hooks/records/dns_name.h"
#include "test/fuzz/dns_message.h"

#include <ctype.h>
#include <netinet/in.h>

static const struct dns_server server = {.text = "192.0.2.53"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_name(const char *name)
{
	size_t length = strlen(name);

	CHECK(length < sizeof(domain_name));
	for (size_t i = 0; i < length; i++)
		CHECK(!isupper((unsigned char)name[i]) && isgraph((unsigned char)name[i]));
}

static void check_names(const struct name_list *names)
{
	CHECK(names->count <= RESOLVER_NAMES_MAX);
	for (size_t i = 0; i < names->count; i++)
		check_name(names->items[i]);
}

static void check_addresses(const ldns_pkt *answer, const char *name)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
	struct address_list addresses = {0};
	domain_name moved;

	for (size_t t = 0; t < 2; t++) {
		size_t before = addresses.count;
		memcpy(moved, name, strlen(name) + 1);
		dns_answer_addresses(answer, types[t], 53, moved, &addresses);
		check_name(moved);
		CHECK(addresses.count >= before && addresses.count <= RESOLVER_ADDRESSES_MAX);
		for (size_t i = before; i < addresses.count; i++)
			CHECK(addresses.items[i].ss_family == (t == 0 ? AF_INET : AF_INET6));
	}
}

static void check_zones(const ldns_pkt *answer, const char *name, const char *current)
{
	struct name_list names;
	domain_name zone;

	dns_answer_name_servers(answer, name, &names);
	check_names(&names);
	if (dns_answer_zone(answer, name, zone)) {
		check_name(zone);
		CHECK(dns_name_within(name, zone));
	}
	bool refers = dns_answer_referral(answer, current, name, zone, &names);
	CHECK(dns_answer_is_authoritative(answer, current, name) ==
	      (refers || ldns_pkt_aa(answer)));
	check_names(&names);
	if (refers) {
		CHECK(names.count > 0);
		CHECK(dns_name_within(name, zone) && dns_name_within(zone, current));
		CHECK(strlen(zone) > strlen(current)); /* else it could lead in circles */
	}
	if (dns_answer_deeper_zone(answer, current, name, zone)) {
		CHECK(dns_name_within(name, zone) && dns_name_within(zone, current));
		CHECK(strlen(zone) > strlen(current));
	}
}

/* The strings of a TXT record, joined, if they are text at all. */
static char *joined(const ldns_rr *record)
{
	struct buffer text;

	buffer_init(&text, UINT16_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
		const ldns_rdf *field = ldns_rr_rdf(record, i);
		CHECK(ldns_rdf_size(field) == 1U + ldns_rdf_data(field)[0]);
		buffer_append(&text, ldns_rdf_data(field) + 1, ldns_rdf_size(field) - 1);
	}
	bool is_text = memchr(buffer_text(&text), '\0', text.length) == NULL;
	char *taken = is_text ? buffer_take(&text) : NULL;
	buffer_free(&text);
	return taken;
}

/* The value of every TXT record is found, and what is not there is not. */
static void check_texts(const ldns_pkt *answer)
{
	const ldns_rr_list *section = ldns_pkt_answer(answer);
	size_t count = ldns_rr_list_rr_count(section);
	domain_name owner;

	for (size_t i = 0; i < count && i < 16; i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		if (ldns_rr_get_type(record) != LDNS_RR_TYPE_TXT ||
		    ldns_rr_get_class(record) != LDNS_RR_CLASS_IN ||
		    dns_name_text(ldns_rr_owner(record), owner) != 0)
			continue;
		char *value = joined(record);
		CHECK(value == NULL || dns_answer_has_text(answer, owner, value));
		free(value);
	}
	CHECK(!dns_answer_has_text(answer, "a name with spaces", ""));
}

static void check_all(const ldns_pkt *answer, const char *name)
{
	domain_name alias;

	check_name(name);
	check_addresses(answer, name);
	check_zones(answer, name, "");
	check_zones(answer, name, "example.com");
	check_zones(answer, name, name);
	if (dns_answer_alias(answer, name, alias) == 0)
		check_name(alias);
	CHECK(dns_rcode_text(answer)[0] != '\0');
}

/* About the names that stand in the message: the question's, and those of its records. */
static void check_about_all(const ldns_pkt *answer)
{
	const ldns_rr_list *sections[] = {ldns_pkt_question(answer), ldns_pkt_answer(answer),
					  ldns_pkt_authority(answer)};
	domain_name name;

	check_all(answer, "app.example.com");
	for (size_t s = 0; s < 3; s++)
		for (size_t i = 0; i < ldns_rr_list_rr_count(sections[s]) && i < 4; i++)
			if (dns_name_text(ldns_rr_owner(ldns_rr_list_rr(sections[s], i)), name) ==
			    0)
				check_all(answer, name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PKT ldns_pkt *message = message_of(data, size);
	AUTO_PKT ldns_pkt *question = message == NULL ? NULL : question_of(message);
	struct error err = ERROR_INIT;

	if (question == NULL)
		return 0;
	AUTO_PKT ldns_pkt *answer = dns_parse_answer(question, data, size, &server, &err);
	if (answer == NULL) {
		fuzz_check_error(&err);
		CHECK(err.code == EXIT_UNREACHABLE);
		return 0;
	}
	CHECK(ldns_pkt_id(answer) == ldns_pkt_id(question) && ldns_pkt_qr(answer));
	check_about_all(answer);
	check_texts(answer);
	ldns_pkt_set_id(question, (uint16_t)~ldns_pkt_id(question));
	AUTO_PKT ldns_pkt *other = dns_parse_answer(question, data, size, &server, &err);
	CHECK(other == NULL);
	return 0;
}
