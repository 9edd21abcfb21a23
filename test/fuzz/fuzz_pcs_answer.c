/* supervisor: what a PCS answers: the header with its signer's chain in one line, then the body. */
#include "supervisor/verify/pcs_answer.h"

#include "common/hex.h"
#include "common/json.h"
#include "test/fuzz/fuzz.h"

enum { BODY_MAX = 1024 * 1024 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* What is taken out is the member as a JSON parser sees it, in the bytes that came. */
static void check_text(const struct buffer *body, const cJSON *collateral)
{
	const char *text = json_string(collateral, "tcb_info");
	struct error err = ERROR_INIT;

	CHECK(text != NULL && strstr(buffer_text(body), text) != NULL);
	cJSON *whole = json_parse(buffer_text(body), body->length, "the body", &err);
	cJSON *part = json_parse(text, strlen(text), "the text", &err);
	CHECK(whole != NULL && part != NULL);
	CHECK(cJSON_Compare(json_object(whole, "tcbInfo"), part, true));
	CHECK(json_string(collateral, "tcb_info_signature") != NULL);
	CHECK(json_string(collateral, "tcb_info_issuer_chain") != NULL);
	cJSON_Delete(part);
	cJSON_Delete(whole);
}

static void check_signed(const struct buffer *body, const char *chain)
{
	struct error err = ERROR_INIT;
	cJSON *collateral = cJSON_CreateObject();

	CHECK(collateral != NULL);
	if (pcs_add_signed(collateral, "tcb_info", "tcbInfo", body, chain, &err) == 0)
		check_text(body, collateral);
	else
		fuzz_check_error(&err);
	cJSON_Delete(collateral);
}

static void check_crl(const struct buffer *body)
{
	struct error err = ERROR_INIT;
	cJSON *collateral = cJSON_CreateObject();

	CHECK(collateral != NULL);
	if (pcs_add_crl(collateral, "pck_crl", body, &err) == 0)
		CHECK(strspn(json_string(collateral, "pck_crl"), "0123456789abcdefABCDEF") ==
		      strlen(json_string(collateral, "pck_crl")));
	else
		CHECK(body->length == 0);
	cJSON_Delete(collateral);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *chain = fuzz_line(&input);
	struct error err = ERROR_INIT;
	struct buffer body;

	buffer_init(&body, BODY_MAX);
	if (input.left > 0)
		CHECK(buffer_append(&body, input.at, input.left) == 0);
	check_signed(&body, chain);
	check_crl(&body);
	free(pcs_root_crl_url(buffer_text(&body), &err));
	buffer_free(&body);
	free(chain);
	return 0;
}
