/* common: collateral, as JSON. */
#include "common/attestation/collateral.h"

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

/* Whatever was done to it: the texts that pass are those that the PKI signed. */
static void check_accepted(const struct collateral *collateral)
{
	const char *tcb_info = collateral->tcb_info.text;
	const char *qe_identity = collateral->qe_identity.text;

	CHECK(FUZZ_WAS_SIGNED(tcb_info, strlen(tcb_info), seeds_texts));
	CHECK(FUZZ_WAS_SIGNED(qe_identity, strlen(qe_identity), seeds_texts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct error err = ERROR_INIT;
	struct collateral *collateral = collateral_parse(text, size, &err);

	if (collateral == NULL)
		fuzz_check_error(&err);
	else if (collateral_verify(collateral, &anchor, SEEDS_AT, &err) == 0)
		check_accepted(collateral);
	else
		fuzz_check_error(&err);
	collateral_free(collateral);
	free(text);
	return 0;
}
