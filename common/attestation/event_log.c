#include "common/attestation/event_log.h"

#include "common/buffer.h"
#include "common/hex.h"
#include "common/json.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUNTIME_TYPE = 0x08000001,
	RUNTIME_IMR = 3,
	PREIMAGE_MAX = 64 * 1024,
	APP_ID_SIZE = 20,
	HASH_SIZE = 32,
};

/* What has been replayed so far. */
struct replay {
	unsigned char registers[RTMR_COUNT][MEASUREMENT_SIZE];
	struct app_identity *identity;
	bool ready; /* "system-ready" was seen: what follows is the app's */
};

/* One entry as the JSON has it. */
struct entry {
	size_t number; /* from 1, for messages */
	int imr;
	long long type;
	long long version;
	const char *digest, *name, *payload;
};

static bool sha384(const void *data, size_t length, unsigned char digest[MEASUREMENT_SIZE])
{
	return EVP_Digest(data, length, digest, NULL, EVP_sha384(), NULL) == 1;
}

/* ---- reading an entry */

static int read_entry(const cJSON *item, size_t number, struct entry *entry, struct error *err)
{
	long long imr = json_integer(item, "imr", -1);
	const cJSON *payload = cJSON_GetObjectItemCaseSensitive(item, "event_payload");

	*entry = (struct entry){
	    .number = number,
	    .type = json_integer(item, "event_type", -1),
	    .version = json_integer(item, "version", 1),
	    .digest = json_string(item, "digest"),
	    .name = json_string(item, "event"),
	    .payload = cJSON_IsString(payload) ? payload->valuestring : "",
	};
	if (entry->type < 0 || entry->digest == NULL || entry->name == NULL)
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log lacks its type, name or digest", number);
	if (imr < 0 || imr >= RTMR_COUNT)
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log is for register %lld, which no quote "
				 "measures",
				 number, imr);
	if (!hex_is_valid(entry->payload))
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log has a payload that is not hex", number);
	entry->imr = (int)imr;
	return 0;
}

/* ---- digests of dstack's own events */

static bool make_preimage_v1(const struct entry *entry, struct buffer *preimage)
{
	static const unsigned char type[] = {0x01, 0x00, 0x00, 0x08, ':'};
	size_t length = strlen(entry->payload) / 2;
	unsigned char *payload = malloc(length + 1);

	if (payload == NULL || hex_decode(entry->payload, 2 * length, payload) != 0) {
		free(payload);
		return false;
	}
	buffer_append(preimage, type, sizeof(type));
	buffer_printf(preimage, "%s:", entry->name);
	buffer_append(preimage, payload, length);
	free(payload);
	return !preimage->failed;
}

/* Canonical JSON (RFC 8785): members sorted, no spaces. */
static bool make_preimage_v2(const struct entry *entry, struct buffer *preimage)
{
	cJSON *name = cJSON_CreateString(entry->name);
	char *quoted = name == NULL ? NULL : cJSON_PrintUnformatted(name);

	cJSON_Delete(name);
	if (quoted == NULL)
		return false;
	buffer_printf(preimage, "{\"name\":%s,\"payload\":\"", quoted);
	for (const char *at = entry->payload; *at != '\0'; at++) {
		char digit = (char)(*at >= 'A' && *at <= 'F' ? *at - 'A' + 'a' : *at);
		buffer_append(preimage, &digit, 1);
	}
	buffer_printf(preimage, "\",\"type\":%d}", RUNTIME_TYPE);
	cJSON_free(quoted);
	return !preimage->failed;
}

static int compute_digest(const struct entry *entry, unsigned char digest[MEASUREMENT_SIZE],
			  struct error *err)
{
	struct buffer preimage;

	if (strchr(entry->name, ':') != NULL)
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log has a colon in its name, so that it could "
				 "stand for another",
				 entry->number);
	buffer_init(&preimage, PREIMAGE_MAX);
	bool made = entry->version == 2 ? make_preimage_v2(entry, &preimage)
					: make_preimage_v1(entry, &preimage);
	made = made && sha384(buffer_text(&preimage), preimage.length, digest);
	buffer_free(&preimage);
	if (!made)
		return error_set(err, EXIT_FAILED, "event %zu of the log is too large",
				 entry->number);
	return 0;
}

static int find_digest(const struct entry *entry, unsigned char digest[MEASUREMENT_SIZE],
		       struct error *err)
{
	unsigned char given[MEASUREMENT_SIZE];
	bool runtime = entry->type == RUNTIME_TYPE;
	bool present = entry->digest[0] != '\0';

