/* common: whole TDX quotes down to a pinned root: a length, the quote, and an event log. */
#include "common/attestation/attestation.h"
#include "common/attestation/quote.h"

#include "test/fuzz/quote_pki.h"

static struct trust_anchor anchor;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	fuzz_anchor(&anchor);
	return 0;
}

/* A step is judged only if those before it passed, and a sentence says what is wrong. */
static void check_findings(const struct attestation_result *result, bool good)
{
	bool any_failed = false;

	for (size_t i = 0; i < ATTESTATION_STEP_COUNT; i++) {
		const struct attestation_finding *finding = &result->findings[i];
		CHECK(memchr(finding->text, '\0', sizeof(finding->text)) != NULL);
		CHECK((finding->outcome == ATTESTATION_PASSED) == (finding->text[0] == '\0'));
		any_failed = any_failed || finding->outcome == ATTESTATION_FAILED;
	}
	CHECK(good == !any_failed);
	for (size_t i = ATTESTATION_CHAIN; i < ATTESTATION_STEP_COUNT; i++)
		if (result->findings[ATTESTATION_LAYOUT].outcome != ATTESTATION_PASSED)
			CHECK(result->findings[i].outcome == ATTESTATION_NOT_CHECKED);
	CHECK(!result->has_tcb);
}

/* Whatever was done to it: what passes is what the PKI signed, and says what it said then. */
static void check_accepted(const unsigned char *bytes, size_t size,
			   const struct attestation_result *result)
{
	struct error err = ERROR_INIT;
	struct quote quote;

	CHECK(quote_parse(bytes, size, &quote, &err) == 0);
	CHECK(FUZZ_WAS_SIGNED(quote.signed_part.data, quote.signed_part.length, seeds_quotes));
	CHECK(result->findings[ATTESTATION_QUOTE_SIGNATURE].outcome == ATTESTATION_PASSED);
	if (result->findings[ATTESTATION_EVENT_LOG].outcome == ATTESTATION_PASSED)
		CHECK(strcmp(result->identity.app_id, SEEDS_APP_ID) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
	struct attestation_result result;
	size_t length = 0;

	if (size < 4)
		return 0;
	for (size_t i = 0; i < 4; i++)
		length |= (size_t)data[i] << (8 * i);
	if (length > size - 4)
		length = size - 4;
	unsigned char *quote = malloc(length == 0 ? 1 : length);
	char *log = fuzz_text(data + 4 + length, size - 4 - length);
	const struct attestation_input input = {
	    .quote = quote,
	    .quote_length = length,
	    .anchor = &anchor,
	    .at = SEEDS_AT,
	    .report_data = report_data,
	    .event_log = log[0] == '\0' ? NULL : log,
	    .event_log_length = size - 4 - length,
	};

	CHECK(quote != NULL);
	memcpy(quote, data + 4, length);
	bool good = attestation_verify(&input, &result);
	check_findings(&result, good);
	if (good)
		check_accepted(quote, length, &result);
	free(quote);
	free(log);
	return 0;
}
