/* evidence: the record of keys, with and without the right MAC. */
#include "evidence/key_record.h"

#include "common/hex.h"

#include "test/fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const unsigned char key[KEY_RECORD_MAC_KEY_SIZE] = "fuzz";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_quiet();
	return 0;
}

/* What is read is written as it was, but for the spelling of numbers. */
static void check_record(const struct key_record *record)
{
	struct key_record again = {NULL, 0};
	struct error err = ERROR_INIT;
	struct buffer text;

	for (size_t i = 0; i < record->count; i++)
		CHECK(key_entry_is_valid(&record->entries[i]));
	buffer_init(&text, KEY_RECORD_MAX);
	CHECK(key_record_write(record, key, &text, &err) == 0);
	CHECK(key_record_read(text.data, text.length, key, &again, &err) == 0);
	CHECK(again.count == record->count);
	key_record_free(&again);
	buffer_free(&text);
}

static bool read_one(const char *text, size_t length)
{
	struct key_record record = {NULL, 0};
	struct error err = ERROR_INIT;
	bool read = key_record_read(text, length, key, &record, &err) == 0;

	if (read)
		check_record(&record);
	else
		fuzz_check_error(&err);
	key_record_free(&record);
	return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char header[] = "dstack-ingress key-origin 1\n";
	unsigned char mac[32];
	unsigned int mac_size = 0;
	char hex[65];
	struct buffer text;

	/* A record by somebody who has not got the key is never believed. */
	CHECK(!read_one((const char *)data, size));
	buffer_init(&text, KEY_RECORD_MAX + size + 256);
	buffer_puts(&text, header);
	buffer_append(&text, data, size);
	HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)text.data, text.length, mac,
	     &mac_size);
	hex_encode(mac, mac_size, hex);
	buffer_printf(&text, "mac %s\n", hex);
	read_one(text.data, text.length);
	buffer_free(&text);
	return 0;
}
