/* common: TDX quotes. */
#include "common/attestation/quote.h"

#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static const unsigned char *end_of(const struct quote_part *part)
{
	return part->data + part->length;
}

/* The parts lie one behind the other and fill the quote, but for the two lengths between. */
static void check_parts(const struct quote *quote, const unsigned char *bytes, size_t size)
{
	size_t descriptor = quote->version == 5 ? 6 : 0;

	CHECK(quote->version == 4 || quote->version == 5);
	CHECK(quote->body_type == QUOTE_TD10 ||
	      (quote->version == 5 && quote->body_type == QUOTE_TD15));
	CHECK(quote->header.data == bytes && quote->header.length == QUOTE_HEADER_SIZE);
	CHECK(quote->body.data == end_of(&quote->header) + descriptor);
	CHECK(quote->body.length ==
	      (quote->body_type == QUOTE_TD10 ? QUOTE_TD10_SIZE : QUOTE_TD15_SIZE));
	CHECK(quote->signed_part.data == bytes);
	CHECK(end_of(&quote->signed_part) == end_of(&quote->body));
	CHECK(quote->signature_data.data == end_of(&quote->body) + 4);
	CHECK(quote->padding.data == end_of(&quote->signature_data));
	CHECK(end_of(&quote->padding) == bytes + size);
	CHECK(quote->report_data >= quote->body.data &&
	      quote->report_data + QUOTE_REPORT_DATA_SIZE <= end_of(&quote->body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *exact = malloc(size == 0 ? 1 : size);
	struct error err = ERROR_INIT;
	struct quote quote;

	CHECK(exact != NULL);
	memcpy(exact, data, size);
	if (quote_parse(exact, size, &quote, &err) == 0) {
		size_t needed = (size_t)(end_of(&quote.signature_data) - exact);
		check_parts(&quote, exact, size);
		/* One byte less than its parts need, and it is none. */
		CHECK(quote_parse(exact, needed, &quote, &err) == 0 && quote.padding.length == 0);
		CHECK(quote_parse(exact, needed - 1, &quote, &err) != 0);
	}
	if (size < QUOTE_HEADER_SIZE + QUOTE_TD10_SIZE)
		CHECK(err.text[0] != '\0');
	if (err.text[0] != '\0')
		fuzz_check_error(&err);
	free(exact);
	return 0;
}
