#include "supervisor/verify/pcs_answer.h"

#include "common/file.h"
#include "common/hex.h"
#include "common/http.h"
#include "common/json.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- signed texts */

/* What the parser that has read the text before takes for white space. */
static bool is_space(char c)
{
	return c != '\0' && (unsigned char)c <= ' ';
}

static const char *skip_space(const char *at)
{
	while (is_space(*at))
		at++;
	return at;
}

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

/* Behind the value that begins at `at`, an object or array whole. */
static const char *skip_value(const char *at)
{
	size_t depth = 0;

	while (*at != '\0') {
		if (depth == 0 && strchr(",}]", *at) != NULL)
			break;
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		depth += *at == '{' || *at == '[';
		depth -= *at == '}' || *at == ']';
		at++;
	}
	return at;
}

/* Where the value of a member stands in the text of an object, which is known to be JSON. */
static bool find_value(const char *text, const char *member, const char **start, size_t *length)
{
	size_t name_length = strlen(member);

	for (const char *at = strchr(text, '{'); at != NULL && *at != '\0' && *at != '}';) {
		at = skip_space(at + 1);
		if (*at != '"')
			return false;
		const char *name = at + 1;
		at = skip_string(at);
		bool found = (size_t)(at - 1 - name) == name_length &&
			     memcmp(name, member, name_length) == 0;
		at = skip_space(at);
		at = skip_space(*at == ':' ? at + 1 : at);
		const char *end = skip_value(at);
		if (found) {
			*start = at;
			*length = (size_t)(end - at);
			while (*length > 0 && is_space(at[*length - 1]))
				--*length;
			return true;
		}
		at = end;
	}
	return false;
}

static int add_text(cJSON *collateral, const char *name, const char *suffix, const char *text,
		    struct error *err)
{
	char member[64];

	snprintf(member, sizeof(member), "%s%s", name, suffix);
	return cJSON_AddStringToObject(collateral, member, text) == NULL ? error_no_memory(err) : 0;
}

int pcs_add_signed(cJSON *collateral, const char *name, const char *member,
		   const struct buffer *body, const char *chain, struct error *err)
{
	AUTO_JSON cJSON *answer = json_parse(buffer_text(body), body->length, "the answer", err);
	AUTO_FREE char *pem = chain == NULL ? NULL : http_unescape(chain);
	const char *signature = json_string(answer, "signature"), *start = NULL;
	size_t length = 0;

	if (answer == NULL)
		return -1;
	if (json_object(answer, member) == NULL || signature == NULL ||
	    !find_value(buffer_text(body), member, &start, &length))
		return error_set(err, EXIT_FAILED, "the answer lacks \"%s\" or its \"signature\"",
				 member);
	if (pem == NULL)
		return error_set(err, EXIT_FAILED,
				 "the answer has no header with the chain of its signer");
	AUTO_FREE char *text = strndup(start, length);
	if (text == NULL)
		return error_no_memory(err);
	if (add_text(collateral, name, "", text, err) != 0 ||
	    add_text(collateral, name, "_signature", signature, err) != 0)
		return -1;
	return add_text(collateral, name, "_issuer_chain", pem, err);
}

/* ---- revocation lists */

int pcs_add_crl(cJSON *collateral, const char *name, const struct buffer *body, struct error *err)
{
	const char *text = buffer_text(body);
	size_t digits = strspn(text, "0123456789abcdefABCDEF");

	if (body->length == 0)
		return error_set(err, EXIT_FAILED, "the answer is empty");
	AUTO_FREE char *hex = malloc(2 * body->length + 1);
	if (hex == NULL)
		return error_no_memory(err);
	if (digits > 0 && digits + strspn(text + digits, "\r\n") == body->length)
		snprintf(hex, digits + 1, "%s", text);
	else
		hex_encode((const unsigned char *)text, body->length, hex);
	return add_text(collateral, name, "", hex, err);
}

static char *url_of(const STACK_OF(DIST_POINT) * points)
{
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		if (point->distpoint == NULL || point->distpoint->type != 0)
			continue;
		const GENERAL_NAMES *names = point->distpoint->name.fullname;
		for (int n = 0; n < sk_GENERAL_NAME_num(names); n++) {
			const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, n);
			if (name->type != GEN_URI)
				continue;
			const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
			return strndup((const char *)ASN1_STRING_get0_data(uri),
				       (size_t)ASN1_STRING_length(uri));
		}
	}
	return NULL;
}

char *pcs_root_crl_url(const char *chain, struct error *err)
{
	BIO *text = BIO_new_mem_buf(chain, -1);
	X509 *signer = text == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);
	X509 *root = signer == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);
	STACK_OF(DIST_POINT) *points =
	    root == NULL ? NULL : X509_get_ext_d2i(root, NID_crl_distribution_points, NULL, NULL);
	char *url = points == NULL ? NULL : url_of(points);

	if (url == NULL)
		error_set(err, EXIT_FAILED, "the root certificate does not say where its list is");
	CRL_DIST_POINTS_free(points);
	X509_free(root);
	X509_free(signer);
	BIO_free(text);
	ERR_clear_error();
	return url;
}
