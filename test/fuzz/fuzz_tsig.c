/* dns-hooks: answers that have to be signed.  Bit 0 of the first byte says what the rest is: an
 * answer as an attacker sends it, or one that the server signs, with one bit turned after. */
#include "dns-hooks/providers/tsig_server.h"

#include "common/file.h"
#include "test/fuzz/dns_message.h"

enum { HEADER_SIZE = 12, ARCOUNT_OFFSET = 10, FUDGE_SECONDS = 300, FIELD_MAC = 3, ID = 4711 };

static struct tsig_server server = {
    .endpoint = {.host = "ns.example.net", .port = 53},
    .key_name = "key.example.net",
    .algorithm = "hmac-sha256.",
    .secret = "Y2FuYXJ5LTRmMWQ4YTI3YzA5Yg==",
};
static const struct dns_server from = {.text = "192.0.2.53"};
static ldns_pkt *request;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct error err = ERROR_INIT;

	(void)argc;
	(void)argv;
	fuzz_quiet();
	request = dns_question("app.example.com", LDNS_RR_TYPE_TXT, false, &err);
	CHECK(request != NULL);
	ldns_pkt_set_id(request, ID);
	CHECK(tsig_sign(&server, request, &err) == 0);
	return 0;
}

static ldns_pkt *judge(const uint8_t *reply, size_t length)
{
	struct error err = ERROR_INIT;
	ldns_pkt *answer = tsig_read_answer(&server, request, &from, reply, length, &err);

	if (answer == NULL)
		fuzz_check_error(&err);
	return answer;
}

/* Nobody without the key gets an answer accepted. */
static void check_forged(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *reply = (uint8_t *)fuzz_text(data, size);

	if (size >= 2) {
		reply[0] = ID >> 8;
		reply[1] = ID & 0xff;
	}
	if (!is_leaked_by_ldns(reply, size))
		CHECK(judge(reply, size) == NULL);
}

/* Makes `answer` one to the request; false when it cannot be one. */
static bool fit(ldns_pkt *answer)
{
	if (ldns_pkt_tsig(answer) != NULL || ldns_pkt_qdcount(answer) > 1)
		return false;
	ldns_rr_list_deep_free(ldns_pkt_question(answer));
	ldns_pkt_set_question(answer, ldns_rr_list_clone(ldns_pkt_question(request)));
	ldns_pkt_set_qdcount(answer, 1);
	ldns_pkt_set_id(answer, ID);
	ldns_pkt_set_qr(answer, true);
	ldns_pkt_set_opcode(answer, LDNS_PACKET_QUERY);
	return true;
}

static void check_changed(uint8_t *reply, size_t length, size_t signed_length, unsigned where)
{
	size_t bit = where % (signed_length * 8), byte = bit / 8;

	if (byte == ARCOUNT_OFFSET || byte == ARCOUNT_OFFSET + 1)
		return; /* it tells where the signature is, which is then not found */
	reply[byte] ^= (uint8_t)(1U << bit % 8);
	CHECK(judge(reply, length) == NULL);
}

/* What the server signs is accepted, and no bit of it can be turned. */
static void check_signed(ldns_pkt *answer, unsigned where)
{
	const ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(request), FIELD_MAC);
	AUTO_FREE uint8_t *bare = NULL, *reply = NULL;
	size_t bare_length = 0, length = 0;

	if (!fit(answer) || ldns_pkt2wire(&bare, answer, &bare_length) != LDNS_STATUS_OK ||
	    ldns_pkt_tsig_sign(answer, server.key_name, server.secret, FUDGE_SECONDS,
			       server.algorithm, mac) != LDNS_STATUS_OK ||
	    ldns_pkt2wire(&reply, answer, &length) != LDNS_STATUS_OK)
		return;
	AUTO_PKT ldns_pkt *readable = message_of(reply, length);
	if (readable == NULL || length > DNS_MESSAGE_MAX)
		return;
	AUTO_PKT ldns_pkt *accepted = judge(reply, length);
	CHECK(accepted != NULL);
	check_changed(reply, length, bare_length, where);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if ((data[0] & 1) == 0) {
		check_forged(data + 1, size - 1);
		return 0;
	}
	AUTO_PKT ldns_pkt *answer = size < 3 ? NULL : message_of(data + 3, size - 3);
	if (answer != NULL)
		check_signed(answer, (unsigned)data[1] << 8 | data[2]);
	return 0;
}
