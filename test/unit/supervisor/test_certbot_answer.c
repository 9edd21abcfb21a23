/* What is made of certbot's words when an order fails. */
#include "test/unit/common/unit.h"

#include "supervisor/certbot/certbot_answer.h"
#include "supervisor/certbot/certbot_log.h"

enum { NOW = 1795348800 }; /* 2026-11-22 12:00:00 UTC */

static const char failed_validation[] =
    "Saving debug log to /run/ingress/certbot/logs/letsencrypt.log\n"
    "Requesting a certificate for app.example.com\n"
    "\n"
    "Certbot failed to authenticate some domains (authenticator: manual). The Certificate "
    "Authority reported these problems:\n"
    "  Domain: app.example.com\n"
    "  Type:   unauthorized\n"
    "  Detail: Incorrect TXT record \"x\" found at _acme-challenge.app.example.com\n"
    "\n"
    "Hint: The Certificate Authority failed to verify the DNS TXT records.\n"
    "Some challenges have failed.\n"
    "Ask for help or search for solutions at https://community.letsencrypt.org.\n";

/* certbot 2.1 on Python 3.11 prints this for every refusal. */
static const char stumbled[] = "An unexpected error occurred:\n"
			       "AttributeError: can't set attribute\n"
			       "Ask for help or search for solutions.\n";

#define ANSWER(status, headers, type, detail)                             \
	"DEBUG:acme.client:Received response:\nHTTP " status "\n" headers \
	"Content-Type: application/problem+json\n\n{\n"                   \
	"   \"type\": \"urn:ietf:params:acme:error:" type "\",\n"         \
	"   \"detail\": \"" detail "\",\n   \"status\": " status "\n}\n"

static struct error explain(const char *tail, const char *log)
{
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_FAILED, "certbot: it exited with status 1");
	certbot_explain(&(struct certbot_words){tail, log}, NOW, &err);
	return err;
}

/* It was ended, or failed, when it had the certificate. */
static void a_success_is_no_reason(void **state)
{
	struct error err =
	    explain("Saving debug log to /run/ingress/certbot/logs/letsencrypt.log\n"
		    "Requesting a certificate for app.example.com\n"
		    "\n"
		    "Successfully received certificate.\n"
		    "Certificate is saved at: /run/ingress/certbot/live/app/fullchain.pem\n"
		    "Key is saved at:         /run/ingress/certbot/live/app/privkey.pem\n"
		    "This certificate expires on 2027-02-20.\n"
		    "These files will be updated when the certificate renews.\n"
		    "NEXT STEPS:\n"
		    "- The certificate will need to be renewed before it expires.\n"
		    "\n"
		    "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -\n",
		    "");

	(void)state;
	assert_string_equal(err.text, "certbot: it exited with status 1");
}

static void quotes_in_the_cas_words_are_decoded(void **state)
{
	struct error err = explain(
	    stumbled, ANSWER("429", "", "rateLimited",
			     "too many certificates (5) for \\\"app.demo.test\\\" in the last "
			     "week, retry after 2026-11-22 13:00:00 UTC"));

	(void)state;
	assert_string_equal(err.text,
			    "certbot: the CA says rateLimited: too many certificates (5) for "
			    "\"app.demo.test\" in the last week, retry after 2026-11-22 13:00:00 "
			    "UTC");
	assert_int_equal(err.retry_after, 3600);
}

static void problems_are_found_however_they_are_written(void **state)
{
	static const char *const logs[] = {
	    /* on one line, the members in another order, an object before the type */
	    "HTTP 403\n\n{\"detail\":\"no\",\"identifier\":{\"type\":\"dns\"},"
	    "\"type\":\"urn:ietf:params:acme:error:caa\"}\n",
	    /* inside of a challenge */
	    "HTTP 200\n\n{\n \"status\": \"invalid\",\n \"challenges\": [\n  {\n   \"type\": "
	    "\"dns-01\",\n   \"error\": {\n    \"type\": "
	    "\"urn:ietf:params:acme:error:caa\",\n    \"detail\": \"no\"\n   }\n  }\n ]\n}\n",
	    "HTTP 403\n\n{\"type\": \"urn:ietf:params:acme:error:caa\", \"detail\" : \"no\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
		struct error err = explain(stumbled, logs[i]);
		assert_string_equal(err.text, "certbot: the CA says caa: no");
	}
}

