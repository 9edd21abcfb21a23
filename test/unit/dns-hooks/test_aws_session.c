/* Credentials that are lent: the three forms of them, and what is none. */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/aws_session.h"

#define SECRET "wJalrXUtnFEMI"
#define REST "\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"t/+=\""
#define TIME ",\"Expiration\":\"2026-11-22T10:00:00Z\""

static int from_json(const char *text, struct aws_session *session, struct error *err)
{
	return aws_session_from_json(text, strlen(text), session, err);
}

static void assert_session(struct aws_session *session)
{
	const struct aws_keys keys = aws_session_keys(session);

	assert_string_equal(keys.id, "ASIAEXAMPLE");
	assert_string_equal(keys.secret, SECRET);
	assert_string_equal(keys.token, "t/+=");
	assert_int_equal(session->expires, 1795341600);
	aws_session_free(session);
	assert_null(session->secret);
}

static void json_of_containers_and_instances(void **state)
{
	static const char *const texts[] = {
	    "{\"RoleArn\":\"x\",\"AccessKeyId\":\"ASIAEXAMPLE\"," REST TIME "}",
	    "{\"Code\":\"Success\",\"LastUpdated\":\"x\",\"Type\":\"AWS-HMAC\","
	    "\"AccessKeyId\":\"ASIAEXAMPLE\"," REST TIME "}"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct aws_session session;
		struct error err = ERROR_INIT;
		assert_int_equal(from_json(texts[i], &session, &err), 0);
		assert_session(&session);
	}
}

static void json_that_is_none_is_not_quoted(void **state)
{
	static const struct {
		const char *text;
		enum exit_code code;
		const char *words;
	} cases[] = {
	    {"", EXIT_UNREACHABLE, "not JSON"},
	    {"{\"AccessKeyId\":\"ASIA\"," REST, EXIT_UNREACHABLE, "not JSON"},
	    {"[\"" SECRET "\"]", EXIT_UNREACHABLE, "lacks AccessKeyId"},
	    {"{" REST TIME "}", EXIT_UNREACHABLE, "lacks AccessKeyId"},
	    {"{\"AccessKeyId\":\"A\"," REST "}", EXIT_UNREACHABLE, "lacks Expiration"},
	    {"{\"AccessKeyId\":\"A\"," REST ",\"Expiration\":\"soon\"}", EXIT_UNREACHABLE,
	     "unusable Expiration"},
	    {"{\"AccessKeyId\":\"A\\nX: y\"," REST TIME "}", EXIT_UNREACHABLE,
	     "unusable AccessKeyId"},
	    {"{\"AccessKeyId\":\"\"," REST TIME "}", EXIT_UNREACHABLE, "unusable AccessKeyId"},
	    {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume it\"}",
	     EXIT_BAD_CONFIG, "AssumeRoleUnauthorizedAccess: EC2 cannot assume it"},
	    {"{\"code\":\"NotFoundException\",\"message\":\"none\"}", EXIT_BAD_CONFIG,
	     "NotFoundException: none"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_session session;
		struct error err = ERROR_INIT;
		assert_int_equal(from_json(cases[i].text, &session, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_contains(err.text, cases[i].words);
		assert_lacks(err.text, SECRET);
		assert_null(session.secret);
	}
}

#define STS_HEAD                                                                   \
	"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">" \
	"<AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>"
#define STS_TAIL "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

static int from_sts(const char *text, struct aws_session *session, struct error *err)
{
	AUTO_XML struct xml *xml = xml_parse(text, strlen(text), "test", err);

	assert_non_null(xml);
	return aws_session_from_sts(xml, session, err);
}

static void xml_of_sts(void **state)
{
	struct aws_session session;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(from_sts(STS_HEAD "<SecretAccessKey>" SECRET "</SecretAccessKey>"
					   "<SessionToken>t/+=</SessionToken><Expiration>"
					   "2026-11-22T10:00:00.359Z</Expiration>" STS_TAIL,
				  &session, &err),
			 0);
	assert_session(&session);
	assert_int_equal(from_sts(STS_HEAD STS_TAIL, &session, &err), -1);
	assert_contains(err.text, "lacks SecretAccessKey");
	assert_int_equal(from_sts("<a/>", &session, &err), -1);
	assert_contains(err.text, "lacks AccessKeyId");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_of_containers_and_instances),
	    cmocka_unit_test(json_that_is_none_is_not_quoted),
	    cmocka_unit_test(xml_of_sts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
