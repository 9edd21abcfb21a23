/* supervisor: policies, which say what a user of `ingressctl verify` expects. */
#include "supervisor/verify/policy.h"

#include "common/hex.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* A pin that is set is one that some quote could have. */
static void check_pins(const struct pins *pins)
{
	for (enum pin pin = 0; pin < PIN_COUNT; pin++) {
		const char *hex = pins->hex[pin];
		CHECK(memchr(hex, '\0', sizeof(pins->hex[pin])) != NULL);
		CHECK(hex[0] == '\0' || hex_is_valid(hex));
		CHECK(hex[strcspn(hex, "ABCDEF")] == '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	enum tcb_status worst = TCB_UP_TO_DATE;
	struct error err = ERROR_INIT;
	struct pins pins = {0};
	struct findings findings;

	findings_init(&findings);
	if (policy_read(text, size, &pins, &worst, false, &findings, &err) == 0) {
		CHECK(worst < TCB_REVOKED);
		/* What an option said stays. */
		enum tcb_status said = TCB_OUT_OF_DATE;
		const struct pins before = pins;
		CHECK(policy_read(text, size, &pins, &said, true, &findings, &err) == 0);
		CHECK(said == TCB_OUT_OF_DATE && memcmp(&before, &pins, sizeof(pins)) == 0);
	} else {
		CHECK(err.code == EXIT_BAD_CONFIG && worst == TCB_UP_TO_DATE);
		fuzz_check_error(&err);
	}
	check_pins(&pins);
	free(text);
	return 0;
}
