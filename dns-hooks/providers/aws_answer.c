#include "dns-hooks/providers/aws_answer.h"

#include "common/buffer.h"
#include "dns-hooks/web/web_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WORDS_MAX = 600, ADVICE_MAX = 240 };

/* What a code means for us; those that are not listed mean what their status does. */
enum meaning {
	MEANS_BUSY,
	MEANS_UNKNOWN_KEY,
	MEANS_BAD_SIGNATURE,
	MEANS_CLOCK,
	MEANS_EXPIRED,
	MEANS_BAD_TOKEN,
	MEANS_DENIED,
	MEANS_OTHER,
};

static const struct {
	const char *code;
	enum meaning meaning;
} codes[] = {
    {"Throttling", MEANS_BUSY},
    {"ThrottlingException", MEANS_BUSY},
    {"RequestLimitExceeded", MEANS_BUSY},
    {"PriorRequestNotComplete", MEANS_BUSY}, /* the same zone is being changed */
    {"InvalidClientTokenId", MEANS_UNKNOWN_KEY},
    {"UnrecognizedClientException", MEANS_UNKNOWN_KEY},
    {"InvalidAccessKeyId", MEANS_UNKNOWN_KEY},
    {"AuthFailure", MEANS_UNKNOWN_KEY},
    {"MissingAuthenticationToken", MEANS_BAD_SIGNATURE},
    {"IncompleteSignature", MEANS_BAD_SIGNATURE},
    {"InvalidSignatureException", MEANS_BAD_SIGNATURE},
    {"SignatureDoesNotMatch", MEANS_BAD_SIGNATURE},
    {"RequestExpired", MEANS_CLOCK},
    {"RequestTimeTooSkewed", MEANS_CLOCK},
    {"ExpiredToken", MEANS_EXPIRED},
    {"ExpiredTokenException", MEANS_EXPIRED},
    {"InvalidIdentityToken", MEANS_BAD_TOKEN},
    {"AccessDenied", MEANS_DENIED},
    {"AccessDeniedException", MEANS_DENIED},
    {"NotAuthorizedException", MEANS_DENIED},
};

void aws_answer_free(struct aws_answer *answer)
{
	xml_free(answer->xml);
	answer->xml = NULL;
}

static enum meaning meaning_of(const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].meaning;
	return MEANS_OTHER;
}

/* Route 53 and STS say SignatureDoesNotMatch of a time that is off by more than 5 minutes,
 * too, with "Signature expired: ..." or "Signature not yet current: ...". */
static enum meaning meaning_of_words(const char *code, const char *words)
{
	enum meaning meaning = meaning_of(code);

	if (meaning == MEANS_BAD_SIGNATURE && (strstr(words, "Signature expired") != NULL ||
					       strstr(words, "not yet current") != NULL))
		return MEANS_CLOCK;
	return meaning;
}

static enum exit_code exit_code_of(long status, enum meaning meaning)
{
	enum exit_code code = web_exit_code(status);

	if (meaning == MEANS_BUSY)
		return EXIT_TRY_LATER;
	return code == EXIT_FAILED && meaning != MEANS_OTHER ? EXIT_BAD_CONFIG : code;
}

static void advise(enum meaning meaning, const char *denied, char advice[ADVICE_MAX])
{
	static const char *const fixed[] = {
	    [MEANS_BUSY] = "",
	    [MEANS_UNKNOWN_KEY] = "check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN, which a key "
				  "that begins with ASIA needs",
	    [MEANS_BAD_SIGNATURE] = "check AWS_SECRET_ACCESS_KEY",
	    [MEANS_CLOCK] = "",
	    [MEANS_EXPIRED] = "give a new AWS_SESSION_TOKEN with its keys, or credentials that "
			      "renew themselves",
	    [MEANS_BAD_TOKEN] = "AWS_WEB_IDENTITY_TOKEN_FILE has to name a token of the provider "
				"that the role trusts, before it expires",
	    [MEANS_DENIED] = "",
	    [MEANS_OTHER] = "",
	};
	time_t now = time(NULL);
	struct tm parts;

	snprintf(advice, ADVICE_MAX, "%s", meaning == MEANS_DENIED ? denied : fixed[meaning]);
	if (meaning == MEANS_CLOCK && gmtime_r(&now, &parts) != NULL)
		strftime(advice, ADVICE_MAX,
			 "set the clock of this machine, which says %Y-%m-%d %H:%M:%S UTC", &parts);
}

static void append_line(char words[WORDS_MAX], const char *before, const char *text)
{
	size_t used = strlen(words);

	snprintf(words + used, WORDS_MAX - used, "%s%.*s", before, (int)strcspn(text, "\r\n"),
		 text);
}

/*
 * <ErrorResponse><Error><Code/><Message/></Error></ErrorResponse>, or as Route 53 has it for one
 * code <InvalidChangeBatch><Messages><Message/>...</Messages></InvalidChangeBatch>.
 */
static void read_failure(const struct xml *xml, char code[AWS_CODE_MAX], char words[WORDS_MAX])
{
	const struct xml_element *root = xml_root(xml), *error = xml_child(root, "Error");
	const char *said = xml_child_text(error, "Code");
	const char *message = xml_child_text(error, "Message");
	const struct xml_element *messages = xml_child(root, "Messages");

	if (messages != NULL)
		said = xml_name(root);
	snprintf(code, AWS_CODE_MAX, "%s", said == NULL ? "" : said);
	append_line(words, "", code);
	if (message != NULL)
		append_line(words, ": ", message);
	for (const struct xml_element *m = xml_child(messages, "Message"); m != NULL;
	     m = xml_next(m, "Message"))
		append_line(words, ": ", xml_text(m));
}

int aws_judge(struct aws_answer *answer, const char *call, const char *body, size_t length,
	      struct error *err)
{
	const struct web_answer web = {answer->service, call, answer->status, answer->retry_after};
	char words[WORDS_MAX] = "", advice[ADVICE_MAX];

	answer->xml = xml_parse(body, length, "the answer", err);
	if (answer->xml == NULL)
		return web_answer_unreadable(&web, err);
	if (answer->status >= 200 && answer->status < 300)
		return 0;
	read_failure(answer->xml, answer->code, words);
	enum meaning meaning = meaning_of_words(answer->code, words);
	advise(meaning, answer->denied_advice, advice);
	return web_answer_refused(&web, exit_code_of(answer->status, meaning), words, advice, err);
}

bool aws_is_busy(const struct http_response *response)
{
	struct error err = ERROR_INIT;
	char code[AWS_CODE_MAX], words[WORDS_MAX] = "";

	if (response->status < 400)
		return false;
	AUTO_XML struct xml *xml =
	    xml_parse(buffer_text(&response->body), response->body.length, "the answer", &err);
	if (xml == NULL)
		return false;
	read_failure(xml, code, words);
	return meaning_of(code) == MEANS_BUSY;
}
