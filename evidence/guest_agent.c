#include "evidence/guest_agent.h"

#include "common/file.h"
#include "common/hex.h"
#include "common/json.h"
#include "common/log.h"
#include "evidence/leave_root.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	INFO_TIMEOUT_MS = 10000,
	/* To find out which of two agents answers. */
	PROBE_TIMEOUT_MS = 3000,
	QUERY_MAX = 192,
};

_Static_assert(2 * PROBE_TIMEOUT_MS == GUEST_FIND_MAX_MS, "both are asked");

static const struct {
	const char *name;
	const char *info_path;
} apis[] = {
    [GUEST_API_DSTACK] = {"dstack", "/Info"},
    [GUEST_API_TAPPD] = {"tappd", "/prpc/Tappd.Info"},
};

const char *guest_agent_api_name(const struct guest_agent *agent)
{
	return apis[agent->api].name;
}

/* ---- asking */

/* The first of them has the caller's rights, and gives them up. */
static int ask_first(struct guest_agent *agent, const struct guest_question *question,
		     struct http_response *response, struct error *err)
{
	for (; agent->helpers_wanted > 0; agent->helpers_wanted--) {
		struct guest_helper helper;
		guest_helper_start(agent->socket, &helper);
		if (helper.socket >= 0)
			agent->helpers[agent->helper_count++] = helper;
	}
	return guest_question_ask(agent->socket, question, agent->connected, agent->connected_arg,
				  response, err);
}

int guest_agent_ask(struct guest_agent *agent, const struct guest_question *question,
		    struct http_response *response, struct error *err)
{
	if (agent->helper_count == 0)
		return ask_first(agent, question, response, err);
	return guest_helper_ask(&agent->helpers[--agent->helper_count], question, response, err);
}

void guest_agent_close(struct guest_agent *agent)
{
	while (agent->helper_count > 0)
		guest_helper_end(&agent->helpers[--agent->helper_count]);
}

typedef cJSON *take_answer(long status, const struct buffer *body, const char *path,
			   struct error *err);

/* `response` holds a JSON object, which is returned too; NULL with err otherwise. */
static cJSON *ask(struct guest_agent *agent, const char *path, const char *query, long timeout_ms,
		  take_answer *take, struct http_response *response, struct error *err)
{
	const struct guest_question question = {
	    .path = path,
	    .query = query,
	    .timeout_ms = timeout_ms,
	    .answer_max = GUEST_ANSWER_MAX,
	};

	if (guest_agent_ask(agent, &question, response, err) != 0)
		return NULL;
	cJSON *answer = take(response->status, &response->body, path, err);
	if (answer == NULL)
		err->retry_after = response->retry_after;
	return answer;
}

/* ---- identity */

static int ask_identity(struct guest_agent *agent, long timeout_ms, struct guest_identity *identity,
			struct error *err)
{
	struct http_response response = {0};
	AUTO_JSON cJSON *info = ask(agent, apis[agent->api].info_path, "", timeout_ms,
				    guest_answer_object, &response, err);

	http_response_free(&response);
	return info == NULL ? -1 : guest_answer_identity(info, identity, err);
}

int guest_agent_identity(struct guest_agent *agent, struct guest_identity *identity,
			 struct error *err)
{
	return ask_identity(agent, INFO_TIMEOUT_MS, identity, err);
}

/* ---- finding it */

static const char missing[] = "does not exist";

/* Says what stands at `path` instead of a socket; NULL for a socket. */
static const char *why_no_socket(const char *path)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return lstat(path, &info) == 0 && S_ISLNK(info.st_mode)
			   ? "is a link to what does not exist"
			   : missing;
	if (S_ISSOCK(info.st_mode))
		return NULL;
	if (S_ISDIR(info.st_mode))
		return "is a folder (docker makes one where a socket that is to be mounted does "
		       "not exist)";
	return "is no socket";
}

/* The child reports in `err`, and writes at least one byte of it. */
static _Noreturn void ask_in_child(const struct guest_agent *agent, int report)
{
	struct guest_agent asked = *agent;
	struct guest_identity identity;
	struct error err = ERROR_INIT;

	asked.connected = leave_root;
	int result = ask_identity(&asked, PROBE_TIMEOUT_MS, &identity, &err);
	ssize_t written = write(report, &err, sizeof(err));
	_exit(result == 0 && written == (ssize_t)sizeof(err) ? EXIT_OK : EXIT_FAILED);
}

/* The agent is asked by a child, since this process still needs its rights to connect to either
 * agent. */
