/* Which platform an attestation of dstack's is of. */
#include "common/attestation/platform.h"

#include "test/unit/common/unit.h"

#include <stdlib.h>

/* The bytes of a string literal. */
#define BYTES(text) text, sizeof(text) - 1

static int kind_of(const char *bytes, size_t length, char kind[PLATFORM_KIND_SIZE])
{
	struct error err = ERROR_INIT;
	/* Of exactly this size, so that the address sanitizer sees a read past its end. */
	unsigned char *exact = malloc(length == 0 ? 1 : length);

	assert_non_null(exact);
	memcpy(exact, bytes, length);
	int rc = platform_kind(exact, length, kind, &err);
	free(exact);
	assert_int_equal(rc == 0, kind[0] != '\0');
	if (rc != 0)
		assert_contains(err.text, "names no platform");
	return rc;
}

static const struct {
	const char *bytes;
	size_t length;
	const char *kind; /* NULL: refused */
} samples[] = {
    {BYTES("\x83\xa7version\x01\xa8platform\x82\xa4kind\xa7sev-snp\xa4"
	   "data\xc4\x01x"),
     "sev-snp"},
    {BYTES("\x81\xa8platform\x81\xa4kind\xd9\x03tdx"), "tdx"},
    {BYTES("\xde\x00\x01\xda\x00\x08platform\xdf\x00\x00\x00\x01\xa4kind\xa3tdx"), "tdx"},
    /* One of the same name further inside is another. */
    {BYTES("\x82\xa1x\x81\xa8platform\x81\xa4kind\xa1y\xa8platform\x81\xa4kind\xa3tdx"), "tdx"},
    {BYTES("\x82\xa1x\x92\xcb"
	   "12345678\xc9\x00\x00\x00\x01tz\xa8platform\x81\xa4kind\xa3tdx"),
     "tdx"},
    {BYTES("\x00\x01"), "legacy"},
    {BYTES("\x00"), NULL},
    {BYTES(""), NULL},
    {BYTES("\x04\x00\x02\x00"), NULL},
    {BYTES("{\"quote\": \"00\"}"), NULL},
    {BYTES("\x81\xa8platform\x81\xa4kind\xa3TDX"), NULL},
    {BYTES("\x81\xa8platform\x81\xa4kind\xa0"), NULL},
    {BYTES("\x81\xa8platform\x81\xa4kind\x01"), NULL},
    {BYTES("\x81\xa8platform\xa4kind"), NULL},
    {BYTES("\x81\x01\x02"), NULL},
    {BYTES("\x82\xa1x\xc1\xa8platform\x81\xa4kind\xa3tdx"), NULL},
    {BYTES("\x82\xa1x\xdd\xff\xff\xff\xff\xa8platform\x81\xa4kind\xa3tdx"), NULL},
    {BYTES("\x82\xa1x\xc6\xff\xff\xff\xff\xa8platform\x81\xa4kind\xa3tdx"), NULL},
};

static void the_platform_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		char kind[PLATFORM_KIND_SIZE];
		int rc = kind_of(samples[i].bytes, samples[i].length, kind);
		if ((rc == 0) != (samples[i].kind != NULL))
			fail_msg("sample %zu: \"%s\"", i, kind);
		if (rc == 0)
			assert_string_equal(kind, samples[i].kind);
	}
}

static void no_part_of_it_is_enough(void **state)
{
	char kind[PLATFORM_KIND_SIZE];

	(void)state;
	for (size_t length = 0; length < samples[1].length; length++)
		assert_int_equal(kind_of(samples[1].bytes, length, kind), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_platform_is_named),
	    cmocka_unit_test(no_part_of_it_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
