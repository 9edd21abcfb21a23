/* dns-hooks: what AWS says of failures, and the keys that it lends. */
#include "dns-hooks/providers/aws_answer.h"
#include "dns-hooks/providers/aws_session.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

static void check_part(const char *part)
{
	CHECK(part != NULL && part[0] != '\0');
	for (; *part != '\0'; part++)
		CHECK(*part > ' ' && *part <= '~');
}

/* Usable as it is, or not at all. */
static void check_session(struct aws_session *session, int result, const struct error *err)
{
	const struct aws_keys keys = aws_session_keys(session);

	if (result != 0) {
		fuzz_check_error(err);
		CHECK(keys.id == NULL && keys.secret == NULL && keys.token == NULL);
		return;
	}
	check_part(keys.id);
	check_part(keys.secret);
	check_part(keys.token);
	CHECK(session->expires > 0);
	aws_session_free(session);
}

/* The first line is the status; what is behind it the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	AUTO_FREE char *line = fuzz_line(&input);
	AUTO_FREE char *body = fuzz_text(input.at, input.left);
	long status = strtol(line, NULL, 10);
	struct error err = ERROR_INIT;
	struct aws_answer answer = {.service = "Route 53",
				    .denied_advice = "allow it",
				    .status = status < 100 || status > 599 ? 400 : status};
	struct aws_session session = {0};

	int result = aws_judge(&answer, "GET /x", body, input.left, &err);
	CHECK((result == 0) == (answer.xml != NULL && answer.status / 100 == 2));
	if (result != 0) {
		fuzz_check_error(&err);
		CHECK(strncmp(err.text, "Route 53: GET /x: HTTP status ", 30) == 0);
	}
	if (answer.xml != NULL) {
		result = aws_session_from_sts(answer.xml, &session, &err);
		check_session(&session, result, &err);
	}
	aws_answer_free(&answer);
	struct error second = ERROR_INIT;
	result = aws_session_from_json(body, input.left, &session, &second);
	check_session(&session, result, &second);
	return 0;
}
