/* dns-hooks: CAA records.  Two lines of them, or of a tag and a value. */
#include "dns-hooks/records/caa.h"

#include "common/file.h"
#include "test/fuzz/fuzz.h"

static const struct caa_identities strict = {{"letsencrypt.org"}, 1}, common = {{"ca.test"}, 1};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* What is written is read again, part for part. */
static void check_round_trip(const struct caa *caa)
{
	char text[CAA_TEXT_MAX], second[CAA_TEXT_MAX];
	struct caa again;

	caa_format(caa, text);
	CHECK(strlen(text) < sizeof(text));
	CHECK(caa_parse(text, &again) == 0);
	CHECK(again.flags == caa->flags && strcmp(again.tag, caa->tag) == 0 &&
	      strcmp(again.value, caa->value) == 0);
	caa_format(&again, second);
	CHECK(strcmp(text, second) == 0);
	CHECK(caa_same(caa, &again) && caa_same(&again, caa));
}

/* A pin that was read is one again when it is written as this program writes it, and binds the
 * same account. */
static void check_pin(const struct caa *caa)
{
	struct caa_pin pin, again;
	struct caa written = *caa;

	CHECK(!caa_forbids_all(caa) || strncmp(caa->tag, "issue", 5) == 0);
	if (!caa_is_pin(caa, &pin))
		return;
	CHECK(!caa_forbids_all(caa) && !caa_blocks(caa, &strict) && !caa_blocks(caa, &common));
	caa_pin_value(&pin, "; ", written.value);
	CHECK(caa_is_pin(&written, &again));
	CHECK(strcmp(pin.issuer, again.issuer) == 0 || pin.issuer[strlen(pin.issuer) - 1] == '.');
	CHECK(strcmp(pin.account_uri, again.account_uri) == 0);
	check_round_trip(&written);
}

/* Records that are the same mean the same. */
static void check_pair(const struct caa *left, const struct caa *right)
{
	struct caa_pin a, b;

	CHECK(caa_same(left, right) == caa_same(right, left));
	if (!caa_same(left, right))
		return;
	CHECK(caa_forbids_all(left) == caa_forbids_all(right));
	CHECK(caa_blocks(left, &common) == caa_blocks(right, &common));
	CHECK(!caa_blocks(left, &common) || caa_blocks(right, &strict));
	CHECK(caa_is_pin(left, &a) == caa_is_pin(right, &b));
	if (caa_is_pin(left, &a))
		CHECK(strcmp(a.issuer, b.issuer) == 0 && strcmp(a.account_uri, b.account_uri) == 0);
}

static bool understand(const char *text, const char *other, struct caa *caa)
{
	if (caa_parse(text, caa) != 0 && caa_make(caa, 0, text, other) != 0)
		return false;
	CHECK(caa->flags <= 255 && caa->tag[0] != '\0');
	CHECK(memchr(caa->tag, '\0', sizeof(caa->tag)) != NULL);
	CHECK(memchr(caa->value, '\0', sizeof(caa->value)) != NULL);
	check_round_trip(caa);
	check_pin(caa);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *first = fuzz_line(&input);
	AUTO_FREE char *second = fuzz_line(&input);
	struct error err = ERROR_INIT;
	struct caa left, right;

	if (understand(first, second, &left) && understand(second, first, &right))
		check_pair(&left, &right);
	if (caa_check_account_uri(first, &err) == 0) {
		struct caa_pin pin = {.issuer = "ca.test"}, again;
		struct caa caa = {.tag = "issue"};
		memcpy(pin.account_uri, first, strlen(first) + 1);
		caa_pin_value(&pin, ";", caa.value);
		CHECK(caa_is_pin(&caa, &again) && strcmp(again.account_uri, first) == 0);
	} else {
		fuzz_check_error(&err);
	}
	return 0;
}
