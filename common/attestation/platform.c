#include "common/attestation/platform.h"

#include <stdbool.h>
#include <string.h>

/* The head of a MessagePack value (specification, "Formats"). */
struct head {
	enum { PLAIN, TEXT, ARRAY, MAP } kind;
	size_t bytes;	/* of the content that follows, but for arrays and maps */
	size_t members; /* of an array or map; a map's count twice */
};

struct reader {
	const unsigned char *at;
	size_t left;
};

static bool take(struct reader *r, size_t count, const unsigned char **bytes)
{
	if (count > r->left)
		return false;
	*bytes = r->at;
	r->at += count;
	r->left -= count;
	return true;
}

static bool take_number(struct reader *r, size_t size, size_t *number)
{
	const unsigned char *bytes;

	if (!take(r, size, &bytes))
		return false;
	*number = 0;
	for (size_t i = 0; i < size; i++)
		*number = *number << 8 | bytes[i];
	return true;
}

/* Of the types 0xc0 to 0xdf: how many bytes the length has, what it counts, and what there is
 * beside it. */
static const struct {
	unsigned char kind, length_size, fixed, known;
} types[32] = {
    [0x00] = {PLAIN, 0, 0, 1}, /* nil */
    [0x02] = {PLAIN, 0, 0, 1}, /* false */
    [0x03] = {PLAIN, 0, 0, 1}, /* true */
    [0x04] = {PLAIN, 1, 0, 1}, /* bin 8, 16, 32 */
    [0x05] = {PLAIN, 2, 0, 1}, [0x06] = {PLAIN, 4, 0, 1},
    [0x07] = {PLAIN, 1, 1, 1}, /* ext 8, 16, 32: a type beside the length */
    [0x08] = {PLAIN, 2, 1, 1}, [0x09] = {PLAIN, 4, 1, 1},
    [0x0a] = {PLAIN, 0, 4, 1},				  /* float 32, 64 */
    [0x0b] = {PLAIN, 0, 8, 1}, [0x0c] = {PLAIN, 0, 1, 1}, /* uint 8 to 64 */
    [0x0d] = {PLAIN, 0, 2, 1}, [0x0e] = {PLAIN, 0, 4, 1},
    [0x0f] = {PLAIN, 0, 8, 1}, [0x10] = {PLAIN, 0, 1, 1}, /* int 8 to 64 */
    [0x11] = {PLAIN, 0, 2, 1}, [0x12] = {PLAIN, 0, 4, 1},
    [0x13] = {PLAIN, 0, 8, 1}, [0x14] = {PLAIN, 0, 2, 1}, /* fixext 1 to 16 */
    [0x15] = {PLAIN, 0, 3, 1}, [0x16] = {PLAIN, 0, 5, 1},
    [0x17] = {PLAIN, 0, 9, 1}, [0x18] = {PLAIN, 0, 17, 1},
    [0x19] = {TEXT, 1, 0, 1}, /* str 8, 16, 32 */
    [0x1a] = {TEXT, 2, 0, 1},  [0x1b] = {TEXT, 4, 0, 1},
    [0x1c] = {ARRAY, 2, 0, 1}, [0x1d] = {ARRAY, 4, 0, 1},
    [0x1e] = {MAP, 2, 0, 1},   [0x1f] = {MAP, 4, 0, 1},
};

static bool take_long_head(struct reader *r, unsigned char tag, struct head *head)
{
	size_t type = tag - 0xc0u, count = 0;

	if (types[type].known == 0 || !take_number(r, types[type].length_size, &count))
		return false;
	head->kind = types[type].kind;
	if (head->kind == ARRAY)
		head->members = count;
	else if (head->kind == MAP)
		head->members = 2 * count;
	else
		head->bytes = count + types[type].fixed;
	return true;
}

static bool take_head(struct reader *r, struct head *head)
{
	const unsigned char *tag;

	*head = (struct head){PLAIN, 0, 0};
	if (!take(r, 1, &tag))
		return false;
	if (*tag >= 0xc0 && *tag < 0xe0)
		return take_long_head(r, *tag, head);
	if (*tag >= 0xa0 && *tag < 0xc0)
		*head = (struct head){TEXT, *tag & 0x1f, 0};
	else if (*tag >= 0x90 && *tag < 0xa0)
		*head = (struct head){ARRAY, 0, *tag & 0x0f};
	else if (*tag >= 0x80 && *tag < 0x90)
		*head = (struct head){MAP, 0, (size_t)2 * (*tag & 0x0f)};
	return true;
}

/* However deep it is nested.  Each value has a byte at least, so that its end is reached. */
static bool skip_value(struct reader *r)
{
	const unsigned char *content;
	struct head head;
	size_t pending = 1;

	while (pending > 0) {
		if (!take_head(r, &head) || !take(r, head.bytes, &content))
			return false;
		pending += head.members - 1;
		if (pending > r->left)
			return false;
	}
	return true;
}

/* Moves to the value of a member of the map that begins here. */
static bool find_member(struct reader *r, const char *name)
{
	const unsigned char *text;
	struct head head;

	if (!take_head(r, &head) || head.kind != MAP)
		return false;
	for (size_t i = head.members / 2; i > 0; i--) {
		struct head key;
		if (!take_head(r, &key) || key.kind != TEXT || !take(r, key.bytes, &text))
			return false;
		if (key.bytes == strlen(name) && memcmp(text, name, key.bytes) == 0)
			return true;
		if (!skip_value(r))
			return false;
	}
	return false;
}

static bool take_kind(struct reader *r, char kind[PLATFORM_KIND_SIZE])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const unsigned char *text;
	struct head head;

	if (!take_head(r, &head) || head.kind != TEXT || head.bytes == 0 ||
	    head.bytes >= PLATFORM_KIND_SIZE || !take(r, head.bytes, &text))
		return false;
	for (size_t i = 0; i < head.bytes; i++)
		if (text[i] == '\0' || strchr(allowed, text[i]) == NULL)
			return false;
	memcpy(kind, text, head.bytes);
	kind[head.bytes] = '\0';
	return true;
}

int platform_kind(const unsigned char *attestation, size_t length, char kind[PLATFORM_KIND_SIZE],
		  struct error *err)
{
	struct reader r = {attestation, length};

	kind[0] = '\0';
	if (length > PLATFORM_ATTESTATION_MAX)
		return error_set(err, EXIT_FAILED,
				 "the attestation has %zu bytes; at most %d are read", length,
				 PLATFORM_ATTESTATION_MAX);
	if (length > 1 && attestation[0] == 0x00) {
		memcpy(kind, "legacy", sizeof("legacy"));
		return 0;
	}
	if (find_member(&r, "platform") && find_member(&r, "kind") && take_kind(&r, kind))
		return 0;
	return error_set(err, EXIT_FAILED,
			 "the attestation is not of dstack's format: it names no platform");
}
