#include "test/unit/common/unit.h"

#include "common/attestation/quote.h"

/* ---- a quote of the right shape; nothing in it is signed */

enum { SIGNATURE_DATA = 200, PADDING = 70, QUOTE_MAX = 2048 };

struct made {
	unsigned char bytes[QUOTE_MAX];
	size_t length;
	size_t body_offset, signature_offset; /* the latter of the length in front of it */
};

static void put_u16(struct made *quote, unsigned value)
{
	quote->bytes[quote->length++] = (unsigned char)value;
	quote->bytes[quote->length++] = (unsigned char)(value >> 8);
}

static void put_u32(struct made *quote, unsigned long value)
{
	put_u16(quote, (unsigned)(value & 0xffff));
	put_u16(quote, (unsigned)(value >> 16));
}

static void put_fill(struct made *quote, unsigned char value, size_t count)
{
	memset(quote->bytes + quote->length, value, count);
	quote->length += count;
}

static struct made make_quote(unsigned version, enum quote_body_type type)
{
	static const unsigned char vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	size_t body_size = type == QUOTE_TD15 ? QUOTE_TD15_SIZE : QUOTE_TD10_SIZE;
	struct made quote = {.length = 0};

	put_u16(&quote, version);
	put_u16(&quote, 2);
	put_u32(&quote, 0x81);
	put_u32(&quote, 0);
	memcpy(quote.bytes + quote.length, vendor, sizeof(vendor));
	quote.length += sizeof(vendor);
	put_fill(&quote, 0xaa, 20);
	if (version == 5) {
		put_u16(&quote, type);
		put_u32(&quote, body_size);
	}
	quote.body_offset = quote.length;
	put_fill(&quote, 0xbb, body_size);
	for (unsigned i = 0; i < QUOTE_REPORT_DATA_SIZE; i++)
		quote.bytes[quote.body_offset + 520 + i] = (unsigned char)i;
	quote.signature_offset = quote.length;
	put_u32(&quote, SIGNATURE_DATA);
	put_fill(&quote, 0xcc, SIGNATURE_DATA);
	put_fill(&quote, 0x00, PADDING);
	return quote;
}

/* From a copy of exactly that size, so that the address sanitizer sees a read past its end. */
static int parse_exact(const unsigned char *bytes, size_t length, struct error *err)
{
	unsigned char *copy = malloc(length == 0 ? 1 : length);
	struct quote quote;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	int result = quote_parse(copy, length, &quote, err);
	free(copy);
	return result;
}

static void assert_refused(const struct made *quote, const char *part_of_sentence)
{
	struct error err = ERROR_INIT;

	assert_int_equal(parse_exact(quote->bytes, quote->length, &err), -1);
	assert_int_equal(err.code, EXIT_FAILED);
	assert_contains(err.text, part_of_sentence);
}

static const struct {
	unsigned version;
	enum quote_body_type type;
} kinds[] = {{4, QUOTE_TD10}, {5, QUOTE_TD10}, {5, QUOTE_TD15}};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- */

static void the_parts_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct made made = make_quote(kinds[i].version, kinds[i].type);
		struct error err = ERROR_INIT;
		struct quote quote;

		assert_int_equal(quote_parse(made.bytes, made.length, &quote, &err), 0);
		assert_int_equal(quote.version, kinds[i].version);
		assert_int_equal(quote.body_type, kinds[i].type);
		assert_ptr_equal(quote.header.data, made.bytes);
		assert_int_equal(quote.header.length, 48);
		assert_ptr_equal(quote.body.data, made.bytes + made.body_offset);
		assert_int_equal(quote.body.length, made.signature_offset - made.body_offset);
		assert_ptr_equal(quote.signed_part.data, made.bytes);
		assert_int_equal(quote.signed_part.length, made.signature_offset);
		assert_ptr_equal(quote.signature_data.data, made.bytes + made.signature_offset + 4);
		assert_int_equal(quote.signature_data.length, SIGNATURE_DATA);
		assert_int_equal(quote.padding.length, PADDING);
		for (unsigned j = 0; j < QUOTE_REPORT_DATA_SIZE; j++)
			assert_int_equal(quote.report_data[j], j);
	}
}

