#include "evidence/guest_proof.h"

#include "common/deadline.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"

#include <stdio.h>

#define ATTEST_PATH "/v1/Attest"

enum {
	/* The quoting enclave sits behind a queue on the host. */
	TIMEOUT_MS = 30000,
	TEXT_MAX = 256,
	REPORT_DATA_DIGITS = 2 * QUOTE_REPORT_DATA_SIZE,
};

_Static_assert(GUEST_FIND_MAX_MS + TIMEOUT_MS == GUEST_PROOF_MAX_MS, "its parts");

static const char *const quote_paths[] = {
    [GUEST_API_DSTACK] = "/GetQuote",
    [GUEST_API_TAPPD] = "/prpc/Tappd.RawQuote",
};

void guest_proof_init(struct guest_proof *proof, size_t answer_max)
{
	*proof = (struct guest_proof){0};
	buffer_init(&proof->answer, answer_max);
	buffer_init(&proof->attestation, PLATFORM_ATTESTATION_MAX);
}

void guest_proof_free(struct guest_proof *proof)
{
	buffer_free(&proof->answer);
	buffer_free(&proof->attestation);
}

/* The answer is printed anew: cJSON accepts texts that are no JSON to other readers, and control
 * characters that a terminal would obey. */
static int keep_answer(struct guest_proof *proof, const cJSON *answer, struct error *err)
{
	AUTO_FREE char *plain = json_print(answer, false, err);

	if (plain == NULL)
		return -1;
	buffer_puts(&proof->answer, plain);
	return buffer_check(&proof->answer, "the guest agent's answer", err);
}

static cJSON *parse(const struct http_response *response, const char *path, struct error *err)
{
	cJSON *answer = guest_answer_object(response->status, &response->body, path, err);

	if (answer == NULL)
		err->retry_after = response->retry_after;
	return answer;
}

/* ---- quote */

static int take_quote(const struct http_response *response, const char *path,
		      const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		      struct guest_proof *proof, struct error *err)
{
	AUTO_JSON cJSON *answer = parse(response, path, err);

	if (answer == NULL)
		return -1;
	if (guest_answer_check_quote(answer, report_data, err) != 0)
		return error_wrap(err, "the guest agent's answer to %s", path);
	return keep_answer(proof, answer, err);
}

/* `none`: whether the agent says that there is no quote to be had. */
static int ask_quote(struct guest_agent *agent,
		     const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		     struct guest_proof *proof, bool *none, struct error *err)
{
	char digits[REPORT_DATA_DIGITS + 1], query[TEXT_MAX];
	struct http_response response = {0};
	const struct guest_question question = {
	    .path = quote_paths[agent->api],
	    .query = query,
	    .timeout_ms = TIMEOUT_MS,
	    .answer_max = GUEST_ANSWER_MAX,
	};

	hex_encode(report_data, QUOTE_REPORT_DATA_SIZE, digits);
	snprintf(query, sizeof(query), "?report_data=%s", digits);
	int result = guest_agent_ask(agent, &question, &response, err);
	*none = result == 0 && guest_answer_lacks_quote(response.status, &response.body);
	if (result == 0)
		result = take_quote(&response, question.path, report_data, proof, err);
	http_response_free(&response);
	return result;
}

/* ---- attestation */

static int take_attestation(const struct http_response *response, struct guest_proof *proof,
			    struct error *err)
{
	AUTO_JSON cJSON *answer = parse(response, ATTEST_PATH, err);

	if (answer == NULL)
		return -1;
	if (guest_answer_attestation(answer, &proof->attestation, proof->kind, err) != 0)
		return error_wrap(err, "the guest agent's answer to " ATTEST_PATH);
	return keep_answer(proof, answer, err);
}

/* `none`: whether the agent has no such call. */
static int ask_attestation(struct guest_agent *agent,
			   const unsigned char report_data[QUOTE_REPORT_DATA_SIZE], long timeout_ms,
			   struct guest_proof *proof, bool *none, struct error *err)
{
	char digits[REPORT_DATA_DIGITS + 1], body[TEXT_MAX];
	struct http_response response = {0};
	const struct guest_question question = {
	    .path = ATTEST_PATH,
	    .query = "",
	    .body = body,
	    .timeout_ms = timeout_ms,
	    .answer_max = proof->answer.maximum,
	};

	hex_encode(report_data, QUOTE_REPORT_DATA_SIZE, digits);
	snprintf(body, sizeof(body), "{\"report_data\":\"%s\"}", digits);
	int result = guest_agent_ask(agent, &question, &response, err);
	*none = result == 0 && guest_answer_lacks_path(response.status, &response.body);
	if (result == 0)
		result = take_attestation(&response, proof, err);
	http_response_free(&response);
	return result;
}

int guest_proof_ask(struct guest_agent *agent,
		    const unsigned char report_data[QUOTE_REPORT_DATA_SIZE],
		    struct guest_proof *proof, struct error *err)
{
	deadline limit = deadline_in(TIMEOUT_MS);
	struct error quote_error = ERROR_INIT;
	bool none;

	if (ask_quote(agent, report_data, proof, &none, &quote_error) == 0)
		return 0;
	long left = deadline_left(limit);
	if (none && agent->api == GUEST_API_DSTACK && left > 0) {
		if (ask_attestation(agent, report_data, left, proof, &none, err) == 0)
			return 0;
		if (!none)
			return error_wrap(err, "there is no quote (%s), and no attestation",
					  quote_error.text);
	}
	*err = quote_error;
	return -1;
}