static bool answers(const struct guest_agent *agent, struct error *err)
{
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "pipe") == 0;
	pid_t child = fork();
	if (child == 0)
		ask_in_child(agent, ends[1]);
	file_close(&ends[1]);
	if (child < 0 || read(ends[0], err, sizeof(*err)) != (ssize_t)sizeof(*err))
		error_set(err, EXIT_FAILED, "it could not be asked");
	err->text[sizeof(err->text) - 1] = '\0'; /* it has read what the agent sent */
	file_close(&ends[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK;
}

/* Both sockets are there, and one of them may have been left behind by an agent that is gone. */
static void choose(const struct guest_agent *dstack, const struct guest_agent *tappd,
		   struct guest_agent *agent)
{
	struct error dstack_error = ERROR_INIT, tappd_error = ERROR_INIT;

	*agent = *dstack;
	if (answers(dstack, &dstack_error))
		return;
	if (answers(tappd, &tappd_error)) {
		*agent = *tappd;
		log_warn("%s (TAPPD_SOCKET) is asked, since %s (DSTACK_SOCKET) does not answer: %s",
			 tappd->socket, dstack->socket, dstack_error.text);
	} else {
		log_warn("neither %s (DSTACK_SOCKET) nor %s (TAPPD_SOCKET) answers; the latter: %s",
			 dstack->socket, tappd->socket, tappd_error.text);
	}
}

int guest_agent_find(const char *dstack_socket, const char *tappd_socket, struct guest_agent *agent,
		     struct error *err)
{
	const struct guest_agent dstack = {.api = GUEST_API_DSTACK, .socket = dstack_socket};
	const struct guest_agent tappd = {.api = GUEST_API_TAPPD, .socket = tappd_socket};
	const char *no_dstack = why_no_socket(dstack_socket);
	const char *no_tappd = why_no_socket(tappd_socket);

	if (no_dstack != NULL && no_tappd != NULL)
		return error_set(
		    err, EXIT_UNREACHABLE,
		    "there is no guest agent: %s (DSTACK_SOCKET) %s, and %s "
		    "(TAPPD_SOCKET) %s; mount one of the two sockets into the container",
		    dstack_socket, no_dstack, tappd_socket, no_tappd);
	if (no_dstack == NULL && no_tappd == NULL)
		choose(&dstack, &tappd, agent);
	else
		*agent = no_dstack == NULL ? dstack : tappd;
	if (no_dstack != NULL && no_dstack != missing)
		log_info("%s (TAPPD_SOCKET) is asked, since %s (DSTACK_SOCKET) %s", tappd_socket,
			 dstack_socket, no_dstack);
	return 0;
}

/* ---- version */

/* Whether there is more to ask: a path that this agent does not have. */
static bool ask_version(struct guest_agent *agent, const char *path,
			char version[GUEST_VERSION_MAX + 1])
{
	struct http_response response = {0};
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *answer =
	    ask(agent, path, "", PROBE_TIMEOUT_MS, guest_answer_object, &response, &err);
	bool absent = response.status == 400 || response.status == 404;

	if (answer != NULL)
		guest_answer_version(answer, version);
	else
		log_debug("the guest agent does not tell its version: %s", err.text);
	http_response_free(&response);
	return absent;
}

void guest_agent_version(struct guest_agent *agent, char version[GUEST_VERSION_MAX + 1])
{
	version[0] = '\0';
	if (agent->api == GUEST_API_DSTACK && ask_version(agent, "/v1/Version", version))
		ask_version(agent, "/Version", version);
}

/* ---- key */

/* The secret is wiped before its memory is freed. */
static int take_key(const cJSON *answer, unsigned char key[GUEST_KEY_SIZE], struct error *err)
{
	char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "key"));
	size_t length = text == NULL ? 0 : strlen(text);
	int result = 0;

	if (length != (size_t)2 * GUEST_KEY_SIZE || hex_decode(text, length, key) != 0)
		result = error_set(err, EXIT_FAILED,
				   "the guest agent's answer to /GetKey has no key of %d bytes",
				   GUEST_KEY_SIZE);
	if (text != NULL)
		OPENSSL_cleanse(text, length);
	return result;
}

int guest_agent_key(struct guest_agent *agent, const char *path, const char *purpose,
		    unsigned char key[GUEST_KEY_SIZE], struct error *err)
{
	struct http_response response = {0};
	char query[QUERY_MAX];

	if (agent->api != GUEST_API_DSTACK)
		return error_set(err, EXIT_BAD_CONFIG,
				 "no guest agent with GetKey: %s is tappd's; mount dstack.sock "
				 "(DSTACK_SOCKET), which dstack 0.5 and later have",
				 agent->socket);
	snprintf(query, sizeof(query), "?path=%s&purpose=%s&algorithm=secp256k1", path, purpose);
	AUTO_JSON cJSON *answer =
	    ask(agent, "/GetKey", query, INFO_TIMEOUT_MS, guest_answer_secret, &response, err);
	int result = answer == NULL ? -1 : take_key(answer, key, err);
	if (response.body.data != NULL)
		OPENSSL_cleanse(response.body.data, response.body.length);
	http_response_free(&response);
	return result;
}
