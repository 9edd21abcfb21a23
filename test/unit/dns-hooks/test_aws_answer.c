/* Failures as AWS's XML services tell them. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/aws_answer.h"

#include <stdio.h>

#define CALL "GET /2013-04-01/hostedzonesbyname"
#define ERROR(code, message)                                                                 \
	"<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/" \
	"2013-04-01/\"><Error><Type>Sender</Type><Code>" code "</Code><Message>" message     \
	"</Message></Error><RequestId>1</RequestId></ErrorResponse>"

static int judge(struct aws_answer *answer, long status, const char *body, struct error *err)
{
	*answer = (struct aws_answer){
	    .service = "Route 53", .denied_advice = "allow it", .status = status};
	return aws_judge(answer, CALL, body, strlen(body), err);
}

struct failure_case {
	long status;
	const char *body;
	enum exit_code code;
	const char *words; /* in the message */
};

static void failures_tell_status_code_words_and_advice(void **state)
{
	static const struct failure_case cases[] = {
	    {400, ERROR("Throttling", "Rate exceeded"), EXIT_TRY_LATER,
	     "HTTP status 400, Throttling: Rate exceeded"},
	    {400, ERROR("PriorRequestNotComplete", "busy"), EXIT_TRY_LATER, "busy"},
	    {400, ERROR("InvalidInput", "no"), EXIT_FAILED, "InvalidInput: no"},
	    {404, ERROR("NoSuchHostedZone", "none"), EXIT_FAILED, "NoSuchHostedZone"},
	    {403, ERROR("InvalidClientTokenId", "x"), EXIT_BAD_CONFIG, "check AWS_ACCESS_KEY_ID"},
	    {400, ERROR("IncompleteSignature", "x"), EXIT_BAD_CONFIG, "AWS_SECRET_ACCESS_KEY"},
	    {403, ERROR("SignatureDoesNotMatch", "not the same"), EXIT_BAD_CONFIG,
	     "check AWS_SECRET_ACCESS_KEY"},
	    {403, ERROR("SignatureDoesNotMatch", "Signature expired: a is now earlier than b"),
	     EXIT_BAD_CONFIG, "set the clock of this machine, which says 20"},
	    {403, ERROR("SignatureDoesNotMatch", "Signature not yet current: a"), EXIT_BAD_CONFIG,
	     "set the clock"},
	    {400, ERROR("RequestExpired", "x"), EXIT_BAD_CONFIG, "set the clock"},
	    {403, ERROR("ExpiredToken", "x"), EXIT_BAD_CONFIG, "give a new AWS_SESSION_TOKEN"},
	    {403, ERROR("AccessDenied", "x"), EXIT_BAD_CONFIG, "; allow it"},
	    {500, ERROR("InternalError", "x"), EXIT_UNREACHABLE, "InternalError"},
	    {503, ERROR("Throttling", "x"), EXIT_TRY_LATER, "Throttling"},
	    {400,
	     "<InvalidChangeBatch><Messages><Message>one</Message><Message>two</Message>"
	     "</Messages></InvalidChangeBatch>",
	     EXIT_FAILED, "InvalidChangeBatch: one: two"},
	    {400, "<Something/>", EXIT_FAILED, "400"},
	    {302, "<html/>", EXIT_FAILED, "302"},
	    {403, "<html>Forbidden<br></html>", EXIT_BAD_CONFIG, "403"},
	    {502, "Bad gateway", EXIT_UNREACHABLE, "not XML"},
	    {200, "", EXIT_UNREACHABLE, "200"},
	    {200, "{}", EXIT_UNREACHABLE, "not XML"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, cases[i].status, cases[i].body, &err), -1);
		assert_contains(err.text, "Route 53: " CALL);
		assert_contains(err.text, cases[i].words);
		assert_int_equal(err.code, cases[i].code);
		aws_answer_free(&answer);
	}
}

static void both_forms_of_a_refused_batch_have_its_code(void **state)
{
	static const char *const bodies[] = {
	    ERROR("InvalidChangeBatch", "[no]"),
	    "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages>"
	    "<Message>no</Message></Messages></InvalidChangeBatch>"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct aws_answer answer;
		struct error err = ERROR_INIT;
		assert_int_equal(judge(&answer, 400, bodies[i], &err), -1);
		assert_string_equal(answer.code, "InvalidChangeBatch");
		assert_int_equal(err.code, EXIT_FAILED);
		aws_answer_free(&answer);
	}
}

/* The request that should have been signed comes back, in lines of its own. */
static void only_the_first_line_of_words_is_shown(void **state)
{
	struct aws_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(judge(&answer, 403,
			       ERROR("SignatureDoesNotMatch",
				     "Wrong.\n\nThe Canonical String\nx-amz-security-token:secret"),
			       &err),
			 -1);
	assert_contains(err.text, "SignatureDoesNotMatch: Wrong.;");
	assert_lacks(err.text, "secret");
	aws_answer_free(&answer);
}

static void success_is_taken(void **state)
{
	struct aws_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(judge(&answer, 200, "<a/>", &err), 0);
	assert_string_equal(answer.code, "");
	assert_non_null(answer.xml);
	aws_answer_free(&answer);
}

static bool is_busy(long status, const char *body)
{
	struct http_response response = {.status = status};

	buffer_init(&response.body, 4096);
	buffer_puts(&response.body, body);
	bool busy = aws_is_busy(&response);
	http_response_free(&response);
	return busy;
}

static void busy_is_told_from_wrong(void **state)
{
	(void)state;
	assert_true(is_busy(400, ERROR("Throttling", "x")));
	assert_true(is_busy(400, ERROR("ThrottlingException", "x")));
	assert_true(is_busy(400, ERROR("PriorRequestNotComplete", "x")));
	assert_false(is_busy(400, ERROR("InvalidChangeBatch", "Throttling")));
	assert_false(is_busy(403, ERROR("AccessDenied", "x")));
	assert_false(is_busy(400, "Throttling"));
	assert_false(is_busy(200, ERROR("Throttling", "x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_tell_status_code_words_and_advice),
	    cmocka_unit_test(both_forms_of_a_refused_batch_have_its_code),
	    cmocka_unit_test(only_the_first_line_of_words_is_shown),
	    cmocka_unit_test(success_is_taken),
	    cmocka_unit_test(busy_is_told_from_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
