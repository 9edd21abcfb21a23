#include "supervisor/certbot/certbot_answer.h"

#include "supervisor/certbot/certbot_log.h"
#include "supervisor/children/confined.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_LENGTH = 800, MEBIBYTE = 1024 * 1024 };

/* Lines certbot prints around every failure, and of a success that something else came behind. */
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
    "Encountered exception during recovery",
    "Traceback ",
    "- - - -",
    "Successfully received certificate",
    "Certificate is saved at:",
    "Key is saved at:",
    "This certificate expires on",
    "These files will be updated",
    "NEXT STEPS:",
    "- The certificate will need to be renewed",
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

/* Boulder writes "..., retry after 2026-11-22 10:00:00 UTC: see https://...". */
static unsigned retry_after_date(const char *text, time_t now)
{
	static const char phrase[] = "retry after ";
	const char *at = strcasestr(text, phrase);
	struct tm when = {0};

	if (at == NULL)
		return 0;
	at += strlen(phrase);
	if (strptime(at, "%Y-%m-%d %H:%M:%S", &when) == NULL &&
	    strptime(at, "%Y-%m-%dT%H:%M:%S", &when) == NULL)
		return 0;
	long long seconds = (long long)timegm(&when) - now;
	if (seconds < 0)
		return 0;
	return (unsigned)(seconds > CERTBOT_RETRY_AFTER_MAX ? CERTBOT_RETRY_AFTER_MAX : seconds);
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

/* certbot shows an answer that is no problem document (RFC 8555 section 6.7) as
 * "<Response [502]>". */
static void put_status_in_words(char sentence[LINE_MAX_LENGTH])
{
	static const char shown[] = "<Response [";
	const char *at = strstr(sentence, shown);
	char status[4];

	if (at == NULL)
		return;
	snprintf(status, sizeof(status), "%s", at + strlen(shown));
	snprintf(sentence, LINE_MAX_LENGTH,
		 "the CA answers with HTTP status %s and gives no reason", status);
}

/*
 * What ended certbot, in a sentence.  The limits of confined.h come in Python's words: an answer
 * was larger than any honest CA's.  A log that has reached its size does not end certbot, but is in
 * `tail` too: what the CA says tells more.
 */
static void explain(const struct certbot_words *words, char sentence[LINE_MAX_LENGTH],
		    struct error *err)
{
	if (has_line(words->tail, "MemoryError")) {
		error_set(err, EXIT_FAILED,
			  "certbot was ended: it needed more than %d MiB of memory for what the CA "
			  "answered",
			  CERTBOT_MEMORY_MAX / MEBIBYTE);
		return;
	}
	if (!certbot_log_problem(words->log, sentence, LINE_MAX_LENGTH)) {
		if (has_line(words->tail, "OSError: [Errno 27]")) {
			error_set(err, EXIT_FAILED,
				  "certbot was ended: it had to write a file of more than %d MiB "
				  "for what the CA answered",
				  CERTBOT_FILE_MAX / MEBIBYTE);
			return;
		}
		pick_sentence(words->tail, sentence);
		put_status_in_words(sentence);
	}
	if (sentence[0] != '\0')
		error_set(err, EXIT_FAILED, "certbot: %s", sentence);
}

void certbot_explain(const struct certbot_words *words, time_t now, struct error *err)
{
	char sentence[LINE_MAX_LENGTH] = "";
	unsigned by_header = certbot_log_retry_after(words->log, now);
	unsigned by_date;

	explain(words, sentence, err);
	by_date = retry_after_date(sentence, now);
	if (says_later(words->tail) || says_later(sentence) || by_header > 0 || by_date > 0)
		err->code = EXIT_TRY_LATER;
	err->retry_after = by_header > by_date ? by_header : by_date;
}