static void retry_after_may_be_a_date(void **state)
{
	static const char *const dates[] = {
	    "Sun, 22 Nov 2026 12:30:00 GMT", /* RFC 9110 section 5.6.7 has all three */
	    "Sunday, 22-Nov-26 12:30:00 GMT",
	    "Sun Nov 22 12:30:00 2026",
	};
	char log[256];

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
		snprintf(log, sizeof(log), "HTTP 503\nServer: x\nRetry-After: %s\n\n{}\n",
			 dates[i]);
		struct error err = explain(stumbled, log);
		assert_int_equal(err.retry_after, 1800);
		assert_int_equal(err.code, EXIT_TRY_LATER);
	}
	assert_int_equal(
	    explain(stumbled, "HTTP 503\nRetry-After: Sun, 22 Nov 2020 12:30:00 GMT\n\n{}\n")
		.retry_after,
	    0);
	assert_int_equal(
	    explain(stumbled, "HTTP 503\nRetry-After: Sun, 22 Nov 2099 12:30:00 GMT\n\n{}\n")
		.retry_after,
	    7 * 86400);
	assert_int_equal(explain(stumbled, "HTTP 503\nRetry-After: soon\n\n{}\n").retry_after, 0);
}

static void words_that_are_always_there_tell_nothing(void **state)
{
	struct error err = explain(
	    "Saving debug log to x\nEncountered exception during recovery: KeyError: x\n", "");

	(void)state;
	assert_string_equal(err.text, "certbot: it exited with status 1");
}

static void the_log_tells_of_an_order_and_of_the_cas_clock(void **state)
{
	static const char log[] = "DEBUG:acme.client:JWS payload:\n"
				  "b'{\\n  \"identifiers\": [\\n    {\\n'\n"
				  "HTTP 201\nDate: Sun, 22 Nov 2026 11:00:00 GMT\n\n{}\n";

	(void)state;
	assert_true(certbot_log_has_order(log));
	assert_int_equal(certbot_log_ca_time(log), NOW - 3600);
	assert_false(certbot_log_has_order("HTTP 200\nDate: x\n\n{}\n"));
	assert_int_equal(certbot_log_ca_time("HTTP 200\nDate: x\n\n{}\n"), 0);
	assert_int_equal(certbot_log_ca_time(""), 0);
}

static bool is_unknown(const char *type, const char *detail)
{
	char log[512];

	snprintf(
	    log, sizeof(log),
	    "HTTP 400\n\n{\n\"type\": \"urn:ietf:params:acme:error:%s\",\n\"detail\": \"%s\"\n}\n",
	    type, detail);
	return certbot_log_account_is_unknown(log);
}

static void an_account_that_the_ca_does_not_know_is_seen(void **state)
{
	(void)state;
	assert_true(is_unknown("accountDoesNotExist", "Account does not exist"));
	assert_true(is_unknown("unauthorized", "The account has been deactivated"));
	assert_true(is_unknown("unauthorized", "Account is not valid, has status \\\"revoked\\\""));
	assert_true(is_unknown("unauthorized", "account is not active"));
	assert_true(is_unknown("malformed", "KeyID header contained an invalid account URL: "
					    "\\\"https://other.test/acct/1\\\""));
	assert_true(is_unknown("malformed", "Malformed account ID in KeyID header URL: x"));
	assert_true(
	    is_unknown("malformed", "Key ID (kid) in JWS header missing expected URL prefix"));
	assert_true(is_unknown("malformed", "kid does not have required prefix; expected x"));
	assert_false(is_unknown("malformed", "Error parsing certificate request"));
	assert_false(is_unknown("unauthorized", "Incorrect TXT record found for the account"));
	assert_false(is_unknown("unauthorized", "No TXT record; the name was revoked"));
	assert_false(is_unknown("rateLimited", "account deactivated"));
	assert_false(certbot_log_account_is_unknown(""));
}

static void an_answer_without_a_reason_is_told_by_its_status(void **state)
{
	static const char tail[] = "Saving debug log to /x\nAn unexpected error occurred:\n"
				   "acme.errors.ClientError: <Response [502]>\n"
				   "Ask for help or search for solutions\n";

	(void)state;
	struct error err = explain(tail, "HTTP 502\n\n<html>\n");
	assert_string_equal(err.text,
			    "certbot: the CA answers with HTTP status 502 and gives no reason");
}

static void the_detail_of_a_failed_validation_is_told(void **state)
{
	struct error err = explain(failed_validation, "");

	(void)state;
	assert_string_equal(
	    err.text,
	    "certbot: Incorrect TXT record \"x\" found at _acme-challenge.app.example.com");
	assert_int_equal(err.code, EXIT_FAILED);
	assert_int_equal(err.retry_after, 0);
}

static void the_cas_own_words_stand_in_the_log(void **state)
{
	struct error err = explain(
	    stumbled, ANSWER("403", "", "rejectedIdentifier", "app.example.com is forbidden"));

	(void)state;
	assert_string_equal(err.text, "certbot: the CA says rejectedIdentifier: app.example.com is "
				      "forbidden");
	assert_int_equal(err.code, EXIT_FAILED);
}

