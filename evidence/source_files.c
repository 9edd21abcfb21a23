#include "evidence/source_files.h"

#include "common/certificate.h"
#include "common/file.h"
#include "common/json.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

static const char key_marker[] = "PRIVATE KEY";

/* ---- ACME account */

static bool is_private_name(const char *name)
{
	static const char *const private_names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

	for (size_t i = 0; i < sizeof(private_names) / sizeof(private_names[0]); i++)
		if (strcmp(name, private_names[i]) == 0)
			return true;
	return false;
}

/* The recursion is as deep as json_parse() allows. */
static int refuse_keys(const cJSON *value, struct error *err)
{
	if (value->string != NULL && is_private_name(value->string))
		return error_set(err, EXIT_FAILED,
				 "it has the member \"%s\", part of a private key in JSON; give "
				 "the account's regr.json, not its private_key.json",
				 value->string);
	if (cJSON_IsString(value) && strstr(value->valuestring, key_marker) != NULL)
		return error_set(err, EXIT_FAILED, "it holds a private key in PEM");
	for (const cJSON *child = value->child; child != NULL; child = child->next)
		if (refuse_keys(child, err) != 0)
			return -1;
	return 0;
}

/* The error does not say what is wrong with the text: it would have to quote it, and the text
 * may be a key. */
static cJSON *parse_account(const struct buffer *text, struct error *err)
{
	struct error detail = ERROR_INIT;
	cJSON *account = NULL;

	if (memmem(buffer_text(text), text->length, key_marker, strlen(key_marker)) != NULL) {
		error_set(err, EXIT_FAILED, "it holds a private key in PEM");
		return NULL;
	}
	account = json_parse(buffer_text(text), text->length, "account", &detail);
	if (account == NULL || !cJSON_IsObject(account)) {
		error_set(err, EXIT_FAILED, "it is not a JSON object, or not a sound one");
		json_free(&account);
	}
	return account;
}

int source_read_account(const char *path, struct buffer *text, struct error *err)
{
	if (file_read(path, text, err) != 0)
		return -1;
	if (text->length > ACCOUNT_MAX)
		return error_set(err, EXIT_FAILED,
				 "%s will not be published: it is larger than %d bytes", path,
				 ACCOUNT_MAX);
	AUTO_JSON cJSON *account = parse_account(text, err);
	if (account == NULL || refuse_keys(account, err) != 0)
		return error_wrap(err, "%s will not be published", path);
	return 0;
}

/* ---- certificate chain */

/* Writes the certificates that can be read from `pem` into `out`, in OpenSSL's own form.
 * Returns their number, -1 when memory ran out. */
static int rewrite_certificates(const struct buffer *pem, BIO *out)
{
	BIO *in = BIO_new_mem_buf(buffer_text(pem), (int)pem->length);
	X509 *certificate;
	int count = 0;

	if (in == NULL)
		return -1;
	while (count >= 0 && (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		count = PEM_write_bio_X509(out, certificate) == 1 ? count + 1 : -1;
		X509_free(certificate);
	}
	ERR_clear_error(); /* the end of the text counts as an error there */
	BIO_free(in);
	return count;
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	return at;
}

static bool equal_but_for_space(const char *left, size_t left_length, const char *right,
				size_t right_length)
{
	const char *left_end = left + left_length;
	const char *right_end = right + right_length;

	for (;;) {
		left = skip_space(left, left_end);
		right = skip_space(right, right_end);
		if (left == left_end || right == right_end)
			return left == left_end && right == right_end;
		if (*left++ != *right++)
			return false;
	}
}

/*
 * Reads the certificates and writes them out again: whatever else there is, a comment, a
 * header, another kind of block, bytes behind a certificate within its block, makes the two
 * texts differ.
 */
static int check_only_certificates(const struct buffer *text, BIO *rewritten, struct error *err)
{
	char *again = NULL;
	int count = rewrite_certificates(text, rewritten);
	long length = BIO_get_mem_data(rewritten, &again);

	if (count < 0 || length < 0)
		return error_no_memory(err);
	if (count == 0)
		return error_set(err, EXIT_FAILED, "there is no certificate in it");
	if (!equal_but_for_space(buffer_text(text), text->length, again, (size_t)length))
		return error_set(err, EXIT_FAILED,
				 "there is more in it than the %d certificate%s that can be read",
				 count, count == 1 ? "" : "s");
	return 0;
}

static int check_chain(const struct buffer *text, struct error *err)
{
	if (text->length > CERTIFICATE_PEM_MAX)
		return error_set(err, EXIT_FAILED, "it is larger than %d bytes",
				 CERTIFICATE_PEM_MAX);
	if (strstr(buffer_text(text), key_marker) != NULL)
		return error_set(err, EXIT_FAILED,
				 "it holds a private key; give the certificate chain alone "
				 "(certbot's fullchain.pem)");
	BIO *rewritten = BIO_new(BIO_s_mem());
	if (rewritten == NULL)
		return error_no_memory(err);
	int result = check_only_certificates(text, rewritten, err);
	BIO_free(rewritten);
	return result;
}

int source_read_chain(const char *path, struct buffer *text, struct error *err)
{
	if (file_read(path, text, err) != 0)
		return -1;
	if (check_chain(text, err) != 0)
		return error_wrap(err, "%s will not be published", path);
	return 0;
}
