#include "dns-hooks/providers/aws_session.h"

#include "common/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_MAX = 4096 };

static void wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void aws_session_free(struct aws_session *session)
{
	wipe(&session->id);
	wipe(&session->secret);
	wipe(&session->token);
}

struct aws_keys aws_session_keys(const struct aws_session *session)
{
	return (struct aws_keys){session->id, session->secret, session->token};
}

/* Fit for a header, since that is where two of the three go. */
static bool is_one_word(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return length > 0 && length <= PART_MAX;
}

/* 2026-11-22T10:00:00Z, and with fractions of seconds, which do not matter. */
static time_t read_time(const char *text)
{
	struct tm parts = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

	if (rest == NULL || (*rest != 'Z' && *rest != '.'))
		return 0;
	return timegm(&parts);
}

static int fill(struct aws_session *session, const char *const values[4], struct error *err)
{
	static const char *const names[4] = {"AccessKeyId", "SecretAccessKey", "Token",
					     "Expiration"};

	*session = (struct aws_session){0};
	for (size_t i = 0; i < 4; i++)
		if (values[i] == NULL || !is_one_word(values[i]))
			return error_set(err, EXIT_UNREACHABLE, "the answer %s %s",
					 values[i] == NULL ? "lacks" : "has an unusable", names[i]);
	session->expires = read_time(values[3]);
	if (session->expires <= 0)
		return error_set(err, EXIT_UNREACHABLE, "the answer has an unusable Expiration");
	session->id = strdup(values[0]);
	session->secret = strdup(values[1]);
	session->token = strdup(values[2]);
	if (session->id != NULL && session->secret != NULL && session->token != NULL)
		return 0;
	aws_session_free(session);
	return error_no_memory(err);
}

/* By either of two names. */
static const char *either(const cJSON *json, const char *one, const char *other)
{
	const char *text = json_string(json, one);

	return text == NULL ? json_string(json, other) : text;
}

/* Its strings are wiped, which cJSON does not do. */
static void forget(cJSON *json)
{
	cJSON *item = NULL;

	cJSON_ArrayForEach(item, json) if (cJSON_IsString(item))
	    explicit_bzero(item->valuestring, strlen(item->valuestring));
}

int aws_session_from_json(const char *text, size_t length, struct aws_session *session,
			  struct error *err)
{
	AUTO_JSON cJSON *json = json_parse(text, length, "the answer", err);

	*session = (struct aws_session){0};
	/* Not json_parse()'s words: they quote the text. */
	if (json == NULL)
		return error_set(err, EXIT_UNREACHABLE, "the answer is not JSON");
	const char *code = either(json, "Code", "code"),
		   *words = either(json, "Message", "message");
	if (code != NULL && strcmp(code, "Success") != 0)
		return error_set(err, EXIT_BAD_CONFIG, "%.100s: %.300s", code,
				 words == NULL ? "(no message)" : words);
	const char *const values[4] = {json_string(json, "AccessKeyId"),
				       json_string(json, "SecretAccessKey"),
				       json_string(json, "Token"), json_string(json, "Expiration")};
	int result = fill(session, values, err);
	forget(json);
	return result;
}

int aws_session_from_sts(const struct xml *xml, struct aws_session *session, struct error *err)
{
	const struct xml_element *result = xml_child(xml_root(xml), "AssumeRoleResult");

	if (result == NULL)
		result = xml_child(xml_root(xml), "AssumeRoleWithWebIdentityResult");
	const struct xml_element *credentials = xml_child(result, "Credentials");
	const char *const values[4] = {xml_child_text(credentials, "AccessKeyId"),
				       xml_child_text(credentials, "SecretAccessKey"),
				       xml_child_text(credentials, "SessionToken"),
				       xml_child_text(credentials, "Expiration")};

	return fill(session, values, err);
}
