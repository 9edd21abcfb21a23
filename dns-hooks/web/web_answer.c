#include "dns-hooks/web/web_answer.h"

#include <stdio.h>
#include <string.h>

bool web_id_is_usable(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_";

	return id != NULL && *id != '\0' && id[strspn(id, allowed)] == '\0';
}

enum exit_code web_exit_code(long status)
{
	if (status == 429 || status == 408)
		return EXIT_TRY_LATER;
	if (status == 401 || status == 403)
		return EXIT_BAD_CONFIG;
	return status >= 500 ? EXIT_UNREACHABLE : EXIT_FAILED;
}

/* What it says of itself matters less than that nothing of it is followed (common/http.h). */
static const char *words_for(const struct web_answer *answer, const char *words)
{
	return answer->status >= 300 && answer->status < 400
		   ? "a redirect, and none is followed, since credentials would go with it: check "
		     "the address of the API, and what answers in its place"
		   : words;
}

/* "HTTP status N", and how long the provider asks to wait with `words` in between, if it does. */
static void describe_status(const struct web_answer *answer, const char *words, char *text,
			    size_t size)
{
	char wait[64] = "";

	if (answer->retry_after > 0)
		snprintf(wait, sizeof(wait), "; it asks to wait %u seconds", answer->retry_after);
	snprintf(text, size, "HTTP status %ld%s%s%s", answer->status, *words == '\0' ? "" : ", ",
		 words, wait);
}

int web_answer_refused(const struct web_answer *answer, enum exit_code code, const char *words,
		       const char *advice, struct error *err)
{
	char status[ERROR_TEXT_MAX];

	describe_status(answer, words_for(answer, words), status, sizeof(status));
	error_set(err, code, "%s: %s: %s%s%s", answer->provider, answer->call, status,
		  *advice == '\0' ? "" : "; ", advice);
	err->retry_after = answer->retry_after;
	return -1;
}

int web_answer_unreadable(const struct web_answer *answer, struct error *err)
{
	enum exit_code code = EXIT_UNREACHABLE;
	char status[ERROR_TEXT_MAX];

	if (answer->status >= 400 && answer->status < 500)
		code = web_exit_code(answer->status);
	describe_status(answer, words_for(answer, ""), status, sizeof(status));
	if (answer->status >= 300 && answer->status < 400) /* it needs no body */
		error_set(err, code, "%s: %s: %s", answer->provider, answer->call, status);
	else
		error_wrap(err, "%s: %s: %s", answer->provider, answer->call, status);
	err->code = code;
	err->retry_after = answer->retry_after;
	return -1;
}
