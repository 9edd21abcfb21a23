#include "supervisor/certbot/certbot_log.h"

#include "common/json.h"
#include "common/utc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	VALUE_MAX = 128, /* of a header */
	SENTENCE_MAX = 800,
	/* How many braces before the type of a problem are tried as the beginning of its object. */
	OBJECTS_TRIED = 16,
};

static const char problem_type[] = "urn:ietf:params:acme:error:";

/* ---- the CA's problems */

/* The object whose type stands at `type`: another one may be closed between its brace and there.
 * The caller frees it. */
static cJSON *parse_object_around(const char *log, const char *type)
{
	int tried = 0;

	for (const char *at = type; at > log && tried < OBJECTS_TRIED; at--) {
		if (at[-1] != '{')
			continue;
		tried++;
		cJSON *json = cJSON_ParseWithOpts(at - 1, NULL, 0);
		const char *found = json == NULL ? NULL : json_string(json, "type");
		if (found != NULL && strncmp(found, problem_type, strlen(problem_type)) == 0)
			return json;
		cJSON_Delete(json);
	}
	return NULL;
}

bool certbot_log_problem(const char *log, char *sentence, size_t size)
{
	const char *last = NULL;

	for (const char *at = log; (at = strstr(at, problem_type)) != NULL; at++)
		last = at;
	if (last == NULL)
		return false;
	AUTO_JSON cJSON *json = parse_object_around(log, last);
	const char *detail = json == NULL ? NULL : json_string(json, "detail");
	if (detail == NULL)
		return false;
	snprintf(sentence, size, "the CA says %s: %s",
		 json_string(json, "type") + strlen(problem_type), detail);
	for (char *at = sentence; *at != '\0'; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return true;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool has_one_of(const char *text, const char *const *words)
{
	while (*words != NULL && strcasestr(text, *words) == NULL)
		words++;
	return *words != NULL;
}

/*
 * RFC 8555 section 6.7 has a type for an account that does not exist.  One that was deactivated is
 * told as "unauthorized" (section 7.3.6), which is said of much else too.  One whose URL is not of
 * this CA, which has moved or is another one than it was, is told as "malformed": the URL is the
 * key's id (section 6.2), in the words of Boulder, Pebble and step-ca.
 */
bool certbot_log_account_is_unknown(const char *log)
{
	static const char *const ended[] = {"deactivated", "revoked", "not active", NULL};
	static const char *const key_id[] = {"KeyID header", "Key ID", "kid ", NULL};
	char sentence[SENTENCE_MAX];

	if (!certbot_log_problem(log, sentence, sizeof(sentence)))
		return false;
	if (begins_with(sentence, "the CA says unauthorized"))
		return strcasestr(sentence, "account") != NULL && has_one_of(sentence, ended);
	if (begins_with(sentence, "the CA says malformed"))
		return has_one_of(sentence, key_id);
	return begins_with(sentence, "the CA says accountDoesNotExist");
}

/* ---- headers: "HTTP 429", then one on each line until an empty one */

/* The next answer from `at` on, or NULL. */
static const char *next_answer(const char *log, const char *at)
{
	static const char start[] = "HTTP ";

	for (; (at = strstr(at, start)) != NULL; at++)
		if ((at == log || at[-1] == '\n') && isdigit((unsigned char)at[strlen(start)]))
			return at;
	return NULL;
}

static const char *latest_answer(const char *log)
{
	const char *latest = NULL;

	for (const char *at = log; (at = next_answer(log, at)) != NULL; at++)
		latest = at;
	return latest;
}

/* The latest 429 or 503 after which nothing went well, or NULL: certbot may have waited and gone
 * on after an earlier one. */
static const char *latest_refusal(const char *log)
{
	const char *refusal = NULL;

	for (const char *at = log; (at = next_answer(log, at)) != NULL; at++)
		if (strncmp(at, "HTTP 429", 8) == 0 || strncmp(at, "HTTP 503", 8) == 0)
			refusal = at;
		else if (strncmp(at, "HTTP 2", 6) == 0)
			refusal = NULL;
	return refusal;
}

static bool find_header(const char *answer, const char *name, char value[VALUE_MAX])
{
	size_t length = strlen(name);

	for (const char *line = answer; *line != '\0' && *line != '\n';) {
		size_t end = strcspn(line, "\n");
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			const char *at = line + length + 1;
			at += strspn(at, " \t");
			snprintf(value, VALUE_MAX, "%.*s", (int)(line + end - at), at);
			return true;
		}
		line += end + (line[end] == '\n');
	}
	return false;
}

static unsigned bounded(long long seconds)
{
	if (seconds < 0)
		return 0;
	return (unsigned)(seconds > CERTBOT_RETRY_AFTER_MAX ? CERTBOT_RETRY_AFTER_MAX : seconds);
}

unsigned certbot_log_retry_after(const char *log, time_t now)
{
	const char *answer = latest_refusal(log);
	char value[VALUE_MAX];
	time_t when;

	if (answer == NULL || !find_header(answer, "Retry-After", value))
		return 0;
	if (isdigit((unsigned char)value[0]))
		return bounded(strtoll(value, NULL, 10));
	return utc_read_http(value, &when) != 0 ? 0 : bounded((long long)when - now);
}

time_t certbot_log_ca_time(const char *log)
{
	const char *answer = latest_answer(log);
	char value[VALUE_MAX];
	time_t when;

	if (answer == NULL || !find_header(answer, "Date", value) ||
	    utc_read_http(value, &when) != 0 || when < 0)
		return 0;
	return when;
}

/* ---- requests */

/* No other request or answer has that member. */
bool certbot_log_has_order(const char *log)
{
	return strstr(log, "\"identifiers\"") != NULL;
}