	if ((present || !runtime) && (strlen(entry->digest) != 2 * MEASUREMENT_SIZE ||
				      hex_decode(entry->digest, 2 * MEASUREMENT_SIZE, given) != 0))
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log has a digest that is not hex of %d bytes",
				 entry->number, MEASUREMENT_SIZE);
	if (!runtime) {
		memcpy(digest, given, MEASUREMENT_SIZE);
		return 0;
	}
	if (entry->imr != RUNTIME_IMR || (entry->version != 1 && entry->version != 2))
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log claims to be dstack's but is for register "
				 "%d, in version %lld",
				 entry->number, entry->imr, entry->version);
	if (compute_digest(entry, digest, err) != 0)
		return -1;
	if (present && memcmp(given, digest, MEASUREMENT_SIZE) != 0)
		return error_set(err, EXIT_FAILED,
				 "event %zu of the log (\"%.40s\") has another digest than its "
				 "content gives",
				 entry->number, entry->name);
	return 0;
}

/* ---- identity */

static int keep(const struct entry *entry, char *value, size_t most, size_t size, bool may_be_empty,
		struct error *err)
{
	size_t length = strlen(entry->payload);

	if (value[0] != '\0')
		return error_set(err, EXIT_FAILED, "the event \"%s\" stands twice in the log",
				 entry->name);
	if (length > most || (size != 0 && length != 2 * size && !(may_be_empty && length == 0)))
		return error_set(err, EXIT_FAILED,
				 "the event \"%s\" has a payload of %zu bytes, which it never has",
				 entry->name, length / 2);
	for (size_t i = 0; i <= length; i++) {
		char c = entry->payload[i];
		value[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	}
	return 0;
}

static int note_identity(struct replay *replay, const struct entry *entry, struct error *err)
{
	struct app_identity *id = replay->identity;
	const struct {
		const char *name;
		char *value;
		size_t most, size;
		bool may_be_empty;
	} known[] = {
	    {"app-id", id->app_id, EVENT_HEX_MAX, APP_ID_SIZE, false},
	    {"compose-hash", id->compose_hash, EVENT_HEX_MAX, HASH_SIZE, false},
	    {"instance-id", id->instance_id, EVENT_HEX_MAX, APP_ID_SIZE, true},
	    {"os-image-hash", id->os_image_hash, EVENT_HEX_MAX, HASH_SIZE, false},
	    {"key-provider", id->key_provider, (size_t)2 * EVENT_PROVIDER_MAX, 0, true},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i].name, entry->name) != 0)
			continue;
		if (replay->ready)
			return error_set(err, EXIT_FAILED,
					 "event %zu of the log (\"%s\") comes after the system was "
					 "ready: the app made it",
					 entry->number, entry->name);
		return keep(entry, known[i].value, known[i].most, known[i].size,
			    known[i].may_be_empty, err);
	}
	if (strcmp(entry->name, "system-ready") == 0)
		replay->ready = true;
	return 0;
}

/* ---- the whole */

static int replay_entry(struct replay *replay, const cJSON *item, size_t number, struct error *err)
{
	unsigned char joined[2 * MEASUREMENT_SIZE];
	struct entry entry;

	if (read_entry(item, number, &entry, err) != 0 ||
	    find_digest(&entry, joined + MEASUREMENT_SIZE, err) != 0)
		return -1;
	memcpy(joined, replay->registers[entry.imr], MEASUREMENT_SIZE);
	if (!sha384(joined, sizeof(joined), replay->registers[entry.imr]))
		return error_no_memory(err);
	return entry.type == RUNTIME_TYPE ? note_identity(replay, &entry, err) : 0;
}

static int compare(const struct replay *replay, const struct td_report *report, struct error *err)
{
	for (int i = 0; i < RTMR_COUNT; i++)
		if (memcmp(replay->registers[i], report->rtmr[i], MEASUREMENT_SIZE) != 0)
			return error_set(err, EXIT_FAILED,
					 "the log does not give the quote's RTMR%d: events are "
					 "missing, changed, or not this quote's",
					 i);
	if (replay->identity->app_id[0] == '\0' || replay->identity->compose_hash[0] == '\0')
		return error_set(err, EXIT_FAILED,
				 "the log says neither app-id nor compose-hash before the system "
				 "was ready, or only one");
	return 0;
}

int event_log_verify(const char *json, size_t length, const struct td_report *report,
		     struct app_identity *identity, struct error *err)
{
	struct replay replay = {.identity = identity};
	size_t number = 0;
	const cJSON *item;

	*identity = (struct app_identity){0};
	if (length > EVENT_LOG_MAX)
		return error_set(err, EXIT_FAILED,
				 "the event log has %zu bytes; at most %d are "
				 "read",
				 length, EVENT_LOG_MAX);
	AUTO_JSON cJSON *log = json_parse(json, length, "the event log", err);
	if (log == NULL)
		return -1;
	if (!cJSON_IsArray(log) || log->child == NULL)
		return error_set(err, EXIT_FAILED, "the event log is empty, or no list of events");
	cJSON_ArrayForEach(item, log)
	{
		if (++number > EVENT_LOG_EVENTS_MAX)
			return error_set(err, EXIT_FAILED,
					 "the event log has more than %d events; no guest has so "
					 "many",
					 EVENT_LOG_EVENTS_MAX);
		if (replay_entry(&replay, item, number, err) != 0)
			return -1;
	}
	return compare(&replay, report, err);
}
