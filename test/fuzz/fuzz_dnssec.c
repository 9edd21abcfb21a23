/* dns-hooks: whether a DS record fits a key, out of two DNS messages. */
#include "dns-hooks/resolve/dnssec_check.h"

#include "test/fuzz/dns_message.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* Two messages, the length of the first in front. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || (size_t)(data[0] << 8 | data[1]) > size - 2)
		return 0;
	size_t length = (size_t)(data[0] << 8 | data[1]);
	AUTO_PKT ldns_pkt *parent = message_of(data + 2, length);
	AUTO_PKT ldns_pkt *keys = message_of(data + 2 + length, size - 2 - length);

	if (parent == NULL || keys == NULL)
		return 0;
	bool fits = dnssec_fits(parent, keys, "a.test");
	CHECK(fits == dnssec_fits(parent, keys, "a.test"));
	if (ldns_rr_list_rr_count(ldns_pkt_answer(parent)) == 0 ||
	    ldns_rr_list_rr_count(ldns_pkt_answer(keys)) == 0)
		CHECK(!fits);
	return 0;
}
