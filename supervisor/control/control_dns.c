#include "supervisor/control/control_dns.h"

#include "common/json.h"
#include "supervisor/control/control_api.h"
#include "supervisor/control/control_reply.h"

#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* ---- start */

static int start(struct dns_job *job, enum dns_job_kind kind, const struct evkeyvalq *query,
		 struct error *err, long *number)
{
	const struct evkeyval *item;
	const char **domains;
	size_t count = 0;

	TAILQ_FOREACH(item, query, next)
	count += strcmp(item->key, CONTROL_DOMAIN) == 0;
	domains = calloc(count + 1, sizeof(*domains));
	if (domains == NULL)
		return error_no_memory(err);
	count = 0;
	TAILQ_FOREACH(item, query, next)
	if (strcmp(item->key, CONTROL_DOMAIN) == 0)
		domains[count++] = item->value;
	*number = dns_job_start(job, kind, domains, count, err);
	free(domains);
	return *number < 0 ? -1 : 0;
}

static void on_start(struct evhttp_request *request, struct dns_job *job, enum dns_job_kind kind)
{
	struct error err = ERROR_INIT;
	struct evkeyvalq query;
	long number = 0;
	cJSON *json;

	if (!control_is_method(request, EVHTTP_REQ_POST, "POST") ||
	    !control_read_query(request, &query))
		return;
	control_log_asker(request, kind == DNS_JOB_APPLY ? "dns apply" : "dns plan");
	int rc = start(job, kind, &query, &err, &number);
	evhttp_clear_headers(&query);
	if (rc != 0) {
		control_reply_failure(request, &err);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, CONTROL_JOB, (double)number);
	control_reply_json(request, 202, "Accepted", json);
	cJSON_Delete(json);
}

static void on_plan(struct evhttp_request *request, void *arg)
{
	on_start(request, arg, DNS_JOB_PLAN);
}

static void on_apply(struct evhttp_request *request, void *arg)
{
	on_start(request, arg, DNS_JOB_APPLY);
}

/* ---- look */

/* How much of the output goes into one answer. */
enum { PIECE_MAX = 512 * 1024 };

static size_t number_in(const struct evkeyvalq *query, const char *name)
{
	const char *text = evhttp_find_header(query, name);

	return text == NULL ? 0 : strtoul(text, NULL, 10);
}

/* Whole lines, as far as they fit. */
static size_t piece_length(const struct dns_job_view *view, size_t from)
{
	size_t length = view->length - from;

	if (length <= PIECE_MAX)
		return length;
	length = PIECE_MAX;
	while (length > 0 && view->output[from + length - 1] != '\n')
		length--;
	return length == 0 ? PIECE_MAX : length;
}

static void reply_view(struct evhttp_request *request, const struct dns_job_view *view, size_t from)
{
	cJSON *json = cJSON_CreateObject();
	char *piece;

	if (from > view->length)
		from = view->length;
	size_t length = piece_length(view, from), next = from + length;
	piece = strndup(view->output + from, length);
	cJSON_AddBoolToObject(json, CONTROL_RUNNING, view->is_running);
	cJSON_AddStringToObject(json, CONTROL_OUTPUT, piece == NULL ? "" : piece);
	cJSON_AddNumberToObject(json, CONTROL_NEXT, (double)next);
	cJSON_AddBoolToObject(json, CONTROL_MORE, next < view->length);
	if (view->is_running)
		cJSON_AddNullToObject(json, CONTROL_EXIT_CODE);
	else
		cJSON_AddNumberToObject(json, CONTROL_EXIT_CODE, view->exit_code);
	if (view->error[0] == '\0')
		cJSON_AddNullToObject(json, CONTROL_ERROR);
	else
		cJSON_AddStringToObject(json, CONTROL_ERROR, view->error);
	control_reply_json(request, 200, "OK", json);
	cJSON_Delete(json);
	free(piece);
}

static void on_look(struct evhttp_request *request, void *arg)
{
	struct dns_job_view view;
	struct evkeyvalq query;

	if (!control_is_method(request, EVHTTP_REQ_GET, "GET") ||
	    !control_read_query(request, &query))
		return;
	if (dns_job_look(arg, (long)number_in(&query, CONTROL_JOB), &view) == 0)
		reply_view(request, &view, number_in(&query, CONTROL_FROM));
	else
		control_reply_error(request, 404, "Not Found",
				    "there is no such run, or too many came after it");
	evhttp_clear_headers(&query);
}

void control_dns_add_paths(struct evhttp *http, struct dns_job *job)
{
	evhttp_set_cb(http, CONTROL_PATH_DNS_PLAN, on_plan, job);
	evhttp_set_cb(http, CONTROL_PATH_DNS_APPLY, on_apply, job);
	evhttp_set_cb(http, CONTROL_PATH_DNS, on_look, job);
}
