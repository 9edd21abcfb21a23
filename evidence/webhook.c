#include "evidence/webhook.h"

#include "common/confinement.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "evidence/guest_agent.h"
#include "evidence/leave_root.h"
#include "evidence/webhook_payload.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Between the tries. */
	WAITS_MS = 5000,
	ANSWER_MAX = 64 * 1024,
	TOKEN_MAX = 4096,
	ANSWER_SHOWN = 200,
};

/* What is there once root has been given up. */
struct telling {
	const struct settings *settings;
	struct buffer task, token;
	struct guest_agent agent;
	bool has_agent;
};

/* ---- the guest agent */

/* The first question gives up root; those behind it are asked by helpers. */
static void ask_identity(struct telling *telling, struct guest_identity *identity)
{
	const struct settings *settings = telling->settings;
	struct error err = ERROR_INIT;

	*identity = (struct guest_identity){0};
	telling->has_agent = guest_agent_find(settings->dstack_socket, settings->tappd_socket,
					      &telling->agent, &err) == 0;
	if (telling->has_agent) {
		telling->agent.connected = leave_root;
		telling->agent.helpers_wanted = 1 + GUEST_PROOF_HELPERS;
		if (guest_agent_identity(&telling->agent, identity, &err) == 0)
			return;
	}
	log_warn("the webhook is not told which instance this is: %s", err.text);
}

static bool ask_proof(struct telling *telling, const char *payload, struct guest_proof *proof)
{
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE] = {0};
	struct error err = ERROR_INIT;

	_Static_assert((int)SHA256_SIZE <= (int)QUOTE_REPORT_DATA_SIZE, "zeros behind the digest");
	if (!telling->has_agent)
		return false;
	if (digest_sha256(payload, strlen(payload), report_data, &err) == 0 &&
	    guest_proof_ask(&telling->agent, report_data, proof, &err) == 0)
		return true;
	log_warn("the webhook is told without a quote: %s", err.text);
	return false;
}

static char *make_envelope(struct telling *telling, struct error *err)
{
	struct guest_identity identity;
	struct guest_proof proof;

	ask_identity(telling, &identity);
	leave_root(NULL); /* where no agent was connected to */
	AUTO_FREE char *payload = webhook_payload(buffer_text(&telling->task), telling->task.length,
						  &identity, time(NULL), err);
	if (payload == NULL)
		return NULL;
	guest_proof_init(&proof, GUEST_ATTEST_ANSWER_MAX);
	bool is_proved = ask_proof(telling, payload, &proof);
	char *envelope =
	    webhook_envelope(payload, buffer_text(&telling->token), is_proved ? &proof : NULL, err);
	guest_proof_free(&proof);
	return envelope;
}

/* ---- the webhook */

static int judge_answer(const struct http_response *response, struct error *err)
{
	const char *text = buffer_text(&response->body);

	if (response->status >= 200 && response->status <= 299)
		return 0;
	error_set(err, response->status >= 500 ? EXIT_TRY_LATER : EXIT_FAILED,
		  "the webhook (DNS_WEBHOOK_URL) answers HTTP %ld%s%s%.*s", response->status,
		  response->status / 100 == 3 ? ", and redirects are not followed" : "",
		  *text == '\0' ? "" : ": ", ANSWER_SHOWN, text);
	err->retry_after = response->retry_after;
	return -1;
}

static int post(const struct settings *settings, const char *envelope, struct error *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	const long timeout_ms = settings->dns_webhook_timeout * 1000;
	const struct http_request request = {
	    .method = "POST",
	    .url = settings->dns_webhook_url,
	    .headers = headers,
	    .body = envelope,
	    .body_length = strlen(envelope),
	    .ca_bundle = settings->dns_webhook_ca_bundle,
	    .timeout_ms = timeout_ms,
	    .body_max = ANSWER_MAX,
	};
	struct http_response response = {0};
	int result = http_perform_retrying(&request, &response, WEBHOOK_TRIES,
					   WEBHOOK_TRIES * timeout_ms + WAITS_MS, err);

	result = result == 0 ? judge_answer(&response, err)
			     : error_wrap(err, "the webhook (DNS_WEBHOOK_URL)");
	http_response_free(&response);
	return result;
}

/* Files may be root's alone, so they are read first. */
static int prepare(struct telling *telling, int input, struct error *err)
{
	const struct settings *settings = telling->settings;

	confinement_hide_memory();
	if (settings->dns_webhook_url == NULL)
		return error_set(err, EXIT_BAD_CONFIG, "DNS_WEBHOOK_URL is not set");
	if (settings_secret("DNS_WEBHOOK_TOKEN", &telling->token, err) < 0)
		return -1;
	if (settings->dns_webhook_ca_bundle != NULL)
		http_hold_ca_bundle(settings->dns_webhook_ca_bundle);
	return file_read_fd(input, "the task on standard input", &telling->task, err);
}

int webhook_tell(const struct settings *settings, int input, struct error *err)
{
	struct telling telling = {.settings = settings};
	char *envelope = NULL;
	int result = -1;

	buffer_init(&telling.task, WEBHOOK_TASK_MAX);
	buffer_init(&telling.token, TOKEN_MAX);
	if (prepare(&telling, input, err) == 0)
		envelope = make_envelope(&telling, err);
	if (envelope != NULL)
		result = post(settings, envelope, err);
	free(envelope);
	guest_agent_close(&telling.agent);
	if (telling.token.data != NULL)
		OPENSSL_cleanse(telling.token.data, telling.token.length);
	buffer_free(&telling.token);
	buffer_free(&telling.task);
	return result;
}
