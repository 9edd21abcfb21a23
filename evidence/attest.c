#include "evidence/attest.h"

#include "common/attestation/report_data.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"
#include "common/log.h"
#include "evidence/asker.h"
#include "evidence/guest_agent.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
	FIRST_GUESS_MS = 2000, /* what a quote takes on real hardware */
	AGENT_PAUSE = 5,       /* seconds, for who meets an agent that does not answer */
};

/* A question that waits for its quote; the first in line is being answered. */
struct question {
	STAILQ_ENTRY(question) link;
	struct evhttp_request *request; /* NULL: its client has gone */
	unsigned char nonce[NONCE_MAX];
	size_t nonce_length;
	char *manifest; /* what it was asked about; owned */
};

struct attest {
	struct bufferevent *asker;
	int folder;
	struct snapshot snapshot;
	STAILQ_HEAD(, question) line;
	unsigned waiting;
	long long asked_at;	/* by clock_now_ms(); 0: nothing is being asked */
	long long usual_ms;	/* what a quote takes, the latest counting most */
	struct asker_head head; /* of the answer that is coming; valid once has_head */
	bool has_head;
	void (*failed)(void *arg);
	void *arg;
};

static void ask_next(struct attest *a);

/* ---- sending */

static void send_json(struct evhttp_request *request, int status, const char *reason,
		      const char *text, size_t length)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	char size[24];

	snprintf(size, sizeof(size), "%zu", length);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Content-Length", size);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Access-Control-Allow-Origin", "*");
	if (body != NULL && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
		evbuffer_add(body, text, length);
	evhttp_send_reply(request, status, reason, body);
	if (body != NULL)
		evbuffer_free(body);
}

/* `sentence` needs no escaping in JSON. */
static void refuse(struct evhttp_request *request, int status, const char *reason,
		   const char *sentence)
{
	char text[512];
	int length = snprintf(text, sizeof(text), "{\"error\":\"%s\"}\n", sentence);

	send_json(request, status, reason, text, (size_t)length);
}

static void send_away(struct evhttp_request *request, long long seconds, const char *sentence)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", seconds < 1 ? 1 : seconds);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", text);
	refuse(request, 503, "Service Unavailable", sentence);
}

/* ---- the line */

static void on_client_gone(struct evhttp_connection *connection, void *arg)
{
	struct question *question = arg;

	(void)connection;
	question->request = NULL;
}

/* The question's request, which the caller has to answer; NULL when its client has gone. */
static struct evhttp_request *take_request(struct question *question)
{
	struct evhttp_request *request = question->request;

	question->request = NULL;
	if (request != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	return request;
}

static void drop_first(struct attest *a)
{
	struct question *first = STAILQ_FIRST(&a->line);

	STAILQ_REMOVE_HEAD(&a->line, link);
	a->waiting--;
	free(first->manifest);
	free(first);
}

/* For Retry-After: how long it takes to answer all questions in line. */
static long long seconds_to_wait(const struct attest *a)
{
	return (a->usual_ms * a->waiting + 999) / 1000;
}

/* ---- answers */

static char *put_together(const struct question *question, const char *agent_answer, size_t length,
			  struct error *err)
{
	char nonce[2 * NONCE_MAX + 1];
	AUTO_JSON cJSON *json = cJSON_CreateObject();
	cJSON *proof = json_parse(agent_answer, length, "the guest agent's answer", err);

