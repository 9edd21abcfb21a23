/* evidence: the guest agent's answers.  The first line is the HTTP status, the rest the body. */
#include "evidence/guest_answer.h"

#include "common/hex.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_id(const char *id)
{
	CHECK(strlen(id) <= GUEST_ID_MAX && hex_is_valid(id));
}

static void check_identity(const cJSON *answer)
{
	struct guest_identity identity;
	struct error err = ERROR_INIT;

	if (guest_answer_identity(answer, &identity, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	CHECK(identity.app_id[0] != '\0');
	check_id(identity.app_id);
	check_id(identity.instance_id);
	check_id(identity.compose_hash);
	check_id(identity.os_image_hash);
}

/* The REPORTDATA of a version 4 quote, where there is enough of it. */
static void take_report_data(const cJSON *answer, unsigned char wanted[QUOTE_REPORT_DATA_SIZE])
{
	enum { OFFSET = QUOTE_HEADER_SIZE + 520 };
	const char *text = json_string(answer, "quote");

	if (text != NULL && strlen(text) >= 2 * (OFFSET + QUOTE_REPORT_DATA_SIZE))
		(void)hex_decode(text + 2 * OFFSET, 2 * QUOTE_REPORT_DATA_SIZE, wanted);
}

/* A quote is accepted for one REPORTDATA only: the one that stands in it. */
static void check_quote(const cJSON *answer)
{
	unsigned char wanted[QUOTE_REPORT_DATA_SIZE] = {0};
	struct error err = ERROR_INIT;

	take_report_data(answer, wanted);
	if (guest_answer_check_quote(answer, wanted, &err) != 0) {
		fuzz_check_error(&err);
		return;
	}
	for (size_t i = 0; i < sizeof(wanted); i += 7) {
		wanted[i] ^= 1;
		CHECK(guest_answer_check_quote(answer, wanted, &err) != 0);
		wanted[i] ^= 1;
	}
}

/* What is taken for one names its platform. */
static void check_attestation(const cJSON *answer)
{
	char kind[PLATFORM_KIND_SIZE], version[GUEST_VERSION_MAX + 1];
	struct buffer attestation;
	struct error err = ERROR_INIT;

	buffer_init(&attestation, PLATFORM_ATTESTATION_MAX);
	if (guest_answer_attestation(answer, &attestation, kind, &err) != 0)
		fuzz_check_error(&err);
	else
		CHECK(attestation.length > 1 && kind[0] != '\0');
	buffer_free(&attestation);
	guest_answer_version(answer, version);
	CHECK(strlen(version) <= GUEST_VERSION_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *status_text = fuzz_line(&input);
	long status = strtol(status_text, NULL, 10) % 1000;
	struct error err = ERROR_INIT;
	struct buffer body;

	buffer_init(&body, size);
	buffer_append(&body, input.at, input.left);
	AUTO_JSON cJSON *answer = guest_answer_object(status, &body, "/Info", &err);
	bool lacks_quote = guest_answer_lacks_quote(status, &body);
	CHECK(!lacks_quote || (status == 400 && answer == NULL) || answer != NULL);
	CHECK(!guest_answer_lacks_path(status, &body) || status == 404);
	buffer_free(&body);
	if (answer == NULL) {
		fuzz_check_error(&err);
		CHECK((err.code == EXIT_TRY_LATER) ==
		      (status == 408 || status == 429 || status == 503));
		return 0;
	}
	CHECK(status == 200 && cJSON_IsObject(answer));
	check_identity(answer);
	check_quote(answer);
	check_attestation(answer);
	return 0;
}
