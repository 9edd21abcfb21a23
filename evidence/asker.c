#include "evidence/asker.h"

#include "common/file.h"
#include "common/log.h"
#include "evidence/guest_proof.h"
#include "evidence/leave_root.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether all bytes were sent. */
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

/* ---- the process for one question */

static _Noreturn void ask(const char *dstack_socket, const char *tappd_socket,
			  const unsigned char report_data[QUOTE_REPORT_DATA_SIZE], int parent)
{
	struct error err = ERROR_INIT;
	struct guest_agent agent;
	struct guest_proof proof;
	struct asker_head head = {EXIT_OK, 0};
	const char *content;

	guest_proof_init(&proof, GUEST_ANSWER_MAX);
	int rc = guest_agent_find(dstack_socket, tappd_socket, &agent, &err);
	if (rc == 0) {
		agent.connected = leave_root;
		agent.helpers_wanted = GUEST_PROOF_HELPERS;
		rc = guest_proof_ask(&agent, report_data, &proof, &err);
		guest_agent_close(&agent);
	}
	if (rc != 0)
		head.code = err.code;
	content = rc == 0 ? buffer_text(&proof.answer) : err.text;
	head.length = (uint32_t)(rc == 0 ? proof.answer.length : strlen(err.text));
	_exit(send_all(parent, &head, sizeof(head)) && send_all(parent, content, head.length) ? 0
											      : 1);
}

/* ---- the child */

/* 1, 0 at the end, -1 for a question that is cut short. */
static int read_question(int fd, unsigned char report_data[QUOTE_REPORT_DATA_SIZE])
{
	for (;;) {
		ssize_t got = recv(fd, report_data, QUOTE_REPORT_DATA_SIZE, MSG_WAITALL);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			return 0;
		return got == QUOTE_REPORT_DATA_SIZE ? 1 : -1;
	}
}

static bool answer_one(const char *dstack_socket, const char *tappd_socket,
		       const unsigned char report_data[QUOTE_REPORT_DATA_SIZE], int parent)
{
	int status = 0;
	pid_t process = fork();

	if (process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ask(dstack_socket, tappd_socket, report_data, parent);
	}
	while (process > 0 && waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	/* A process that failed may have sent half of an answer; nothing that follows it could
	 * be understood. */
	return process > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static _Noreturn void take_questions(const char *dstack_socket, const char *tappd_socket,
				     int parent)
{
	unsigned char report_data[QUOTE_REPORT_DATA_SIZE];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_IGN); /* the parent ends it, once its last question is answered */
	signal(SIGINT, SIG_IGN);
	confinement_drop_capabilities(LEAVE_ROOT_CAPABILITIES, LEAVE_ROOT_CAPABILITIES);
	while (read_question(parent, report_data) == 1)
		if (!answer_one(dstack_socket, tappd_socket, report_data, parent))
			break;
	_exit(0);
}

int asker_start(const char *dstack_socket, const char *tappd_socket, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot make a pair of sockets");
	pid_t child = fork();
	if (child == 0) {
		file_close(&ends[0]);
		take_questions(dstack_socket, tappd_socket, ends[1]);
	}
	file_close(&ends[1]);
	if (child > 0)
		return ends[0];
	file_close(&ends[0]);
	return error_set_errno(err, EXIT_FAILED, errno, "cannot start a process");
}
