#include "evidence/key_record.h"

#include "common/hex.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "dstack-ingress key-origin 1\n"
#define MAC_PREFIX "mac "

enum { MAC_SIZE = 32, MAC_LINE_SIZE = sizeof(MAC_PREFIX) - 1 + 2 * MAC_SIZE + 1 };

void key_record_free(struct key_record *record)
{
	free(record->entries);
	*record = (struct key_record){NULL, 0};
}

/* ---- MAC */

static int compute_mac(const unsigned char *mac_key, const char *text, size_t length,
		       char hex[2 * MAC_SIZE + 1], struct error *err)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	if (HMAC(EVP_sha256(), mac_key, KEY_RECORD_MAC_KEY_SIZE, (const unsigned char *)text,
		 length, mac, &size) == NULL ||
	    size != MAC_SIZE)
		return error_set(err, EXIT_FAILED, "OpenSSL cannot compute an HMAC");
	hex_encode(mac, MAC_SIZE, hex);
	return 0;
}

/* Returns the length of what the MAC is over, or 0 with err. */
static size_t check_mac(const char *text, size_t length, const unsigned char *mac_key,
			struct error *err)
{
	char wanted[2 * MAC_SIZE + 1];

	if (length > KEY_RECORD_MAX || length < sizeof(HEADER) - 1 + MAC_LINE_SIZE ||
	    memcmp(text, HEADER, sizeof(HEADER) - 1) != 0) {
		error_set(err, EXIT_FAILED, "it is no record of this version");
		return 0;
	}
	size_t covered = length - MAC_LINE_SIZE;
	const char *last = text + covered;
	if (compute_mac(mac_key, text, covered, wanted, err) != 0)
		return 0;
	if (text[covered - 1] != '\n' || text[length - 1] != '\n' ||
	    memcmp(last, MAC_PREFIX, sizeof(MAC_PREFIX) - 1) != 0 ||
	    CRYPTO_memcmp(last + sizeof(MAC_PREFIX) - 1, wanted, sizeof(wanted) - 1) != 0) {
		error_set(err, EXIT_FAILED,
			  "it was not made by this app, or was changed since then");
		return 0;
	}
	return covered;
}

/* ---- entries */

static bool is_hex(const char *text, size_t least, size_t most)
{
	size_t length = strlen(text);

	return length >= least && length <= most &&
	       strspn(text, "0123456789abcdefABCDEF") == length;
}

bool key_entry_is_valid(const struct key_entry *entry)
{
	domain_name name;

	return is_hex(entry->spki, CERTIFICATE_SPKI_SIZE - 1, CERTIFICATE_SPKI_SIZE - 1) &&
	       is_hex(entry->serial, 1, CERTIFICATE_SERIAL_MAX - 1) && entry->made_at >= 0 &&
	       domain_parse(entry->name, strlen(entry->name), name) == DOMAIN_VALID;
}

static int read_word(char **rest, char *out, size_t size)
{
	const char *word = strsep(rest, " ");

	if (word == NULL || strlen(word) >= size)
		return -1;
	memcpy(out, word, strlen(word) + 1);
	return 0;
}

static int read_entry(char *line, struct key_entry *entry)
{
	char time_text[24];
	char *end;

	if (read_word(&line, entry->spki, sizeof(entry->spki)) != 0 ||
	    read_word(&line, entry->serial, sizeof(entry->serial)) != 0 ||
	    read_word(&line, time_text, sizeof(time_text)) != 0 || line == NULL ||
	    strlen(line) >= sizeof(entry->name))
		return -1;
	memcpy(entry->name, line, strlen(line) + 1);
	errno = 0;
	entry->made_at = strtoll(time_text, &end, 10);
	return errno == 0 && *end == '\0' && key_entry_is_valid(entry) ? 0 : -1;
}

/* `lines` is cut up. */
static int read_entries(char *lines, struct key_record *record, struct error *err)
{
	char *line;

	record->entries = calloc(KEY_RECORD_ENTRIES_MAX, sizeof(*record->entries));
	if (record->entries == NULL)
		return error_no_memory(err);
	while ((line = strsep(&lines, "\n")) != NULL && lines != NULL) {
		if (record->count == KEY_RECORD_ENTRIES_MAX ||
		    read_entry(line, &record->entries[record->count]) != 0)
			return error_set(err, EXIT_FAILED, "line %zu of it makes no sense",
					 record->count + 2);
		record->count++;
	}
	return 0;
}

int key_record_read(const char *text, size_t length,
		    const unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct key_record *record,
		    struct error *err)
{
	size_t covered = check_mac(text, length, mac_key, err);

	*record = (struct key_record){NULL, 0};
	if (covered == 0)
		return -1;
	char *lines = strndup(text + sizeof(HEADER) - 1, covered - (sizeof(HEADER) - 1));
	if (lines == NULL)
		return error_no_memory(err);
	int result = read_entries(lines, record, err);
	free(lines);
	if (result != 0)
		key_record_free(record);
	return result;
}

static void forget(struct key_record *record, size_t position)
{
	record->count--;
	memmove(&record->entries[position], &record->entries[position + 1],
		(record->count - position) * sizeof(*record->entries));
}

/* Makes room for one more of that name. */
static void forget_oldest(struct key_record *record, const char *name)
{
	size_t of_name = 0;
	size_t oldest = 0;

	for (size_t i = record->count; i-- > 0;)
		if (strcmp(record->entries[i].name, name) == 0) {
			of_name++;
			oldest = i;
		}
	if (of_name >= KEY_RECORD_PER_NAME)
		forget(record, oldest);
	else if (record->count == KEY_RECORD_ENTRIES_MAX)
		forget(record, 0);
}

int key_record_add(struct key_record *record, const struct key_entry *entry, struct error *err)
{
	for (size_t i = 0; i < record->count; i++)
		if (strcmp(record->entries[i].spki, entry->spki) == 0)
			return 0;
	if (record->entries == NULL)
		record->entries = calloc(KEY_RECORD_ENTRIES_MAX, sizeof(*record->entries));
	if (record->entries == NULL)
		return error_no_memory(err);
	forget_oldest(record, entry->name);
	record->entries[record->count++] = *entry;
	return 0;
}

int key_record_write(const struct key_record *record,
		     const unsigned char mac_key[KEY_RECORD_MAC_KEY_SIZE], struct buffer *text,
		     struct error *err)
{
	char mac[2 * MAC_SIZE + 1];

	buffer_puts(text, HEADER);
	for (size_t i = 0; i < record->count; i++)
		buffer_printf(text, "%s %s %lld %s\n", record->entries[i].spki,
			      record->entries[i].serial, record->entries[i].made_at,
			      record->entries[i].name);
	if (buffer_check(text, "the record of keys", err) != 0 ||
	    compute_mac(mac_key, buffer_text(text), text->length, mac, err) != 0)
		return -1;
	buffer_printf(text, MAC_PREFIX "%s\n", mac);
	return buffer_check(text, "the record of keys", err);
}
