/* dns-hooks: CAA records out of DNS messages, and what they let a CA do. */
#include "dns-hooks/caa/caa_judge.h"
#include "dns-hooks/records/caa_wire.h"

#include "test/fuzz/dns_message.h"

#include <ctype.h>

static const struct caa_identities identities = {{"ca.test", "alias.test"}, 2};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* What cannot be said exactly is not taken for something else. */
static void check_record(const ldns_rr *record, struct caa *loose)
{
	struct caa exact;

	caa_from_rr_loosely(record, loose);
	CHECK(memchr(loose->tag, '\0', sizeof(loose->tag)) != NULL && loose->tag[0] != '\0');
	CHECK(memchr(loose->value, '\0', sizeof(loose->value)) != NULL && loose->flags <= 255);
	for (const char *c = loose->tag; *c != '\0'; c++)
		CHECK(isalnum((unsigned char)*c) && !isupper((unsigned char)*c));
	if (caa_from_rr(record, &exact) == 0)
		CHECK(exact.flags == loose->flags && strcmp(exact.tag, loose->tag) == 0 &&
		      strcmp(exact.value, loose->value) == 0);
}

static bool permits(const struct caa_set *set, bool is_wildcard)
{
	const struct caa_applicant applicant = {&identities, "https://ca.test/1", is_wildcard};
	struct error why = ERROR_INIT;
	bool does = caa_set_permits(set, &applicant, &why);

	if (!does)
		fuzz_check_error(&why);
	CHECK(does == caa_set_permits(set, &applicant, &why));
	return does;
}

static void add(struct caa_set *set, const char *tag, const char *value)
{
	struct error err = ERROR_INIT;
	struct caa caa = {0};

	snprintf(caa.tag, sizeof(caa.tag), "%s", tag);
	snprintf(caa.value, sizeof(caa.value), "%s", value);
	CHECK(caa_set_add(set, &caa, &err) == 0);
}

/* Records add up: one more for us lets us in, whatever else there is but a critical unknown. */
static void check_set(struct caa_set *set)
{
	bool is_blocked = false, could = permits(set, false), could_wild = permits(set, true);

	for (size_t i = 0; i < set->count; i++)
		is_blocked = is_blocked || caa_blocks(&set->items[i], &identities);
	if (is_blocked)
		CHECK(!could && !could_wild);
	add(set, "iodef", "mailto:x@ca.test");
	CHECK(permits(set, false) == could && permits(set, true) == could_wild);
	add(set, "issue", "ca.test; accounturi=https://ca.test/1");
	CHECK(permits(set, false) != is_blocked);
	add(set, "issuewild", "alias.test; validationmethods=http-01,dns-01");
	CHECK(permits(set, true) != is_blocked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PKT ldns_pkt *message = message_of(data, size);
	struct caa_set set = {0};
	struct error err = ERROR_INIT;

	if (message == NULL)
		return 0;
	const ldns_rr_list *section = ldns_pkt_answer(message);
	for (size_t i = 0; i < ldns_rr_list_rr_count(section) && set.count < 100; i++) {
		const ldns_rr *record = ldns_rr_list_rr(section, i);
		struct caa caa;
		if (ldns_rr_get_type(record) != LDNS_RR_TYPE_CAA)
			continue;
		check_record(record, &caa);
		CHECK(caa_set_add(&set, &caa, &err) == 0);
	}
	if (set.count > 0)
		check_set(&set);
	caa_set_free(&set);
	return 0;
}
