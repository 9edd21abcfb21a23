#include "supervisor/certbot_answer.h"

#include "supervisor/confined.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_LENGTH = 800, RETRY_AFTER_MAX = 7 * 86400, MEBIBYTE = 1024 * 1024 };

/* Lines certbot prints around every failure. */
static const char *const boilerplate[] = {
    "Saving debug log to",
    "Ask for help or search",
    "See the logfile",
    "Some challenges",
    "Hint:",
    "Requesting a",
    "Renewing an",
    "Running ",
    "Cleaning up",
    "Plugins selected",
    "Performing ",
    "Waiting for",
    "An unexpected error",
    "Certbot failed to",
    "Please see the",
    "Hook ",
    "Account registered",
    "Exiting due to",
};

static bool is_boilerplate(const char *line)
{
	for (size_t i = 0; i < sizeof(boilerplate) / sizeof(*boilerplate); i++)
		if (strncmp(line, boilerplate[i], strlen(boilerplate[i])) == 0)
			return true;
	return false;
}

/* The CA's "Detail:" of a failed validation if there is one, else the last line that is
 * not always there. */
static void pick_sentence(const char *tail, char sentence[LINE_MAX_LENGTH])
{
	bool have_detail = false;

	sentence[0] = '\0';
	for (const char *line = tail; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		size_t indent = strspn(line, " ");
		const char *text = line + indent;
		int shown = (int)(length > indent ? length - indent : 0);

		if (strncmp(text, "Detail:", 7) == 0) {
			snprintf(sentence, LINE_MAX_LENGTH, "%.*s", shown - 8 > 0 ? shown - 8 : 0,
				 text + 8);
			have_detail = true;
		} else if (!have_detail && shown > 0 && !is_boilerplate(text)) {
			snprintf(sentence, LINE_MAX_LENGTH, "%.*s", shown, text);
		}
		line += length + (line[length] == '\n');
	}
}

static unsigned bounded(long long seconds)
{
	if (seconds < 0)
		return 0;
	return (unsigned)(seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds);
}

/* Boulder writes "..., retry after 2026-11-22 10:00:00 UTC: see https://...". */
static unsigned retry_after_date(const char *text, time_t now)
{
	static const char phrase[] = "retry after ";
	const char *at = strstr(text, phrase);
	struct tm when = {0};

	if (at == NULL || strptime(at + sizeof(phrase) - 1, "%Y-%m-%d %H:%M:%S", &when) == NULL)
		return 0;
	return bounded((long long)timegm(&when) - now);
}

/*
 * The log has each answer as "HTTP 429", then its headers a line each.  Only the last
 * refusal counts; certbot itself may have waited and gone on after an earlier one.
 */
static unsigned retry_after_header(const char *log)
{
	const char *refusal = NULL, *header;

	for (const char *at = log; (at = strstr(at, "HTTP ")) != NULL; at += 5)
		if (strncmp(at, "HTTP 429", 8) == 0 || strncmp(at, "HTTP 503", 8) == 0)
			refusal = at;
		else if (strncmp(at, "HTTP 2", 6) == 0)
			refusal = NULL;
	if (refusal == NULL)
		return 0;
	const char *end = strstr(refusal, "\n\n");
	header = strcasestr(refusal, "Retry-After: ");
	if (header == NULL || (end != NULL && header > end))
		return 0;
	return bounded(strtoll(header + 13, NULL, 10));
}

static bool says_later(const char *text)
{
	static const char *const signs[] = {"rateLimited",	  "too many",
					    "Service busy",	  "serverInternal",
					    "Connection refused", "Max retries exceeded",
					    "timed out",	  "Name or service"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strcasestr(text, signs[i]) != NULL)
			return true;
	return false;
}

/*
 * The latest problem document (RFC 7807) of the CA in the log, which has answers as
 * indented JSON.  certbot 2.1 on Python 3.11 stumbles over its own exception when the CA
 * refuses something and prints only "AttributeError: can't set attribute".
 */
static bool pick_problem(const char *log, char sentence[LINE_MAX_LENGTH])
{
	static const char type[] = "\"urn:ietf:params:acme:error:", key[] = "\"detail\": \"";
	const char *last = NULL, *detail;

	for (const char *at = log; (at = strstr(at, type)) != NULL; at++)
		last = at;
	if (last == NULL)
		return false;
	int kind = (int)strcspn(last + sizeof(type) - 1, "\"");
	detail = strstr(last, key);
	if (detail == NULL)
		return false;
	detail += sizeof(key) - 1;
	snprintf(sentence, LINE_MAX_LENGTH, "the CA says %.*s: %.*s", kind, last + sizeof(type) - 1,
		 (int)strcspn(detail, "\"\n"), detail);
	return true;
}

static bool has_line(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);

	for (const char *at = text; *at != '\0'; at += *at == '\n') {
		if (strncmp(at, beginning, length) == 0)
			return true;
		at += strcspn(at, "\n");
	}
	return false;
}

/*
 * What ended certbot, in a sentence.  The limits of confined.h come in Python's words: an answer
 * was larger than any honest CA's.  A log that has reached its size does not end certbot, but is in
 * `tail` too: what the CA says tells more.
 */
static void explain(const char *tail, const char *log, char sentence[LINE_MAX_LENGTH],
		    struct error *err)
{
	if (has_line(tail, "MemoryError")) {
		error_set(err, EXIT_FAILED,
			  "certbot was ended: it needed more than %d MiB of memory for what the CA "
			  "answered",
			  CERTBOT_MEMORY_MAX / MEBIBYTE);
	} else if (!pick_problem(log, sentence) && has_line(tail, "OSError: [Errno 27]")) {
		error_set(err, EXIT_FAILED,
			  "certbot was ended: it had to write a file of more than %d MiB for what "
			  "the CA answered",
			  CERTBOT_FILE_MAX / MEBIBYTE);
	} else {
		if (sentence[0] == '\0')
			pick_sentence(tail, sentence);
		if (sentence[0] != '\0')
			error_set(err, EXIT_FAILED, "certbot: %s", sentence);
	}
}

void certbot_explain(const char *tail, const char *log, time_t now, struct error *err)
{
	char sentence[LINE_MAX_LENGTH] = "";
	unsigned by_header = retry_after_header(log);
	unsigned by_date;

	explain(tail, log, sentence, err);
	by_date = retry_after_date(sentence, now);
	if (says_later(tail) || says_later(sentence) || by_header > 0 || by_date > 0)
		err->code = EXIT_TRY_LATER;
	err->retry_after = by_header > by_date ? by_header : by_date;
}
