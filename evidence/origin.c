#include "evidence/origin.h"

#include "common/confinement.h"
#include "common/file.h"
#include "common/json.h"
#include "evidence/guest_agent.h"
#include "evidence/leave_root.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>
#include <unistd.h>

/* What the guest agent derives our key from, besides the app. */
#define KEY_PATH "ingress/key-origin/v1"
#define KEY_PURPOSE "mac"

static const char salt[] = "dstack-ingress/key-origin/v1";
static const char info[] = "hmac-sha256";

/* ---- the key of the MAC */

/* HKDF-SHA256 (RFC 5869). */
static int derive(const unsigned char secret[GUEST_KEY_SIZE],
		  unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct error *err)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t size = KEY_RECORD_MAC_KEY_SIZE;
	bool done = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
		    EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1 &&
		    EVP_PKEY_CTX_set1_hkdf_salt(context, (const unsigned char *)salt,
						sizeof(salt) - 1) == 1 &&
		    EVP_PKEY_CTX_set1_hkdf_key(context, secret, GUEST_KEY_SIZE) == 1 &&
		    EVP_PKEY_CTX_add1_hkdf_info(context, (const unsigned char *)info,
						sizeof(info) - 1) == 1 &&
		    EVP_PKEY_derive(context, mac_key, &size) == 1;

	EVP_PKEY_CTX_free(context);
	return done ? 0 : error_set(err, EXIT_FAILED, "OpenSSL cannot derive a key");
}

static int fetch_mac_key(const struct origin_request *request,
			 unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct error *err)
{
	unsigned char secret[GUEST_KEY_SIZE];
	struct guest_agent agent;
	int result = -1;

	confinement_hide_memory();
	if (guest_agent_find(request->dstack_socket, request->tappd_socket, &agent, err) != 0)
		return -1;
	agent.connected = leave_root;
	if (guest_agent_key(&agent, KEY_PATH, KEY_PURPOSE, secret, err) == 0)
		result = derive(secret, mac_key, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	return result;
}

/* ---- the record */

/* Reads a little more than a record may have, so that a longer one is refused. */
static int read_old(int fd, struct buffer *text, struct error *err)
{
	char chunk[16 * 1024];

	while (text->length <= KEY_RECORD_MAX) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, EXIT_FAILED, errno, "it cannot be read");
		if (got == 0)
			return 0;
		if (buffer_append(text, chunk, (size_t)got) != 0)
			return error_no_memory(err);
	}
	return 0;
}

/* If the record cannot be believed, leaves an empty one and the reason in `rejected`. */
static void load(int fd, const unsigned char *mac_key, struct key_record *record,
		 struct error *rejected)
{
	struct buffer text;

	if (fd < 0)
		return;
	buffer_init(&text, (size_t)2 * KEY_RECORD_MAX);
	if (read_old(fd, &text, rejected) == 0 &&
	    key_record_read(buffer_text(&text), text.length, mac_key, record, rejected) == 0)
		rejected->text[0] = '\0';
	buffer_free(&text);
}

/* ---- the answer */

static char *describe(const struct key_record *record, const char *text, const char *rejected,
		      struct error *err)
{
	AUTO_JSON cJSON *answer = cJSON_CreateObject();
	cJSON *keys = cJSON_AddArrayToObject(answer, "keys");

	if (cJSON_AddStringToObject(answer, "record", text) == NULL || keys == NULL)
		goto no_memory;
	for (size_t i = 0; i < record->count; i++)
		if (!cJSON_AddItemToArray(keys, cJSON_CreateString(record->entries[i].spki)))
			goto no_memory;
	if ((rejected[0] == '\0' ? cJSON_AddNullToObject(answer, "rejected")
				 : cJSON_AddStringToObject(answer, "rejected", rejected)) == NULL)
		goto no_memory;
	return json_print(answer, false, err);
no_memory:
	error_no_memory(err);
	return NULL;
}

static char *extend(const struct origin_request *request, const unsigned char *mac_key,
		    struct error *err)
{
	AUTO_KEY_RECORD struct key_record record = {NULL, 0};
	struct error rejected = ERROR_INIT;
	struct buffer text;
	char *answer = NULL;

	load(request->record_fd, mac_key, &record, &rejected);
	for (size_t i = 0; i < request->made_count; i++)
		if (key_record_add(&record, &request->made[i], err) != 0)
			return NULL;
	buffer_init(&text, KEY_RECORD_MAX);
	if (key_record_write(&record, mac_key, &text, err) == 0)
		answer = describe(&record, buffer_text(&text), rejected.text, err);
	buffer_free(&text);
	return answer;
}

char *origin_answer(const struct origin_request *request, struct error *err)
{
	unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE];
	char *answer = NULL;

	if (fetch_mac_key(request, mac_key, err) == 0)
		answer = extend(request, mac_key, err);
	OPENSSL_cleanse(mac_key, sizeof(mac_key));
	if (answer == NULL)
		error_wrap(err, "the origin of keys cannot be recorded");
	return answer;
}
