/* Values in messages: what cannot be seen is shown, what was not meant is named. */
#include "common/settings_loading.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>

/* ---- characters that editors, browsers and shells bring along unseen */

struct range {
	unsigned first, last;
	const char *name;
};

static const struct range unseen[] = {
    {0x0d, 0x0d, "a carriage return, the line end of Windows"},
    {0xa0, 0xa0, "a no-break space"},
    {0xad, 0xad, "a soft hyphen"},
    {0x34f, 0x34f, "a character that cannot be seen"},
    {0x61c, 0x61c, "a mark of the writing direction"},
    {0x115f, 0x1160, "a character that cannot be seen"},
    {0x1680, 0x1680, "a space that is none of ASCII"},
    {0x17b4, 0x17b5, "a character that cannot be seen"},
    {0x180b, 0x180f, "a character that cannot be seen"},
    {0x2000, 0x200a, "a space that is none of ASCII"},
    {0x200b, 0x200b, "a zero-width space"},
    {0x200c, 0x200d, "a zero-width joiner"},
    {0x200e, 0x200f, "a mark of the writing direction"},
    {0x2028, 0x2029, "a line separator that is none of ASCII"},
    {0x202a, 0x202e, "a mark of the writing direction"},
    {0x202f, 0x202f, "a no-break space"},
    {0x205f, 0x205f, "a space that is none of ASCII"},
    {0x2060, 0x2065, "a word joiner"},
    {0x2066, 0x2069, "a mark of the writing direction"},
    {0x206a, 0x206f, "a character that cannot be seen"},
    {0x3000, 0x3000, "a space that is none of ASCII"},
    {0x3164, 0x3164, "a character that cannot be seen"},
    {0xfe00, 0xfe0f, "a character that cannot be seen"},
    {0xfeff, 0xfeff, "a byte order mark"},
    {0xffa0, 0xffa0, "a character that cannot be seen"},
    {0xfff9, 0xfffb, "a character that cannot be seen"},
    {0xe0000, 0xe0fff, "a character that cannot be seen"},
};

/* The code point of the character of `length` bytes at `text`. */
static unsigned code_point(const char *text, size_t length)
{
	static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned code = (unsigned char)text[0] & lead_bits[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

/* Its name; NULL for what can be seen. */
static const char *name_unseen(unsigned code)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (code >= unseen[i].first && code <= unseen[i].last)
			return unseen[i].name;
	return NULL;
}

static size_t character_length(const char *text, size_t length)
{
	size_t whole = text_character_length(text);

	return whole == 0 || whole > length ? 1 : whole;
}

/* The first of them: its name, or NULL, and where it is. */
static const char *find_unseen(const char *text, size_t length, size_t *at, size_t *size)
{
	for (*at = 0; *at < length; *at += *size) {
		*size = character_length(text + *at, length - *at);
		const char *name = name_unseen(code_point(text + *at, *size));
		if (name != NULL)
			return name;
	}
	return NULL;
}

bool settings_has_unseen(const char *text, size_t length)
{
	size_t at, size;

	return find_unseen(text, length, &at, &size) != NULL;
}

/* ---- quotes */

/* " or ', or what a word processor makes of them (U+2018 to U+201F). */
static bool is_quote(const char *text, size_t length)
{
	if (length == 0)
		return false;
	if (*text == '"' || *text == '\'')
		return true;
	return length >= 3 && memcmp(text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x98 &&
	       (unsigned char)text[2] <= 0x9f;
}

bool settings_is_quoted(const char *text, size_t length)
{
	if (length < 2 || !is_quote(text, length))
		return false;
	return is_quote(text + length - 1, 1) || (length >= 6 && is_quote(text + length - 3, 3));
}

void settings_hint(const char *text, size_t length, char out[SETTING_HINT_SIZE])
{
	size_t at, size;
	const char *name = find_unseen(text, length, &at, &size);

	out[0] = '\0';
	if (name != NULL)
		snprintf(out, SETTING_HINT_SIZE, "; it %s %s%s: remove that",
			 at == 0 ? "begins with" : (at + size == length ? "ends with" : "has"),
			 name, at == 0 || at + size == length ? "" : " in it");
	else if (settings_is_quoted(text, length))
		snprintf(out, SETTING_HINT_SIZE,
			 "; the quotes are part of it, as `docker --env-file` keeps them: leave "
			 "them out");
}

/* ---- as it may stand in a message */

/* The part of "scheme://user:password@host" that must not be seen: from the byte behind
 * "://" up to the last '@'. */
static void find_credentials(const char *text, size_t length, size_t *from, size_t *to)
{
	const char *scheme = memmem(text, length, "://", 3);
	const char *at = memrchr(text, '@', length);

	*from = *to = 0;
	if (scheme == NULL || at == NULL || at < scheme)
		return;
	*from = (size_t)(scheme + 3 - text);
	*to = (size_t)(at - text);
}

struct shown {
	char *out;
	size_t used;
	bool is_cut;
};

static void append(struct shown *shown, const char *bytes, size_t count)
{
	if (shown->is_cut || shown->used + count > SETTING_SHOWN_MAX) {
		shown->is_cut = true;
		return;
	}
	memcpy(shown->out + shown->used, bytes, count);
	shown->used += count;
}

static bool can_be_seen(const char *text, size_t length)
{
	if (text_character_length(text) != length)
		return false; /* no UTF-8 */
	unsigned code = code_point(text, length);
	return code >= 0x20 && (code < 0x7f || code >= 0xa0) && name_unseen(code) == NULL;
}

/* Whole characters only, whether escaped or not. */
static void append_visibly(struct shown *shown, const char *text, size_t length)
{
	for (size_t at = 0, size; at < length; at += size) {
		char escaped[4 * 4 + 1];
		size = character_length(text + at, length - at);
		if (can_be_seen(text + at, size)) {
			append(shown, text + at, size);
			continue;
		}
		for (size_t i = 0; i < size; i++)
			snprintf(escaped + 4 * i, 5, "\\x%02x", (unsigned char)text[at + i]);
		append(shown, escaped, 4 * size);
	}
}

void settings_show(const char *text, size_t length, char out[SETTING_SHOWN_SIZE])
{
	struct shown shown = {out, 0, false};
	size_t from, to;

	find_credentials(text, length, &from, &to);
	append_visibly(&shown, text, from);
	if (to > from)
		append(&shown, "***", 3);
	append_visibly(&shown, text + to, length - to);
	memcpy(out + shown.used, shown.is_cut ? "..." : "", shown.is_cut ? 4 : 1);
}
