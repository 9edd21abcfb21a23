#include "common/attestation/quote.h"

#include "common/attestation/byte_reader.h"

#include <string.h>

enum {
	ATTESTATION_KEY_ECDSA_P256 = 2,
	TEE_TDX = 0x81,
	VENDOR_SIZE = 16,
	VENDOR_OFFSET = 12,
	REPORT_DATA_OFFSET = 520,
	/* signature 64, attestation key 64, and type and length of the certification data */
	SIGNATURE_DATA_MIN = 64 + 64 + 2 + 4,
};

static const unsigned char intel_qe_vendor[VENDOR_SIZE] = {
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
};

static int parse_header(struct byte_reader *reader, struct quote *quote, struct error *err)
{
	const unsigned char *header = bytes_take(reader, QUOTE_HEADER_SIZE, "header", err);

	if (header == NULL)
		return -1;
	quote->version = bytes_u16(header);
	if (quote->version != 4 && quote->version != 5)
		return error_set(err, EXIT_FAILED, "the quote has version %u; 4 and 5 are known",
				 quote->version);
	if (bytes_u16(header + 2) != ATTESTATION_KEY_ECDSA_P256)
		return error_set(err, EXIT_FAILED,
				 "the quote's attestation key has type %u, not %d (ECDSA P-256)",
				 bytes_u16(header + 2), ATTESTATION_KEY_ECDSA_P256);
	if (bytes_u32(header + 4) != TEE_TDX)
		return error_set(err, EXIT_FAILED,
				 "the quote comes from a TEE of type 0x%x, not 0x%x (TDX)",
				 (unsigned)bytes_u32(header + 4), TEE_TDX);
	if (memcmp(header + VENDOR_OFFSET, intel_qe_vendor, VENDOR_SIZE) != 0)
		return error_set(err, EXIT_FAILED,
				 "the quote does not name Intel's quoting enclave as its maker");
	quote->header = (struct quote_part){header, QUOTE_HEADER_SIZE};
	return 0;
}

static size_t body_size(unsigned type)
{
	switch (type) {
	case QUOTE_TD10:
		return QUOTE_TD10_SIZE;
	case QUOTE_TD15:
		return QUOTE_TD15_SIZE;
	default:
		return 0;
	}
}

/* Version 5 says which body follows; version 4 knows only one. */
static int parse_body_type(struct byte_reader *reader, struct quote *quote, struct error *err)
{
	enum { DESCRIPTOR_SIZE = 6 };

	quote->body_type = QUOTE_TD10;
	if (quote->version == 4)
		return 0;
	const unsigned char *descriptor =
	    bytes_take(reader, DESCRIPTOR_SIZE, "body descriptor", err);
	if (descriptor == NULL)
		return -1;
	unsigned type = bytes_u16(descriptor);
	uint32_t size = bytes_u32(descriptor + 2);
	if (body_size(type) == 0)
		return error_set(
		    err, EXIT_FAILED,
		    "the quote's body has type %u; 2 (TDX 1.0) and 3 (TDX 1.5) are known", type);
	if (size != body_size(type))
		return error_set(err, EXIT_FAILED,
				 "the quote's body of type %u claims %u bytes where it has %zu",
				 type, (unsigned)size, body_size(type));
	quote->body_type = (enum quote_body_type)type;
	return 0;
}

static int parse_body(struct byte_reader *reader, struct quote *quote, struct error *err)
{
	if (parse_body_type(reader, quote, err) != 0)
		return -1;
	size_t size = body_size(quote->body_type);
	const unsigned char *body = bytes_take(reader, size, "TD report", err);
	if (body == NULL)
		return -1;
	quote->body = (struct quote_part){body, size};
	quote->report_data = body + REPORT_DATA_OFFSET;
	quote->signed_part = (struct quote_part){
	    quote->header.data,
	    (size_t)(reader->at - quote->header.data),
	};
	return 0;
}

static int parse_signature_data(struct byte_reader *reader, struct quote *quote, struct error *err)
{
	const unsigned char *prefix = bytes_take(reader, 4, "signature length", err);

	if (prefix == NULL)
		return -1;
	size_t length = bytes_u32(prefix);
	if (length < SIGNATURE_DATA_MIN)
		return error_set(err, EXIT_FAILED,
				 "the quote's signature data has %zu bytes, fewer than %d", length,
				 SIGNATURE_DATA_MIN);
	const unsigned char *data = bytes_take(reader, length, "signature data", err);
	if (data == NULL)
		return -1;
	quote->signature_data = (struct quote_part){data, length};
	return 0;
}

int quote_parse(const unsigned char *bytes, size_t length, struct quote *quote, struct error *err)
{
	struct byte_reader reader = {bytes, length};

	*quote = (struct quote){0};
	if (parse_header(&reader, quote, err) != 0 || parse_body(&reader, quote, err) != 0 ||
	    parse_signature_data(&reader, quote, err) != 0)
		return -1;
	quote->padding = (struct quote_part){reader.at, reader.left};
	return 0;
}
