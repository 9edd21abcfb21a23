/* dns-hooks: what a CA says about itself. */
#include "dns-hooks/caa/acme_directory.h"

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
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *directory = json_parse((const char *)data, size, "the answer", &err);
	struct caa_identities identities;
	domain_name again;

	/* Also of no directory at all. */
	acme_read_identities(directory, &identities);
	CHECK(identities.count <= CAA_IDENTITIES_MAX);
	for (size_t i = 0; i < identities.count; i++) {
		const char *name = identities.names[i];
		CHECK(domain_parse(name, strlen(name), again) == DOMAIN_VALID);
		CHECK(strcmp(name, again) == 0 && !domain_is_wildcard(name));
	}
	CHECK(directory != NULL || identities.count == 0);
	return 0;
}
