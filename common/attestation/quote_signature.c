#include "common/attestation/quote_signature.h"

#include "common/attestation/byte_reader.h"

enum {
	CERTIFIED_BY_QE_REPORT = 6,
	CERTIFIED_BY_PCK_CHAIN = 5,
};

/* A type and a length that has to reach to the end of what is there, no further and no less. */
static int parse_certification(struct byte_reader *reader, unsigned type, const char *part,
			       struct error *err)
{
	const unsigned char *head = bytes_take(reader, 6, part, err);

	if (head == NULL)
		return -1;
	if (bytes_u16(head) != type)
		return error_set(err, EXIT_FAILED, "the quote's %s has type %u; only %u is known",
				 part, bytes_u16(head), type);
	if (bytes_u32(head + 2) != reader->left)
		return error_set(err, EXIT_FAILED,
				 "the quote's %s claims %lu bytes where there are %zu", part,
				 (unsigned long)bytes_u32(head + 2), reader->left);
	return 0;
}

static int parse_qe_report(struct byte_reader *reader, struct quote_signature *signature,
			   struct error *err)
{
	signature->qe_report = bytes_take(reader, QE_REPORT_SIZE, "QE report", err);
	if (signature->qe_report == NULL)
		return -1;
	signature->qe_signature =
	    bytes_take(reader, P256_SIGNATURE_SIZE, "signature of the QE report", err);
	if (signature->qe_signature == NULL)
		return -1;
	const unsigned char *head = bytes_take(reader, 2, "QE authentication data", err);
	if (head == NULL)
		return -1;
	size_t length = bytes_u16(head);
	const unsigned char *auth = bytes_take(reader, length, "QE authentication data", err);
	if (auth == NULL)
		return -1;
	signature->qe_auth = (struct quote_part){auth, length};
	return 0;
}

int quote_signature_parse(const struct quote *quote, struct quote_signature *signature,
			  struct error *err)
{
	struct byte_reader reader = {quote->signature_data.data, quote->signature_data.length};

	*signature = (struct quote_signature){0};
	signature->signature = bytes_take(&reader, P256_SIGNATURE_SIZE, "signature", err);
	if (signature->signature == NULL)
		return -1;
	signature->attestation_key = bytes_take(&reader, P256_KEY_SIZE, "attestation key", err);
	if (signature->attestation_key == NULL ||
	    parse_certification(&reader, CERTIFIED_BY_QE_REPORT, "certification data", err) != 0 ||
	    parse_qe_report(&reader, signature, err) != 0 ||
	    parse_certification(&reader, CERTIFIED_BY_PCK_CHAIN, "certificate chain", err) != 0)
		return -1;
	while (reader.left > 0 && reader.at[reader.left - 1] == '\0')
		reader.left--;
	signature->chain_pem = (struct quote_part){reader.at, reader.left};
	return 0;
}
