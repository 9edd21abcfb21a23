/* common: event logs, held against the registers that the seeds' logs give. */
#include "common/attestation/event_log.h"
#include "common/hex.h"

#include "test/fuzz/quote_pki.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_hex(const char *value, size_t size)
{
	CHECK(memchr(value, '\0', size) != NULL);
	CHECK(value[0] == '\0' || hex_is_valid(value));
}

/* A log that gives these registers cannot tell of another app than the one they are of. */
static void check_identity(const struct app_identity *identity)
{
	CHECK(strcmp(identity->app_id, SEEDS_APP_ID) == 0);
	check_hex(identity->compose_hash, sizeof(identity->compose_hash));
	check_hex(identity->instance_id, sizeof(identity->instance_id));
	check_hex(identity->os_image_hash, sizeof(identity->os_image_hash));
	check_hex(identity->key_provider, sizeof(identity->key_provider));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	for (size_t i = 0; i < sizeof(seeds_registers) / sizeof(*seeds_registers); i++) {
		struct td_report report = {0};
		struct app_identity identity = {0};
		struct error err = ERROR_INIT;
		for (size_t n = 0; n < RTMR_COUNT; n++)
			report.rtmr[n] = seeds_registers[i] + n * MEASUREMENT_SIZE;
		if (event_log_verify(text, size, &report, &identity, &err) == 0)
			check_identity(&identity);
		else
			fuzz_check_error(&err);
	}
	free(text);
	return 0;
}