static void a_version_4_quote_signs_632_bytes(void **state)
{
	struct made made = make_quote(4, QUOTE_TD10);
	struct error err = ERROR_INIT;
	struct quote quote;

	(void)state;
	assert_int_equal(quote_parse(made.bytes, made.length, &quote, &err), 0);
	assert_int_equal(quote.signed_part.length, 632);
}

static void padding_may_be_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct made made = make_quote(kinds[i].version, kinds[i].type);
		struct error err = ERROR_INIT;
		assert_int_equal(parse_exact(made.bytes, made.length - PADDING, &err), 0);
	}
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct made made = make_quote(kinds[i].version, kinds[i].type);
		size_t whole = made.length - PADDING;
		for (made.length = 0; made.length < whole; made.length++)
			assert_refused(&made, "the quote ends within its");
	}
}

static void every_wrong_signature_length_is_refused(void **state)
{
	static const unsigned long lengths[] = {SIGNATURE_DATA + PADDING + 1, 0x7fffffff,
						0x80000000, 0xffffffff, 0xfffffffc};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct made made = make_quote(4, QUOTE_TD10);
		size_t whole = made.length;
		made.length = made.signature_offset;
		put_u32(&made, lengths[i]);
		made.length = whole;
		assert_refused(&made, "the quote ends within its signature data");
	}
}

static void too_short_a_signature_is_refused(void **state)
{
	(void)state;
	for (unsigned length = 0; length < 134; length++) {
		struct made made = make_quote(4, QUOTE_TD10);
		size_t whole = made.length;
		made.length = made.signature_offset;
		put_u32(&made, length);
		made.length = whole;
		assert_refused(&made, "fewer than 134");
	}
}

static void a_body_descriptor_must_fit_its_type(void **state)
{
	static const struct {
		unsigned type;
		unsigned long size;
		const char *sentence;
	} wrong[] = {
	    {2, 648, "claims 648 bytes where it has 584"},
	    {3, 584, "claims 584 bytes where it has 648"},
	    {2, 0, "claims 0 bytes"},
	    {2, 585, "claims 585 bytes"},
	    {3, 0xffffffff, "claims 4294967295 bytes"},
	    {0, 584, "body has type 0"},
	    {1, 384, "body has type 1"}, /* an SGX enclave's report */
	    {4, 648, "body has type 4"},
	    {0xffff, 584, "body has type 65535"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct made made = make_quote(5, QUOTE_TD15);
		size_t whole = made.length;
		made.length = QUOTE_HEADER_SIZE;
		put_u16(&made, wrong[i].type);
		put_u32(&made, wrong[i].size);
		made.length = whole;
		assert_refused(&made, wrong[i].sentence);
	}
}

static void the_header_is_checked(void **state)
{
	static const struct {
		size_t offset;
		const char *sentence;
	} checked[] = {
	    {0, "version"},	     {1, "version"},	 {2, "attestation key has type"},
	    {3, "attestation key"},  {4, "TEE of type"}, {5, "TEE of type"},
	    {6, "TEE of type"},	     {7, "TEE of type"}, {12, "quoting enclave"},
	    {27, "quoting enclave"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
		struct made made = make_quote(4, QUOTE_TD10);
		made.bytes[checked[i].offset] ^= 0x80;
		assert_refused(&made, checked[i].sentence);
	}
}

static void an_sgx_quote_is_refused(void **state)
{
	struct made made = make_quote(4, QUOTE_TD10);

	(void)state;
	made.bytes[0] = 3;
	made.bytes[4] = 0;
	assert_refused(&made, "version 3; 4 and 5 are known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_parts_are_found),
	    cmocka_unit_test(a_version_4_quote_signs_632_bytes),
	    cmocka_unit_test(padding_may_be_missing),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(every_wrong_signature_length_is_refused),
	    cmocka_unit_test(too_short_a_signature_is_refused),
	    cmocka_unit_test(a_body_descriptor_must_fit_its_type),
	    cmocka_unit_test(the_header_is_checked),
	    cmocka_unit_test(an_sgx_quote_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
