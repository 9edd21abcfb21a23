#include "evidence/guest_helper.h"

#include "common/confinement.h"
#include "common/file.h"
#include "common/log.h"
#include "evidence/leave_root.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { URL_MAX = 256, PATH_SIZE = 64, QUERY_SIZE = 192, BODY_SIZE = 256, CHUNK = 64 * 1024 };

/* What the helper is told: of one size, since it reads this as root. */
struct order {
	char path[PATH_SIZE], query[QUERY_SIZE], body[BODY_SIZE];
	int64_t timeout_ms;
	uint64_t answer_max;
};

/* What it tells, in front of the answer's body. */
struct report {
	int32_t result;
	struct error err;
	int64_t status;
	uint32_t retry_after;
	uint64_t length;
};

/* ---- asking */

int guest_question_ask(const char *socket, const struct guest_question *question,
		       void (*connected)(void *arg), void *arg, struct http_response *response,
		       struct error *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	bool posts = question->body != NULL;
	char url[URL_MAX];
	const struct http_request request = {
	    .method = posts ? "POST" : NULL,
	    .url = url,
	    .unix_socket = socket,
	    .headers = posts ? headers : NULL,
	    .body = question->body,
	    .body_length = posts ? strlen(question->body) : 0,
	    .timeout_ms = question->timeout_ms,
	    .body_max = question->answer_max,
	    .connected = connected,
	    .connected_arg = arg,
	};

	snprintf(url, sizeof(url), "http://localhost%s%s", question->path, question->query);
	return http_perform(&request, response, err) == 0 ? 0 : error_wrap(err, "the guest agent");
}

/* ---- between the two; both say whether all of it went over */

static bool send_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static bool receive_all(int fd, void *data, size_t length)
{
	char *at = data;

	while (length > 0) {
		ssize_t got = recv(fd, at, length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

/* ---- the helper */

static bool carry_out(const char *path, struct order *order, int parent)
{
	struct http_response response = {0};
	struct report report = {.err = ERROR_INIT};

	order->path[PATH_SIZE - 1] = '\0';
	order->query[QUERY_SIZE - 1] = '\0';
	order->body[BODY_SIZE - 1] = '\0';
	const struct guest_question question = {
	    .path = order->path,
	    .query = order->query,
	    .body = order->body[0] != '\0' ? order->body : NULL,
	    .timeout_ms = (long)order->timeout_ms,
	    .answer_max = (size_t)order->answer_max,
	};
	report.result =
	    guest_question_ask(path, &question, leave_root, NULL, &response, &report.err);
	if (report.result == 0) {
		report.status = response.status;
		report.retry_after = response.retry_after;
		report.length = response.body.length;
	}
	return send_all(parent, &report, sizeof(report)) &&
	       send_all(parent, buffer_text(&response.body), (size_t)report.length);
}

static _Noreturn void help(const char *path, int parent)
{
	struct order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	confinement_drop_capabilities(LEAVE_ROOT_CAPABILITIES, LEAVE_ROOT_CAPABILITIES);
	bool told = receive_all(parent, &order, sizeof(order));
	_exit(told && carry_out(path, &order, parent) ? EXIT_OK : EXIT_FAILED);
}

void guest_helper_start(const char *path, struct guest_helper *helper)
{
	int ends[2];

	*helper = (struct guest_helper){-1, 0};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return;
	helper->process = fork();
	if (helper->process == 0) {
		file_close(&ends[0]);
		help(path, ends[1]);
	}
	file_close(&ends[1]);
	if (helper->process > 0)
		helper->socket = ends[0];
	else
		file_close(&ends[0]);
}

/* ---- its parent */

void guest_helper_end(struct guest_helper *helper)
{
	if (helper->socket < 0)
		return;
	file_close(&helper->socket);
	while (waitpid(helper->process, NULL, 0) < 0 && errno == EINTR)
		;
}

static int receive_body(int fd, size_t length, struct buffer *body, struct error *err)
{
	AUTO_FREE char *chunk = malloc(CHUNK);

	if (chunk == NULL)
		return error_no_memory(err);
	while (length > 0) {
		size_t part = length < CHUNK ? length : CHUNK;
		if (!receive_all(fd, chunk, part))
			return error_set(err, EXIT_FAILED, "the guest agent's answer was lost");
		buffer_append(body, chunk, part);
		length -= part;
	}
	return buffer_check(body, "the guest agent's answer", err);
}

/* The helper has read what the agent sent: nothing in its report is taken for granted. */
static int take_report(int fd, size_t answer_max, struct http_response *response, struct error *err)
{
	struct report report;

	if (!receive_all(fd, &report, sizeof(report)))
		return error_set(err, EXIT_FAILED, "the guest agent could not be asked");
	report.err.text[sizeof(report.err.text) - 1] = '\0';
	if (report.result != 0)
		return error_set(err, report.err.code == EXIT_OK ? EXIT_FAILED : report.err.code,
				 "%s", report.err.text);
	response->status = (long)report.status;
	response->retry_after = report.retry_after;
	if (report.length > answer_max)
		return error_set(err, EXIT_FAILED, "the guest agent's answer was lost");
	return receive_body(fd, (size_t)report.length, &response->body, err);
}

int guest_helper_ask(struct guest_helper *helper, const struct guest_question *question,
		     struct http_response *response, struct error *err)
{
	struct order order = {.timeout_ms = question->timeout_ms,
			      .answer_max = question->answer_max};
	int rc = -1;

	*response = (struct http_response){0};
	buffer_init(&response->body, question->answer_max);
	snprintf(order.path, sizeof(order.path), "%s", question->path);
	snprintf(order.query, sizeof(order.query), "%s", question->query);
	snprintf(order.body, sizeof(order.body), "%s",
		 question->body == NULL ? "" : question->body);
	if (send_all(helper->socket, &order, sizeof(order)))
		rc = take_report(helper->socket, question->answer_max, response, err);
	else
		error_set(err, EXIT_FAILED, "the guest agent could not be asked");
	guest_helper_end(helper);
	return rc;
}