static void retry_after_is_taken_from_the_header_of_a_refusal(void **state)
{
	struct error err = explain(
	    stumbled, ANSWER("429", "Retry-After: 1800\n", "rateLimited", "too many orders"));

	(void)state;
	assert_int_equal(err.retry_after, 1800);
	assert_int_equal(err.code, EXIT_TRY_LATER);
}

static void retry_after_beside_a_good_answer_means_nothing(void **state)
{
	struct error err = explain(failed_validation, "HTTP 200\nRetry-After: 3\n\n{}\n");

	(void)state;
	assert_int_equal(err.retry_after, 0);
}

static void a_refusal_that_was_got_over_means_nothing(void **state)
{
	struct error err =
	    explain(failed_validation, "HTTP 503\nRetry-After: 900\n\n{}\nHTTP 201\n\n{}\n");

	(void)state;
	assert_int_equal(err.retry_after, 0);
}

static void the_header_of_another_answer_is_not_taken(void **state)
{
	struct error err =
	    explain(stumbled, "HTTP 429\nServer: x\n\n{}\nDEBUG: body\nRetry-After: 77\n");

	(void)state;
	assert_int_equal(err.retry_after, 0);
}

static void a_date_in_the_cas_words_is_waited_for(void **state)
{
	struct error err = explain(
	    stumbled, ANSWER("429", "", "rateLimited",
			     "too many certificates, retry after 2026-11-22 13:00:00 UTC: see x"));

	(void)state;
	assert_int_equal(err.retry_after, 3600);
	assert_int_equal(err.code, EXIT_TRY_LATER);
}

static void no_wait_is_longer_than_a_week(void **state)
{
	struct error err =
	    explain(stumbled, ANSWER("429", "Retry-After: 99999999999\n", "rateLimited", "x"));

	(void)state;
	assert_int_equal(err.retry_after, 7 * 86400);
}

static void a_ca_that_cannot_be_reached_is_tried_later(void **state)
{
	struct error err =
	    explain("An unexpected error occurred:\n"
		    "requests.exceptions.ConnectionError: Max retries exceeded with url: /dir\n",
		    "");

	(void)state;
	assert_int_equal(err.code, EXIT_TRY_LATER);
	assert_contains(err.text, "Max retries exceeded");
}

static void a_limit_that_ended_it_is_said(void **state)
{
	struct error err =
	    explain("An unexpected error occurred:\nMemoryError\nAsk for help\n", "");

	(void)state;
	assert_string_equal(err.text,
			    "certbot was ended: it needed more than 512 MiB of memory for "
			    "what the CA answered");
	err = explain("An unexpected error occurred:\nOSError: [Errno 27] File too large\n", "");
	assert_string_equal(err.text,
			    "certbot was ended: it had to write a file of more than 4 MiB "
			    "for what the CA answered");
}

static void a_log_that_is_full_does_not_hide_the_cas_words(void **state)
{
	struct error err =
	    explain("OSError: [Errno 27] File too large\n", ANSWER("400", "", "badNonce", "again"));

	(void)state;
	assert_string_equal(err.text, "certbot: the CA says badNonce: again");
}

static void silence_leaves_what_was_known(void **state)
{
	struct error err = explain("", "");

	(void)state;
	assert_string_equal(err.text, "certbot: it exited with status 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_account_that_the_ca_does_not_know_is_seen),
	    cmocka_unit_test(an_answer_without_a_reason_is_told_by_its_status),
	    cmocka_unit_test(the_detail_of_a_failed_validation_is_told),
	    cmocka_unit_test(the_cas_own_words_stand_in_the_log),
	    cmocka_unit_test(retry_after_is_taken_from_the_header_of_a_refusal),
	    cmocka_unit_test(retry_after_beside_a_good_answer_means_nothing),
	    cmocka_unit_test(a_refusal_that_was_got_over_means_nothing),
	    cmocka_unit_test(the_header_of_another_answer_is_not_taken),
	    cmocka_unit_test(a_date_in_the_cas_words_is_waited_for),
	    cmocka_unit_test(no_wait_is_longer_than_a_week),
	    cmocka_unit_test(a_ca_that_cannot_be_reached_is_tried_later),
	    cmocka_unit_test(a_limit_that_ended_it_is_said),
	    cmocka_unit_test(a_log_that_is_full_does_not_hide_the_cas_words),
	    cmocka_unit_test(silence_leaves_what_was_known),
	    cmocka_unit_test(a_success_is_no_reason),
	    cmocka_unit_test(quotes_in_the_cas_words_are_decoded),
	    cmocka_unit_test(problems_are_found_however_they_are_written),
	    cmocka_unit_test(retry_after_may_be_a_date),
	    cmocka_unit_test(words_that_are_always_there_tell_nothing),
	    cmocka_unit_test(the_log_tells_of_an_order_and_of_the_cas_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
