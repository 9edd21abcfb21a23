/* Signatures as AWS published them: the Signature Version 4 test suite (aws-sig-v4-test-suite). */
#include "test/unit/common/unit.h"

#include "dns-hooks/providers/aws_sign.h"

#define SCOPE "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
#define TOKEN                                                                                  \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMic" \
	"RXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKs" \
	"burEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0" \
	"iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const time_t SUITE_TIME = 1440938160; /* 2015-08-30T12:36:00Z */

struct vector {
	const char *name; /* in the suite */
	const char *method, *path, *query, *content_type, *body, *token;
	const char *signed_names, *signature;
};

#define PLAIN_NAMES "host;x-amz-date"

/* The suite's queries are sent as they stand; here in the form that they are signed in. */
static const struct vector vectors[] = {
    {"get-vanilla", "GET", "/", "", NULL, NULL, NULL, PLAIN_NAMES,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-unreserved", "GET", "/" UNRESERVED, "", NULL, NULL, NULL, PLAIN_NAMES,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8", "GET", "/%E1%88%B4", "", NULL, NULL, NULL, PLAIN_NAMES,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-empty-query-key", "GET", "/", "Param1=value1", NULL, NULL, NULL, PLAIN_NAMES,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key-case", "GET", "/", "Param1=value1&Param2=value2", NULL, NULL,
     NULL, PLAIN_NAMES, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-unreserved", "GET", "/", UNRESERVED "=" UNRESERVED, NULL, NULL, NULL,
     PLAIN_NAMES, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", NULL, NULL, NULL, PLAIN_NAMES,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"post-vanilla", "POST", "/", "", NULL, NULL, NULL, PLAIN_NAMES,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query", "POST", "/", "Param1=value1", NULL, NULL, NULL, PLAIN_NAMES,
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded", "POST", "/", "", "application/x-www-form-urlencoded",
     "Param1=value1", NULL, "content-type;" PLAIN_NAMES,
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters", "POST", "/", "",
     "application/x-www-form-urlencoded; charset=utf8", "Param1=value1", NULL,
     "content-type;" PLAIN_NAMES,
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
    {"post-sts-header-before", "POST", "/", "", NULL, NULL, TOKEN,
     PLAIN_NAMES ";x-amz-security-token",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-sts-header-after, but for the header", "POST", "/", "", NULL, NULL, "", PLAIN_NAMES,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
};

static void sign(const struct vector *vector, struct aws_headers *headers)
{
	const struct aws_message message = {.region = "us-east-1",
					    .service = "service",
					    .method = vector->method,
					    .host = "example.amazonaws.com",
					    .path = vector->path,
					    .query = vector->query,
					    .content_type = vector->content_type,
					    .body = vector->body};
	const struct aws_keys keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
				      vector->token};
	struct error err = ERROR_INIT;

	assert_int_equal(aws_sign(&message, &keys, SUITE_TIME, headers, &err), 0);
}

static void the_published_signatures_are_made(void **state)
{
	char wanted[512];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct aws_headers headers;
		sign(&vectors[i], &headers);
		snprintf(wanted, sizeof(wanted),
			 "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE
			 ", SignedHeaders=%s, Signature=%s",
			 vectors[i].signed_names, vectors[i].signature);
		if (strcmp(headers.lines[0], wanted) != 0)
			fail_msg("%s: %s", vectors[i].name, headers.lines[0]);
		aws_headers_free(&headers);
	}
}

static void what_is_signed_is_among_the_headers(void **state)
{
	const struct vector vector = {.method = "POST",
				      .path = "/",
				      .query = "",
				      .content_type = "application/xml",
				      .body = "<a/>",
				      .token = "token"};
	static const char *const wanted[] = {
	    "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
	    "Content-Type: application/xml", "X-Amz-Security-Token: token"};
	struct aws_headers headers;

	(void)state;
	sign(&vector, &headers);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(headers.lines[i + 1], wanted[i]);
	assert_null(headers.lines[AWS_HEADERS_MAX]);
	aws_headers_free(&headers);
	assert_null(headers.lines[0]);
}

static void without_a_token_there_is_no_header_for_it(void **state)
{
	struct aws_headers headers;

	(void)state;
	sign(&vectors[0], &headers);
	assert_non_null(headers.lines[2]);
	assert_null(headers.lines[3]);
	aws_headers_free(&headers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_signatures_are_made),
	    cmocka_unit_test(what_is_signed_is_among_the_headers),
	    cmocka_unit_test(without_a_token_there_is_no_header_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