	if (proof == NULL)
		return NULL;
	bool is_quote = cJSON_HasObjectItem(proof, "quote");
	hex_encode(question->nonce, question->nonce_length, nonce);
	if (!cJSON_AddItemToObject(json, is_quote ? "quote" : "attestation", proof)) {
		cJSON_Delete(proof);
		error_no_memory(err);
		return NULL;
	}
	if (cJSON_AddNumberToObject(json, "version", 1) == NULL ||
	    cJSON_AddStringToObject(json, "nonce", nonce) == NULL ||
	    cJSON_AddStringToObject(json, "manifest", question->manifest) == NULL) {
		error_no_memory(err);
		return NULL;
	}
	return json_print(json, false, err);
}

static void finish_first(struct attest *a, const char *content, size_t length)
{
	struct question *question = STAILQ_FIRST(&a->line);
	struct evhttp_request *request = take_request(question);
	struct error err = ERROR_INIT;
	char *text = NULL;

	a->usual_ms = (a->usual_ms + clock_now_ms() - a->asked_at) / 2;
	a->asked_at = 0;
	if (a->head.code != EXIT_OK)
		error_set(&err, EXIT_FAILED, "%.*s", (int)(length > 500 ? 500 : length), content);
	else if (request != NULL)
		text = put_together(question, content, length, &err);
	if (request != NULL && text != NULL) {
		send_json(request, 200, "OK", text, strlen(text));
	} else if (request != NULL || a->head.code != EXIT_OK) {
		log_warn("no answer for attestation.json: %s", err.text);
		if (request != NULL)
			send_away(request, AGENT_PAUSE,
				  "the guest agent gives neither quote nor attestation");
	}
	free(text);
	drop_first(a);
	ask_next(a);
}

static void on_answer(struct bufferevent *asker, void *arg)
{
	struct attest *a = arg;
	struct evbuffer *input = bufferevent_get_input(asker);

	if (!a->has_head) {
		if (evbuffer_get_length(input) < sizeof(a->head))
			return;
		evbuffer_remove(input, &a->head, sizeof(a->head));
		a->has_head = true;
	}
	if (a->head.length > GUEST_ANSWER_MAX || a->asked_at == 0) {
		a->failed(a->arg);
		return;
	}
	if (evbuffer_get_length(input) < a->head.length)
		return;
	const char *content = (const char *)evbuffer_pullup(input, (ev_ssize_t)a->head.length);
	a->has_head = false;
	finish_first(a, content == NULL ? "" : content, content == NULL ? 0 : a->head.length);
	evbuffer_drain(input, a->head.length);
}

static void on_asker_gone(struct bufferevent *asker, short what, void *arg)
{
	struct attest *a = arg;

	(void)asker;
	(void)what;
	a->failed(a->arg);
}

/* ---- questions */

/* The REPORTDATA of the quote, for the generation that is current now. */
static int make_report_data(struct attest *a, struct question *question,
			    unsigned char report_data[QUOTE_REPORT_DATA_SIZE], struct error *err)
{
	if (generation_read(a->folder, &a->snapshot, err) <= 0)
		return -1;
	const struct evidence_file *sums = file_set_find(&a->snapshot.files, "sha256sum.txt");
	const struct evidence_file *manifest = file_set_find(&a->snapshot.files, "manifest.json");
	if (sums == NULL || manifest == NULL)
		return error_set(err, EXIT_TRY_LATER, "the evidence has no manifest yet");
	question->manifest = strdup(manifest->data);
	if (question->manifest == NULL)
		return error_no_memory(err);
	return report_data_of_answer((struct text_span){sums->data, sums->length},
				     (struct text_span){manifest->data, manifest->length},
				     (struct text_span){question->nonce, question->nonce_length},
				     report_data, err);
}

/* The first question in line whose client is still there: the guest agent is not asked for the
 * others. */
static void ask_next(struct attest *a)
{
	struct question *question;

	while (a->asked_at == 0 && (question = STAILQ_FIRST(&a->line)) != NULL) {
		unsigned char report_data[QUOTE_REPORT_DATA_SIZE];
		struct error err = ERROR_INIT;
		if (question->request != NULL &&
		    make_report_data(a, question, report_data, &err) == 0 &&
		    bufferevent_write(a->asker, report_data, sizeof(report_data)) == 0) {
			a->asked_at = clock_now_ms();
			return;
		}
		struct evhttp_request *request = take_request(question);
		if (request != NULL)
			send_away(
			    request, AGENT_PAUSE,
			    "there is no evidence yet: it is published once the first "
			    "certificate exists and the guest agent has given a quote for it");
		drop_first(a);
	}
}

/* Reads the parameter `nonce` of the query; 0 when it is missing or no nonce. */
static size_t read_nonce(struct evhttp_request *request, unsigned char nonce[NONCE_MAX])
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
	struct evkeyvalq parameters;
	size_t length = 0;

	if (query == NULL || evhttp_parse_query_str(query, &parameters) != 0)
		return 0;
	const char *hex = evhttp_find_header(&parameters, "nonce");
	size_t digits = hex == NULL ? 0 : strlen(hex);
	if (digits >= 2 * NONCE_MIN && digits <= 2 * NONCE_MAX &&
	    hex_decode(hex, digits, nonce) == 0)
		length = digits / 2;
	evhttp_clear_headers(&parameters);
	return length;
}

static void stand_in_line(struct attest *a, struct evhttp_request *request,
			  const unsigned char *nonce, size_t length)
{
	struct question *question = calloc(1, sizeof(*question));

	if (question == NULL) {
		send_away(request, AGENT_PAUSE, "out of memory");
		return;
	}
	memcpy(question->nonce, nonce, length);
	question->nonce_length = length;
	question->request = request;
	STAILQ_INSERT_TAIL(&a->line, question, link);
	a->waiting++;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_client_gone,
				      question);
	ask_next(a);
}

void attest_answer(struct attest *a, struct evhttp_request *request)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	unsigned char nonce[NONCE_MAX];
	size_t length;

	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
		refuse(request, 405, "Method Not Allowed", "only GET and HEAD are answered here");
	} else if ((length = read_nonce(request, nonce)) == 0) {
		refuse(request, 400, "Bad Request", ATTEST_TAKES_NONCE);
	} else if (a->waiting >= ATTEST_WAITING_MAX) {
		send_away(request, seconds_to_wait(a),
			  "the guest agent is busy with the questions of others");
	} else {
		stand_in_line(a, request, nonce, length);
	}
}

/* ---- the object */

struct attest *attest_new(struct event_base *base, int folder, int asker, void (*failed)(void *arg),
			  void *arg, struct error *err)
{
	struct attest *a = calloc(1, sizeof(*a));

	if (a == NULL || evutil_make_socket_nonblocking(asker) != 0)
		goto fail;
	a->folder = folder;
	a->failed = failed;
	a->arg = arg;
	a->usual_ms = FIRST_GUESS_MS;
	STAILQ_INIT(&a->line);
	a->asker = bufferevent_socket_new(base, asker, BEV_OPT_CLOSE_ON_FREE);
	if (a->asker == NULL)
		goto fail;
	bufferevent_setcb(a->asker, on_answer, NULL, on_asker_gone, a);
	bufferevent_enable(a->asker, EV_READ | EV_WRITE);
	return a;
fail:
	free(a);
	close(asker);
	error_no_memory(err);
	return NULL;
}

void attest_free(struct attest *a)
{
	if (a == NULL)
		return;
	while (!STAILQ_EMPTY(&a->line)) {
		take_request(STAILQ_FIRST(&a->line));
		drop_first(a);
	}
	bufferevent_free(a->asker);
	file_set_free(&a->snapshot.files);
	free(a);
}
