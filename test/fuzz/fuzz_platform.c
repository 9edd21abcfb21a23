/* common: attestations of dstack's, which name their platform. */
#include "common/attestation/platform.h"

#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *exact = malloc(size == 0 ? 1 : size);
	char kind[PLATFORM_KIND_SIZE];
	struct error err = ERROR_INIT;

	CHECK(exact != NULL);
	if (size > 0)
		memcpy(exact, data, size);
	if (platform_kind(exact, size, kind, &err) == 0) {
		CHECK(memchr(kind, '\0', sizeof(kind)) != NULL && kind[0] != '\0');
		CHECK(kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
	} else {
		CHECK(kind[0] == '\0');
		fuzz_check_error(&err);
	}
	free(exact);
	return 0;
}
