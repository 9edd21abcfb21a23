#include "dns-hooks/providers/aws_metadata.h"

#include "common/file.h"
#include "common/http.h"
#include "common/settings.h"
#include "dns-hooks/web/web_answer.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* They are a hop away or not there at all. */
	ANSWER_MS = 2000,
	WORD_MAX = 2048,
};

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define CONTAINER_TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"

static const char CONTAINER_HOST[] = "http://169.254.170.2";
static const char INSTANCE_HOST[] = "http://169.254.169.254";
static const char INSTANCE[] = "the instance metadata service";
static const char CONTAINER[] = "the container's credential endpoint";
static const char TOKEN_PATH[] = "/latest/api/token";
static const char ROLES_PATH[] = "/latest/meta-data/iam/security-credentials/";

/* One call, whose success is left in `response`. */
struct question {
	const struct web_api *web;
	const char *title, *method, *path;
	const char *header; /* NULL: none */
	const char *advice; /* for an answer that is a refusal */
};

/* "CODE: MESSAGE" if the answer is a refusal that says so, else "". */
static void read_words(const struct http_response *response, struct error *words)
{
	struct aws_session session = {0};

	if (aws_session_from_json(buffer_text(&response->body), response->body.length, &session,
				  words) == 0 ||
	    words->code != EXIT_BAD_CONFIG)
		*words->text = '\0';
	aws_session_free(&session);
}

/* 0 with a status of success; the caller frees `response` in any case. */
static int ask(const struct question *question, struct http_response *response, struct error *err)
{
	const char *const headers[] = {question->header, NULL};
	const struct web_call call = {.method = question->method,
				      .path = question->path,
				      .headers = headers,
				      .timeout_ms = ANSWER_MS,
				      .direct = true};
	struct error words = ERROR_INIT;
	char name[WORD_MAX];

	if (web_api_call(question->web, &call, response, err) != 0)
		return -1;
	if (response->status >= 200 && response->status < 300)
		return 0;
	snprintf(name, sizeof(name), "%s %s", question->method, question->path);
	const struct web_answer web = {question->title, name, response->status,
				       response->retry_after};
	enum exit_code code = web_exit_code(response->status);
	read_words(response, &words);
	return web_answer_refused(&web, code == EXIT_FAILED ? EXIT_BAD_CONFIG : code, words.text,
				  question->advice, err);
}

static int read_session(const struct question *question, struct aws_session *session,
			struct error *err)
{
	struct http_response response;
	int result = ask(question, &response, err);

	if (result == 0 && aws_session_from_json(buffer_text(&response.body), response.body.length,
						 session, err) != 0)
		result = error_wrap(err, "%s", question->title);
	if (response.body.data != NULL)
		explicit_bzero(response.body.data, response.body.length);
	http_response_free(&response);
	return result;
}

/* ---- a container */

bool aws_container_is_there(void)
{
	return settings_provider_variable(RELATIVE) != NULL ||
	       settings_provider_variable(FULL) != NULL;
}

/* "Authorization: TOKEN", without a scheme: that is the token's matter.  NULL where there is no
 * token, or with err. */
static char *container_header(struct web_api *web, struct error *err)
{
	const char *token = NULL;
	char *header = NULL;

	if (settings_provider_variable(CONTAINER_TOKEN) == NULL &&
	    settings_provider_variable(CONTAINER_TOKEN "_FILE") == NULL)
		return strdup("Accept: application/json");
	token = web_api_secret(web, CONTAINER_TOKEN, err);
	if (token == NULL)
		return NULL;
	if (asprintf(&header, "Authorization: %s", token) < 0) {
		error_no_memory(err);
		return NULL;
	}
	return header;
}

static int ask_container(const char *host, const char *path, struct aws_session *session,
			 struct error *err)
{
	struct web_api *web = web_api_new(CONTAINER, host, NULL, err);
	char *header = web == NULL ? NULL : container_header(web, err);
	const struct question question = {.web = web,
					  .title = CONTAINER,
					  .method = "GET",
					  .path = path,
					  .header = header,
					  .advice = "check " RELATIVE " or " FULL
						    ", and " CONTAINER_TOKEN};
	int result = header == NULL ? -1 : read_session(&question, session, err);

	if (header != NULL)
		explicit_bzero(header, strlen(header));
	free(header);
	web_api_free(web);
	return result;
}

int aws_container_session(struct aws_session *session, struct error *err)
{
	const char *relative = settings_provider_variable(RELATIVE);
	const char *full = settings_provider_variable(FULL);

	if (relative != NULL)
		return ask_container(CONTAINER_HOST, relative, session, err);
	const char *host = strstr(full, "://");
	size_t length = host == NULL ? 0 : (size_t)(host - full) + 3;
	length += strcspn(full + length, "/?");
	AUTO_FREE char *base = strndup(full, length);
	if (base == NULL)
		return error_no_memory(err);
	return ask_container(base, full + length, session, err);
}

/* ---- an instance */

/* A line of the answer, which has to be one word. */
static int read_word(const struct question *question, char word[WORD_MAX], struct error *err)
{
	struct http_response response;
	int result = ask(question, &response, err);

	if (result == 0) {
		const char *text = buffer_text(&response.body);
		size_t length = strcspn(text, "\r\n");
		for (size_t i = 0; i < length; i++)
			if (text[i] <= ' ' || text[i] > '~')
				length = 0;
		if (length == 0 || length >= WORD_MAX)
			result = error_set(err, EXIT_UNREACHABLE,
					   "%s: %s %s: the answer is not one word", question->title,
					   question->method, question->path);
		else
			snprintf(word, WORD_MAX, "%.*s", (int)length, text);
	}
	http_response_free(&response);
	return result;
}

static int ask_instance(const struct web_api *web, struct aws_session *session, struct error *err)
{
	char token[WORD_MAX], header[WORD_MAX + 64], role[WORD_MAX], path[2 * WORD_MAX];
	struct question question = {.web = web,
				    .title = INSTANCE,
				    .method = "PUT",
				    .path = TOKEN_PATH,
				    .header = "X-aws-ec2-metadata-token-ttl-seconds: 60",
				    .advice = "is it turned off?"};

	if (read_word(&question, token, err) != 0)
		return -1;
	snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s", token);
	question.method = "GET";
	question.path = ROLES_PATH;
	question.header = header;
	question.advice = "the instance has no IAM role; attach one";
	if (read_word(&question, role, err) != 0)
		return -1;
	AUTO_FREE char *escaped = http_escape(role);
	if (escaped == NULL)
		return error_no_memory(err);
	snprintf(path, sizeof(path), "%s%.*s", ROLES_PATH, WORD_MAX, escaped);
	question.path = path;
	return read_session(&question, session, err);
}

int aws_instance_session(struct aws_session *session, struct error *err)
{
	struct web_api *web =
	    web_api_new(INSTANCE, INSTANCE_HOST, "AWS_EC2_METADATA_SERVICE_ENDPOINT", err);
	int result = web == NULL ? -1 : ask_instance(web, session, err);

	web_api_free(web);
	return result;
}
