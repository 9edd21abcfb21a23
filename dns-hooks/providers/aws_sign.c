#include "dns-hooks/providers/aws_sign.h"

#include "common/buffer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HASH_SIZE = 32, /* SHA-256 */
	HEX_SIZE = HASH_SIZE * 2 + 1,
	TIME_SIZE = 20, /* 20150830T123600Z */
	SCOPE_SIZE = 128,
	SIGNED_MAX = 64, /* names of headers */
	CANONICAL_MAX = 64 * 1024,
};

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

/* What all steps need. */
struct signing {
	const struct aws_message *message;
	const struct aws_keys *keys;
	char time[TIME_SIZE];
	char scope[SCOPE_SIZE]; /* 20150830/us-east-1/route53/aws4_request */
	char signed_names[SIGNED_MAX];
};

static bool has_token(const struct aws_keys *keys)
{
	return keys->token != NULL && *keys->token != '\0';
}

static void to_hex(const unsigned char hash[HASH_SIZE], char hex[HEX_SIZE])
{
	for (size_t i = 0; i < HASH_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

/* False when memory ran out, which is all that can go wrong. */
static bool hash_text(const char *text, char hex[HEX_SIZE])
{
	unsigned char hash[HASH_SIZE];

	if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	to_hex(hash, hex);
	return true;
}

static bool mac(const void *key, size_t key_length, const char *text, unsigned char out[HASH_SIZE])
{
	return HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text),
		    out, NULL) != NULL;
}

/* Step 1: the request in one form only, hashed. */
static bool hash_request(struct signing *signing, char hex[HEX_SIZE])
{
	const struct aws_message *message = signing->message;
	bool is_token = has_token(signing->keys);
	struct buffer text;
	char body_hash[HEX_SIZE];

	buffer_init(&text, CANONICAL_MAX);
	/* The headers are in alphabetical order already. */
	snprintf(signing->signed_names, sizeof(signing->signed_names), "%shost;x-amz-date%s",
		 message->content_type == NULL ? "" : "content-type;",
		 is_token ? ";x-amz-security-token" : "");
	buffer_printf(&text, "%s\n%s\n%s\n", message->method, message->path, message->query);
	if (message->content_type != NULL)
		buffer_printf(&text, "content-type:%s\n", message->content_type);
	buffer_printf(&text, "host:%s\nx-amz-date:%s\n", message->host, signing->time);
	if (is_token)
		buffer_printf(&text, "x-amz-security-token:%s\n", signing->keys->token);
	bool is_done = hash_text(message->body == NULL ? "" : message->body, body_hash);
	buffer_printf(&text, "\n%s\n%s", signing->signed_names, body_hash);
	is_done = is_done && !text.failed && hash_text(buffer_text(&text), hex);
	if (text.data != NULL)
		explicit_bzero(text.data, text.length);
	buffer_free(&text);
	return is_done;
}

/* Step 3: a key that is good for this day, region and service only. */
static bool derive_key(const struct signing *signing, unsigned char key[HASH_SIZE])
{
	const struct aws_message *message = signing->message;
	char *first = NULL, date[9];

	snprintf(date, sizeof(date), "%.8s", signing->time);
	int length = asprintf(&first, "AWS4%s", signing->keys->secret);
	if (length < 0)
		return false;
	bool is_done =
	    mac(first, (size_t)length, date, key) && mac(key, HASH_SIZE, message->region, key) &&
	    mac(key, HASH_SIZE, message->service, key) && mac(key, HASH_SIZE, "aws4_request", key);
	explicit_bzero(first, (size_t)length);
	free(first);
	return is_done;
}

static bool make_signature(struct signing *signing, char hex[HEX_SIZE])
{
	char text[sizeof(ALGORITHM) + TIME_SIZE + SCOPE_SIZE + HEX_SIZE + 3];
	char request_hash[HEX_SIZE];
	unsigned char key[HASH_SIZE], signature[HASH_SIZE];

	if (!hash_request(signing, request_hash))
		return false;
	snprintf(text, sizeof(text), "%s\n%s\n%s\n%s", ALGORITHM, signing->time, signing->scope,
		 request_hash);
	bool is_done = derive_key(signing, key) && mac(key, HASH_SIZE, text, signature);
	explicit_bzero(key, sizeof(key));
	if (is_done)
		to_hex(signature, hex);
	return is_done;
}

static void add_line(struct aws_headers *headers, size_t *count, const char *name,
		     const char *value)
{
	char *line = NULL;

	if (value == NULL || *value == '\0')
		return;
	if (asprintf(&line, "%s: %s", name, value) < 0)
		line = NULL;
	headers->lines[(*count)++] = line;
}

static int make_headers(const struct signing *signing, const char *signature,
			struct aws_headers *headers)
{
	const struct aws_message *message = signing->message;
	char authorization[1024];
	size_t count = 0;
	int length = snprintf(authorization, sizeof(authorization),
			      "%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", ALGORITHM,
			      signing->keys->id, signing->scope, signing->signed_names, signature);

	if (length < 0 || (size_t)length >= sizeof(authorization))
		return -1;
	add_line(headers, &count, "Authorization", authorization);
	add_line(headers, &count, "Host", message->host);
	add_line(headers, &count, "X-Amz-Date", signing->time);
	add_line(headers, &count, "Content-Type", message->content_type);
	add_line(headers, &count, "X-Amz-Security-Token", signing->keys->token);
	for (size_t i = 0; i < count; i++)
		if (headers->lines[i] == NULL)
			return -1;
	return 0;
}

int aws_sign(const struct aws_message *message, const struct aws_keys *keys, time_t now,
	     struct aws_headers *headers, struct error *err)
{
	struct signing signing = {.message = message, .keys = keys};
	char signature[HEX_SIZE];
	struct tm parts;

	*headers = (struct aws_headers){{NULL}};
	if (gmtime_r(&now, &parts) == NULL ||
	    strftime(signing.time, sizeof(signing.time), "%Y%m%dT%H%M%SZ", &parts) == 0)
		return error_set(err, EXIT_FAILED, "the time cannot be told");
	snprintf(signing.scope, sizeof(signing.scope), "%.8s/%s/%s/aws4_request", signing.time,
		 message->region, message->service);
	if (!make_signature(&signing, signature) || make_headers(&signing, signature, headers) != 0)
		return error_no_memory(err);
	return 0;
}

void aws_headers_free(struct aws_headers *headers)
{
	for (size_t i = 0; i < AWS_HEADERS_MAX; i++) {
		if (headers->lines[i] != NULL)
			explicit_bzero(headers->lines[i], strlen(headers->lines[i]));
		free(headers->lines[i]);
		headers->lines[i] = NULL;
	}
}
